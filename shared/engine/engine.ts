import type { ModelHash, TokenId } from '../base/ids.ts'
import type { Dtype } from '../models/manifest.ts'
import type { Task } from '../models/task.ts'

/** Where the arithmetic runs: on the GPU through WebGPU, or on the processor through WebAssembly. */
export type Backend = 'webgpu' | 'wasm'

/** A form that an answer must have. `compileGrammar` in `grammar/` says what each kind may hold. */
export type GrammarSource =
  /** Any JSON value. */
  | { readonly kind: 'json' }
  /** JSON that fits a schema, which comes as JSON text. */
  | { readonly kind: 'json-schema'; readonly schema: string }
  /** A grammar in the notation of llama.cpp. */
  | { readonly kind: 'gbnf'; readonly grammar: string }

/** A token and what is added to its logit, -100 to 100. */
export type TokenBias = readonly [token: number, bias: number]

/**
 * How tokens are drawn. Normative definition: `sampler/SAMPLER.md`. What is left out is off.
 *
 * Temperature 0 is greedy and needs no seed.
 */
export interface SamplerParams {
  /** 0 (greedy) to 2. */
  readonly temperature: number
  /** Keep the smallest set of likely tokens whose probability reaches this. (0, 1]; 1 keeps all. */
  readonly topP: number
  /** Keep this many tokens. 1 to 1024. */
  readonly topK?: number
  /** Keep the tokens that are at least this many times as likely as the likeliest. 0 (all) up to, not including, 1. */
  readonly minP?: number
  /** What the logits of all tokens that the text holds already, the prompt included, are divided by. 0.5 to 2. */
  readonly repetitionPenalty?: number
  /** Taken from the logit of each token that the answer holds already. -2 to 2. */
  readonly presencePenalty?: number
  /** Taken from the logit of a token for each time that the answer holds it. -2 to 2. */
  readonly frequencyPenalty?: number
  /** Each token at most once. */
  readonly logitBias?: readonly TokenBias[]
  /** Token sequences that end the answer; the one that did is its last part. */
  readonly stop?: readonly (readonly number[])[]
  readonly grammar?: GrammarSource
}

/** One request to the engine. `promptTokens` and `priorTokens` together are what the model reads (prefill). */
export interface GenerateRequest {
  /** The prompt in token ids, chat template applied. At least one. */
  readonly promptTokens: readonly number[]
  /**
   * Tokens of this answer that someone produced already. They are read, not produced again, and the sampler goes on
   * at position `priorTokens.length`, so that an answer continues on another engine as if it were the same.
   */
  readonly priorTokens: readonly number[]
  readonly sampler: SamplerParams
  /** 32 bytes; with the position they decide every draw. Ignored when greedy. */
  readonly seed: Uint8Array
  /** How many new tokens at most. The end-of-sequence token counts. */
  readonly maxTokens: number
  /** Asks for the sketch of each token (`TokenBatch.sketches`), to be committed to. @default false */
  readonly sketches?: boolean | undefined
  /** Who asks, in any words: those who ask for much wait for those who ask for little. @default one for all */
  readonly client?: string | undefined
}

/** A text whose tokens are to be checked: what a verifier runs. */
export interface ScoreRequest {
  readonly promptTokens: readonly number[]
  /**
   * Tokens of the answer before those that are to be checked: they are read, not scored, and the sampler goes on at
   * position `priorTokens.length`, as in {@link GenerateRequest}. @default none
   */
  readonly priorTokens?: readonly number[] | undefined
  /** What a provider says the model wrote. At least one. */
  readonly outputTokens: readonly number[]
  readonly sampler: SamplerParams
  readonly seed: Uint8Array
  readonly client?: string | undefined
}

/** What a check found of one token. */
export interface TokenScore {
  /**
   * How much better the best choice would have scored under the same noise, in logits: 0 when the token is exactly what
   * this engine would have drawn, `MARGIN_FILTERED` when the filters rule it out (Token-DiFR, docs/design-notes.md).
   */
  readonly margin: number
  /** Sixteen logits of this position as IEEE 754 halves, to be compared with the provider's (`createSketcher`). */
  readonly sketch: Uint16Array
}

/** Texts that are to be turned into vectors. */
export interface EmbedRequest {
  /** Each in token ids, at least one; no longer than `contextLength`. */
  readonly texts: readonly (readonly number[])[]
  /** Who asks, in any words: those who ask for much wait for those who ask for little. @default one for all */
  readonly client?: string | undefined
}

export type FinishReason = 'stop' | 'length'

/** What a pull gives: the tokens that were ready, in order, and why the answer ended if it did. */
export interface TokenBatch {
  /** At least one token, unless the answer ends. The end-of-sequence token is included, it is produced and counted. */
  readonly tokens: readonly TokenId[]
  /**
   * Where they were asked for: of each token sixteen logits of its position as IEEE 754 halves (`createSketcher`), one token
   * after the other.
   */
  readonly sketches?: Uint16Array | undefined
  readonly finish: FinishReason | undefined
}

export interface EngineInfo {
  readonly task: Task
  readonly model: ModelHash
  readonly backend: Backend
  /** What the browser says of the adapter, e.g. `nvidia ampere`; `cpu` on wasm. A label, never a proof. */
  readonly adapter: string
  /** How the model's numbers are stored and reckoned, as its manifest says: what two machines may differ by. */
  readonly dtype?: Dtype | undefined
  /** Prompt and answer together, in tokens; of an encoder, the longest text. */
  readonly contextLength: number
  /** Numbers of a vector, of an encoder. */
  readonly dimensions?: number | undefined
  readonly vocabSize: number
  /** Measured by the self-test on this device, tokens per second. */
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** The same of all streams together when as many run as `streams`; of one where that is 1. */
  readonly batchTokensPerSecond: number
  /** How many requests run at once, measured on this device: where batching gains nothing it is few. */
  readonly streams: number
}

/**
 * A loaded model. The same interface in the worker, in the page that talks to it, in Node and in tests.
 *
 * Pulled: nothing is computed far ahead of `next()`, so the consumer sets the pace. `return()` on the iterator or the
 * signal stops within one token and frees the KV cache. Requests beyond the ones that run wait in one bounded queue.
 *
 * What it does is its task: a model that writes takes `generate` and `score`, an encoder `embed`. Each refuses what is
 * the other's (`engine.other-task`).
 *
 * Errors: `engine.other-task`, `engine.bad-token`, `engine.context-full`, `engine.queue-full`, `engine.device-lost`,
 * `engine.out-of-memory`, `engine.bad-logits`, `engine.closed`, or the signal's reason.
 */
export interface Engine {
  readonly info: EngineInfo
  generate(
    request: GenerateRequest,
    options?: { signal?: AbortSignal | undefined },
  ): AsyncGenerator<TokenBatch, void, void>
  /**
   * Reads a text once and tells of each output token how well it fits (teacher forcing): the cost of a prefill. Takes a
   * place like any other request.
   *
   * Errors: as {@link Engine.generate}.
   */
  score(request: ScoreRequest, options?: { signal?: AbortSignal | undefined }): Promise<readonly TokenScore[]>
  /**
   * A vector for each text, one after the other: `dimensions` numbers each, in the order of the texts. They may be
   * computed together with those of other requests, and take a place in the queue like any other.
   *
   * Errors: as {@link Engine.generate}.
   */
  embed(request: EmbedRequest, options?: { signal?: AbortSignal | undefined }): Promise<Float32Array>
  /** Resolves with the error when the engine dies by itself (device lost, worker crash); never rejects. */
  readonly lost: Promise<Error>
  close(): Promise<void>
}
