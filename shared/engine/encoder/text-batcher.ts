import { raceSignal } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { BatcherComponents } from '../batch/batcher.ts'
import { nameFailure } from '../engine-failure.ts'
import type { EmbedRequest } from '../engine.ts'
import { STEP_TEXTS, STEP_TOKENS, type Encoder } from './encoder.ts'

export interface TextBatcherComponents extends Pick<BatcherComponents, 'now' | 'breathe' | 'pace'> {
  readonly encoder: Encoder
}

export interface TextBatcherInit {
  /** Requests that may be here at once, those that are computed included: each pins its texts. */
  readonly maxRequests: number
  /** Called when what a step threw says that no further step can be trusted. */
  readonly onBroken: (error: Error) => void
  /** Aborted when the device is lost: a running step may hang for ever and is no longer waited for. */
  readonly dying: AbortSignal
}

/** A request, and what there is of its vectors. */
interface Embedding {
  readonly client: string
  /** Those that are not computed yet, the longest last, each with its place in the request. */
  readonly left: { readonly text: readonly number[]; readonly at: number }[]
  readonly vectors: Float32Array
  missing: number
  readonly whole: PromiseWithResolvers<Float32Array>
}

interface Row {
  readonly embedding: Embedding
  readonly text: readonly number[]
  readonly at: number
}

/**
 * Texts of several requests in one step, padded to the longest, bounded by tokens and by texts.
 *
 * Each step takes a text of every asker in turn until it is full, so one who asks for much holds up one who asks for
 * little by a step. A request's longest texts come first: those of one step are about as long as one another.
 */
export class TextBatcher {
  readonly #parts: TextBatcherComponents
  readonly #init: TextBatcherInit
  readonly #closing = new AbortController()
  #embeddings: Embedding[] = []
  #turning: Promise<void> | undefined
  #turn = 0

  constructor(parts: TextBatcherComponents, init: TextBatcherInit) {
    this.#parts = parts
    this.#init = init
  }

  /**
   * The vectors of a request. The signal ends it between two steps.
   *
   * @throws InfernetError `engine.queue-full`, what a step throws, or the signal's reason
   */
  async embed({ texts, client = '' }: EmbedRequest, signal: AbortSignal): Promise<Float32Array> {
    const { maxRequests } = this.#init
    signal.throwIfAborted()
    if (this.#embeddings.length >= maxRequests)
      throw new InfernetError('engine.queue-full', { limit: maxRequests })
    const embedding: Embedding = {
      client,
      left: texts.map((text, at) => ({ text, at })).sort((a, b) => a.text.length - b.text.length),
      vectors: new Float32Array(texts.length * this.#parts.encoder.dimensions),
      missing: texts.length,
      whole: Promise.withResolvers(),
    }
    this.#embeddings.push(embedding)
    this.#turning ??= this.#turnUntilIdle()
    try {
      return await raceSignal(embedding.whole.promise, signal)
    } finally {
      this.#drop(embedding)
    }
  }

  /** Resolves when no step runs any more. */
  async close(): Promise<void> {
    this.#closing.abort(new InfernetError('engine.closed'))
    await this.#turning
  }

  #drop(embedding: Embedding): void {
    this.#embeddings = this.#embeddings.filter((other) => other !== embedding)
  }

  async #turnUntilIdle(): Promise<void> {
    try {
      // Who comes with the first is computed with it.
      await this.#parts.breathe()
      while (!this.#closing.signal.aborted) {
        const rows = this.#nextRows()
        if (rows.length === 0) return
        await this.#step(rows)
      }
    } finally {
      this.#turning = undefined
    }
  }

  /** The texts of the next step: one of each asker in turn, as long as there is room. */
  #nextRows(): readonly Row[] {
    const clients = [...new Set(this.#embeddings.map(({ client }) => client))]
    const first = this.#turn++ % Math.max(1, clients.length)
    let open = [...clients.slice(first), ...clients.slice(0, first)]
    const rows: Row[] = []
    let longest = 0
    while (open.length > 0 && rows.length < STEP_TEXTS)
      open = open.filter((client) => {
        const embedding = this.#embeddings.find((each) => each.client === client && each.left.length > 0)
        const next = embedding?.left.at(-1)
        if (!embedding || !next || rows.length >= STEP_TEXTS) return false
        const width = Math.max(longest, next.text.length)
        if (rows.length > 0 && (rows.length + 1) * width > STEP_TOKENS) return false
        longest = width
        embedding.left.pop()
        rows.push({ embedding, ...next })
        return true
      })
    return rows
  }

  async #step(rows: readonly Row[]): Promise<void> {
    const { encoder, now, pace, breathe } = this.#parts
    const { dying, onBroken } = this.#init
    const begun = now()
    try {
      const vectors = await raceSignal(encoder.run(rows.map(({ text }) => text)), dying)
      rows.forEach((row, i) => this.#take(row, vectors.subarray(i * encoder.dimensions)))
    } catch (thrown) {
      const error = nameFailure(thrown, dying)
      for (const { embedding } of rows) {
        embedding.whole.reject(error)
        embedding.whole.promise.catch(() => undefined)
        this.#drop(embedding)
      }
      const isLost = error instanceof InfernetError && error.code === 'engine.device-lost'
      // A trap leaves the wasm heap in an unknown state: nothing after it can be trusted.
      if (isLost || thrown instanceof WebAssembly.RuntimeError) onBroken(error)
    }
    // A rest that is left alone is accounted for, and an engine that is closed need not wait for its end.
    const rest = pace?.afterStep(now() - begun)
    if (rest) await raceSignal(rest, this.#closing.signal).catch(() => undefined)
    await breathe()
  }

  #take({ embedding, at }: Row, from: Float32Array): void {
    const { dimensions } = this.#parts.encoder
    embedding.vectors.set(from.subarray(0, dimensions), at * dimensions)
    if (--embedding.missing === 0) embedding.whole.resolve(embedding.vectors)
  }
}
