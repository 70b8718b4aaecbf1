import type { Sequence } from '../decoder/decoder.ts'
import type { ScoreRequest, TokenScore } from '../engine.ts'
import type { Sampler } from '../sampler/sampler.ts'
import type { Sketcher } from '../score/sketch.ts'
import type { Task } from './task.ts'

/** One text that is read through to see how likely each of its tokens was (teacher forcing). */
export class ScoreTask implements Task {
  readonly kind = 'score'
  readonly client: string
  readonly cacheTokens: number
  readonly done: Promise<readonly TokenScore[]>
  served = 0
  sequence: Sequence | undefined
  failure: Error | undefined
  readonly #request: ScoreRequest
  readonly #sampler: Sampler
  readonly #sketcher: Sketcher
  readonly #given: number
  readonly #scores: TokenScore[] = []
  readonly #settle = Promise.withResolvers<readonly TokenScore[]>()
  readonly #wake: () => void
  #read = 0

  /** @param parts `wake` is called when the task fails */
  constructor(
    request: ScoreRequest,
    parts: { readonly sampler: Sampler; readonly sketcher: Sketcher; readonly wake: () => void },
  ) {
    this.#request = request
    this.#sampler = parts.sampler
    this.#sketcher = parts.sketcher
    this.#wake = parts.wake
    this.client = request.client ?? ''
    this.#given = request.promptTokens.length + (request.priorTokens?.length ?? 0)
    // What follows the last token is of no interest, so it is not read.
    this.cacheTokens = this.#given + request.outputTokens.length - 1
    this.done = this.#settle.promise
    this.done.catch(() => undefined)
  }

  get isOver(): boolean {
    return this.failure !== undefined || this.#isDone
  }

  /** The next tokens to read, and from which of them on the logits are wanted. */
  segment(count: number): { readonly tokens: readonly number[]; readonly from: number } {
    const { promptTokens, priorTokens = [], outputTokens } = this.#request
    const end = Math.min(this.#read + count, this.cacheTokens)
    const tokens = [...promptTokens, ...priorTokens, ...outputTokens].slice(this.#read, end)
    return { tokens, from: Math.max(0, this.#given - 1 - this.#read) }
  }

  /** Takes the logits after the next token of the given text's end or the output. */
  take(logits: Float32Array): void {
    const at = this.#scores.length
    const token = this.#request.outputTokens[at] ?? 0
    const position = (this.#request.priorTokens?.length ?? 0) + at
    const sketch = this.#sketcher.sketch(logits, position)
    this.#scores.push({ margin: this.#sampler.margin(logits, token), sketch })
  }

  hasRead(count: number): void {
    this.#read += count
    this.served += count
    if (this.#isDone) this.#settle.resolve(this.#scores)
  }

  fail(reason: Error): void {
    if (this.isOver) return
    this.failure = reason
    this.#settle.reject(reason)
    this.#wake()
  }

  get #isDone(): boolean {
    return this.#scores.length === this.#request.outputTokens.length
  }
}
