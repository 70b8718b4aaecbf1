import type { SketchPlaces } from '../score/sketch.ts'

/**
 * Prompts are read in segments of this many tokens: it bounds the logits of a graph that gives all positions (78 MB at
 * a vocabulary of 152,000), it is how long a cancel may have to wait, and how long a long prompt may stall the others.
 */
export const PREFILL_SEGMENT = 128

/** One text being read and written: the KV cache of what it holds so far. */
export interface Sequence {
  /** Tokens read so far. */
  readonly length: number
  /** Frees the KV cache. After it the sequence may not be used; twice is harmless. Never while a call on it runs. */
  dispose(): void
}

/**
 * A draw that a GPU may preselect for: it works out each token's noisy score in 32 bits and hands over every token that
 * could still win when the score is worked out exactly (`createSampler` is the definition). Without a hint, or where
 * it cannot prove that it has the winner, all logits are read.
 */
export interface DrawHint {
  /** 0 is greedy; then the words are not used. */
  readonly temperature: number
  /** The position in the answer, the first word of the Philox counter. */
  readonly position: number
  /** The first four little-endian words of the seed: the key, then the upper half of the counter. */
  readonly seedWords: readonly [number, number, number, number]
  /** Logits of the position that are wanted besides, whoever wins. @default none */
  readonly sketch?: SketchPlaces | undefined
}

/** The logits of one position, or those of them that matter. */
export interface Logits {
  /** Token ids in rising order, each with its logit in `values`; undefined when `values` is the whole vocabulary. */
  readonly ids: Uint32Array | undefined
  /** Exact 32-bit logits. */
  readonly values: Float32Array
  /** Those that `DrawHint.sketch` names, in its order, where `values` is not the whole vocabulary. */
  readonly sketch?: Float32Array | undefined
}

/** Most tokens of {@link Decoder.begin}, all rows together: twice a segment. */
export const BEGIN_TOKENS = 2 * PREFILL_SEGMENT

/** How a text begins. */
export interface BeginInput {
  /** New: nothing was read into it. */
  readonly sequence: Sequence
  readonly tokens: readonly number[]
  /** Asks for the logits after the last of `tokens`. */
  readonly last: { readonly hint: DrawHint | undefined } | undefined
}

export interface StepInput {
  readonly sequence: Sequence
  /** The token to read; the logits are for what follows it. */
  readonly token: number
  /** Undefined asks for the whole vocabulary. */
  readonly hint: DrawHint | undefined
}

/**
 * A loaded graph. One call at a time: the batcher above it takes turns.
 *
 * Errors: what ORT throws, unnamed; `engine.bad-logits` when a shape is not what the model promised or a preselection
 * meets a logit that is no finite number.
 */
export interface Decoder {
  /** Most sequences that one step may hold; 1 for a graph whose rows cannot differ in length. */
  readonly maxRows: number
  /** What one token of one sequence takes in the KV cache, in bytes. */
  readonly cacheBytesPerToken: number
  /** A new empty sequence. Takes no memory to speak of before its first segment is read. */
  open(): Sequence
  /** Reads up to {@link PREFILL_SEGMENT} tokens of one sequence. With `last` it gives the logits after the last one. */
  prefill(sequence: Sequence, tokens: readonly number[]): Promise<undefined>
  prefill(
    sequence: Sequence,
    tokens: readonly number[],
    last: { readonly hint: DrawHint | undefined },
  ): Promise<Logits>
  /**
   * Reads the first tokens of up to `maxRows` new sequences in one run, equally many of each and {@link BEGIN_TOKENS} at
   * most. (ORT 1.30.0 reads on in one row alone: its attention takes no several rows with a past of several tokens.)
   */
  begin(inputs: readonly BeginInput[]): Promise<readonly (Logits | undefined)[]>
  /**
   * Reads up to {@link PREFILL_SEGMENT} tokens of one sequence and gives the whole vocabulary's logits after each of
   * the tokens from index `from` on. The array that `take` gets is only valid during the call.
   */
  score(
    sequence: Sequence,
    tokens: readonly number[],
    from: number,
    take: (logits: Float32Array, index: number) => void,
  ): Promise<void>
  /** Reads one token of each of up to `maxRows` different sequences; the answers are in the order of `inputs`. */
  step(inputs: readonly StepInput[]): Promise<readonly Logits[]>
  close(): Promise<void>
}
