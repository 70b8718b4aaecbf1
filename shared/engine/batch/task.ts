import type { TokenId } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { DrawHint, Logits, Sequence } from '../decoder/decoder.ts'
import type { FinishReason, GenerateRequest, TokenBatch } from '../engine.ts'
import type { Sampler } from '../sampler/sampler.ts'
import { sketchOf, SKETCH_SIZE, type Sketcher } from '../score/sketch.ts'

/** How far the engine may write ahead of what was pulled: enough for one batch on the wire while the next is computed. */
const AHEAD_TOKENS = 8

/** Something that takes a place among the running: an answer being written, or a text being scored. */
export interface Task {
  /** Who asked; requests of one asker share what they get. */
  readonly client: string
  /** Tokens that its KV cache may grow to. */
  readonly cacheTokens: number
  /** Tokens read or written for it since it was let in. */
  served: number
  /** Whether it is finished or failed. */
  readonly isOver: boolean
  /** Set once: why it ends without an answer. The batcher lets go of it at the next boundary. */
  readonly failure: Error | undefined
  sequence: Sequence | undefined
  fail(reason: Error): void
}

interface AnswerTaskInit {
  readonly request: GenerateRequest
  readonly sampler: Sampler
  /** Undefined where nobody wants sketches. */
  readonly sketcher: Sketcher | undefined
  readonly eos: ReadonlySet<number>
  readonly contextLength: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Tokens that are ready within this many milliseconds go out in one batch. */
  readonly batchMs: number
  /** Called when the task can be computed further, because it was pulled or failed. */
  readonly wake: () => void
}

/** One answer: what is to be read, what was written, and who waits for it. */
export class AnswerTask implements Task {
  readonly kind = 'answer'
  readonly client: string
  readonly cacheTokens: number
  served = 0
  /** Tokens written since the task was let in. */
  wroteInTurn = 0
  sequence: Sequence | undefined
  finish: FinishReason | undefined
  failure: Error | undefined
  readonly #init: AnswerTaskInit
  readonly #written: number[] = []
  #read = 0
  #ready: TokenId[] = []
  /** Those of the ready tokens, in order. */
  #sketches: Uint16Array[] = []
  #deliveredAt: number
  #pull: PromiseWithResolvers<TokenBatch> | undefined

  constructor(init: AnswerTaskInit) {
    const { promptTokens, priorTokens, maxTokens, client = '' } = init.request
    this.#init = init
    this.client = client
    this.#deliveredAt = init.now()
    const given = promptTokens.length + priorTokens.length
    this.cacheTokens = Math.min(init.contextLength, given + maxTokens)
  }

  /** Whether more than the last token is still to be read. */
  get isReading(): boolean {
    return this.#read === 0 || this.#textLength - this.#read > 1
  }

  /** How many tokens there are to read where none was read yet; 0 after that. */
  get freshTokens(): number {
    return this.#read === 0 ? this.#textLength : 0
  }

  /** The token that a decode step reads. */
  get lastToken(): number {
    const { promptTokens, priorTokens } = this.#init.request
    return this.#written.at(-1) ?? priorTokens.at(-1) ?? promptTokens.at(-1) ?? 0
  }

  get isOver(): boolean {
    return this.finish !== undefined || this.failure !== undefined
  }

  /** Whether there is anything to compute: for somebody who waits, or a little ahead of him. */
  get isHungry(): boolean {
    return !this.isOver && (this.#pull !== undefined || this.#ready.length < AHEAD_TOKENS)
  }

  /** The next tokens to read, at most `count`, and whether the text ends with them. */
  segment(count: number): { readonly tokens: readonly number[]; readonly isLast: boolean } {
    const { promptTokens, priorTokens } = this.#init.request
    const text = [...promptTokens, ...priorTokens, ...this.#written]
    const tokens = text.slice(this.#read, this.#read + count)
    return { tokens, isLast: this.#read + tokens.length === text.length }
  }

  /** Says that tokens of {@link segment} are in the KV cache. */
  hasRead(count: number): void {
    this.#read += count
    this.served += count
  }

  /** The KV cache is gone: all must be read again before the next token. */
  forget(): void {
    this.sequence?.dispose()
    this.sequence = undefined
    this.#read = 0
    this.served = 0
    this.wroteInTurn = 0
  }

  /** What the device may preselect by for the next token; undefined when all logits are needed. */
  hint(): DrawHint | undefined {
    const { sampler, sketcher } = this.#init
    const hint = sampler.hint()
    return hint && sketcher ? { ...hint, sketch: sketcher } : hint
  }

  /** Draws the next token from the logits after the whole text. Logits that are no numbers end this task alone. */
  draw(logits: Logits): void {
    if (this.failure) return
    const { request, sampler, sketcher } = this.#init
    try {
      const position = request.priorTokens.length + this.#written.length
      const sketch = sketcher && sketchFrom(sketcher, logits, position)
      const token = sampler.pick(logits)
      if (sketch) this.#sketches.push(sketch)
      this.#write(token)
    } catch (error) {
      this.fail(InfernetError.from(error))
    }
  }

  #write(token: TokenId): void {
    const { request, sampler, eos, contextLength } = this.#init
    this.#written.push(token)
    this.#ready.push(token)
    this.wroteInTurn++
    if (eos.has(token) || sampler.isOver) this.finish = 'stop'
    else if (this.#written.length === request.maxTokens || this.#textLength >= contextLength)
      this.finish = 'length'
    this.#deliver()
  }

  fail(reason: Error): void {
    if (this.isOver) return
    this.failure = reason
    this.#pull?.reject(reason)
    this.#pull = undefined
    this.#init.wake()
  }

  /**
   * What is ready, or the next that will be. The first token goes out alone, because somebody is looking at an empty
   * page; after it tokens are gathered for `batchMs`.
   */
  pull(): Promise<TokenBatch> {
    this.#pull ??= Promise.withResolvers()
    const { promise } = this.#pull
    if (this.failure) {
      this.#pull.reject(this.failure)
      this.#pull = undefined
    } else this.#deliver()
    this.#init.wake()
    return promise
  }

  get #textLength(): number {
    const { promptTokens, priorTokens } = this.#init.request
    return promptTokens.length + priorTokens.length + this.#written.length
  }

  #deliver(): void {
    if (!this.#pull || (this.#ready.length === 0 && !this.finish)) return
    const { now, batchMs } = this.#init
    const isFirst = this.#written.length === this.#ready.length
    const isDue = isFirst || this.isOver || now() - this.#deliveredAt >= batchMs
    if (!isDue) return
    const tokens = this.#ready
    this.#ready = []
    this.#deliveredAt = now()
    const sketches = this.#init.sketcher && { sketches: this.#takeSketches() }
    this.#pull.resolve({ tokens, ...sketches, finish: this.finish })
    this.#pull = undefined
  }

  #takeSketches(): Uint16Array {
    const joined = new Uint16Array(this.#sketches.length * SKETCH_SIZE)
    this.#sketches.forEach((sketch, i) => joined.set(sketch, i * SKETCH_SIZE))
    this.#sketches = []
    return joined
  }
}

/** @throws InfernetError `engine.bad-logits` where neither all logits came nor those of the sketch */
function sketchFrom(sketcher: Sketcher, { ids, values, sketch }: Logits, position: number): Uint16Array {
  if (sketch) return sketchOf(sketch)
  if (ids) throw new InfernetError('engine.bad-logits')
  return sketcher.sketch(values, position)
}
