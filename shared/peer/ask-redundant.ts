import type { Millis } from '../base/units.ts'
import { baseUnits, millis, MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { ask, type AskOptions } from './ask.ts'
import { OneOfTwo } from './one-of-two.ts'
import type { AnswerEvent, AnswerSummary, Segment } from './peer.ts'
import type { SearchComponents } from './provider-search.ts'

/** How long the slower one may take to its end when the other has ended: longer than it takes to replace a lost provider. */
const CATCH_UP_MS = MINUTE_MS

/** How long the one that is stopped may take to sign the block in which they part: without it nobody could check its part. */
const SIGN_MS = 10 * SECOND_MS

type Which = 0 | 1

type News =
  | { readonly which: Which; readonly event: AnswerEvent }
  | { readonly which: Which; readonly failure: unknown }

/** What of an answer that is kept apart from the text: how its provider is found, lost and replaced. */
const OF_THE_SEARCH: ReadonlySet<AnswerEvent['type']> = new Set([
  ...(['searching', 'waiting', 'loading', 'seam', 'resumed'] as const),
])

/**
 * Asks two providers that are not known to be one, both with the seed of the first. Each token is told as soon as one of
 * them has it, and compared when the other has it too. Each answer goes on at another provider by itself where its own is
 * lost, and the text goes on with the other meanwhile. Where they part, the text stays with the one that was ahead, and the
 * other is stopped when it has signed what it wrote there: which of them is wrong is not known, and either can be checked. Both are paid. See `Peer.ask`.
 */
export function askRedundant(
  components: SearchComponents,
  prompt: Prompt,
  options: AskOptions,
  askOne: typeof ask = ask,
): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
  return new TwoAnswers(components, prompt, options, askOne).write()
}

class TwoAnswers {
  readonly #components: SearchComponents
  readonly #prompt: Prompt
  readonly #options: AskOptions
  readonly #askOne: typeof ask
  readonly #before: number
  readonly #both: readonly [OneOfTwo, OneOfTwo]
  readonly #stops = [new AbortController(), new AbortController()] as const
  readonly #pumps: Promise<void>[] = []
  readonly #news: News[] = []
  readonly #startedAt: Millis
  #wake = Promise.withResolvers<void>()
  #firstAt: Millis | undefined
  /** Tokens of the answer that were told; those beyond `compared` came from `ahead`. */
  #told: number
  #compared: number
  #ahead: Which = 0
  /** Set where they parted: the text goes on with this one alone. */
  #kept: Which | undefined
  /** The first token that they do not share. */
  #partedAt = Infinity

  constructor(components: SearchComponents, prompt: Prompt, options: AskOptions, askOne: typeof ask) {
    this.#components = components
    this.#askOne = askOne
    // One limit for both: neither knows what the other has cost, nor what was written before.
    const { maxCost } = prompt
    const spent = sumOf(options.begun?.segments ?? [], ({ due, paid }) => (due > paid ? due : paid))
    const left = maxCost !== undefined && maxCost > spent ? maxCost - spent : 0n
    this.#prompt = { ...prompt, maxCost: maxCost === undefined ? undefined : baseUnits(left / 2n) }
    this.#options = options
    const tokens = options.begun?.tokens ?? []
    this.#before = this.#told = this.#compared = tokens.length
    this.#both = [new OneOfTwo(tokens), new OneOfTwo(tokens)]
    this.#startedAt = components.clock.monotonic()
  }

  async *write(): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    const { signal } = this.#options
    const stopAll = (): void => this.#stops.forEach((stop) => stop.abort(signal?.reason))
    if (signal?.aborted) stopAll()
    signal?.addEventListener('abort', stopAll, { once: true })
    try {
      this.#start(0)
      while (this.#both.some(({ isRunning }) => isRunning)) {
        const news = this.#news.shift()
        if (news) yield* this.#take(news)
        else await this.#wake.promise
      }
      const summary = this.#summary()
      if (this.#both[1].isBegun) yield this.#comparison()
      if (!summary) throw this.#failure()
      yield { type: 'done', summary }
      return summary
    } finally {
      signal?.removeEventListener('abort', stopAll)
      stopAll()
      await Promise.all(this.#pumps)
    }
  }

  #start(which: Which, seed?: Uint8Array): void {
    const [one, other] = [this.#both[which], this.#both[which === 0 ? 1 : 0]]
    const { begun } = this.#options
    const from = seed ?? begun?.seed
    one.isBegun = true
    const options: AskOptions = {
      except: this.#options.except,
      signal: this.#stops[which].signal,
      // Who wrote before belongs to neither of the two: it is counted with both.
      begun: from && { tokens: begun?.tokens ?? [], seed: from, segments: [] },
      accepts: (assignment) => one.mayHave(assignment, other),
    }
    this.#pumps.push(this.#pump(which, options))
  }

  async #pump(which: Which, options: AskOptions): Promise<void> {
    try {
      for await (const event of this.#askOne(this.#components, this.#prompt, options))
        this.#tell({ which, event })
    } catch (failure) {
      this.#tell({ which, failure })
    }
  }

  #tell(news: News): void {
    this.#news.push(news)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  *#take(news: News): Generator<AnswerEvent> {
    const { which } = news
    const other = which === 0 ? 1 : 0
    if ('failure' in news) {
      this.#both[which].fail(news.failure)
      return
    }
    const { event } = news
    this.#both[which].take(event)
    if (this.#kept === other) this.#stopWhenSigned(which)
    switch (event.type) {
      case 'assigned':
        if (which === 0) yield event
        else yield { type: 'second', due: this.#due, segment: event.segment }
        if (!this.#both[1].isBegun) this.#start(1, event.seed)
        else if (!this.#both[0].isApartFrom(this.#both[1])) this.#stops[1].abort()
        break
      case 'tokens':
        yield* this.#compare()
        yield* this.#tokens(which)
        break
      case 'chunk':
      case 'ended':
        if (which === 0) yield { ...event, due: this.#due }
        else yield { type: 'second', due: this.#due, segment: event.segment }
        break
      case 'done':
        yield* this.#compare()
        if (this.#both[other].isRunning && this.#kept !== other) this.#hurry(other)
        break
      default:
        if (event.type === 'waiting' && this.#both[other].summary) this.#stops[which].abort()
        // While the other one writes, the text does not wait for this one.
        if (!OF_THE_SEARCH.has(event.type) || !this.#both[other].isRunning) yield event
    }
  }

  *#tokens(which: Which): Generator<AnswerEvent> {
    const { tokens } = this.#both[which]
    if (tokens.length <= this.#told || (this.#kept !== undefined && this.#kept !== which)) return
    const told = tokens.slice(this.#told)
    this.#firstAt ??= this.#components.clock.monotonic()
    this.#ahead = which
    this.#told = tokens.length
    yield { type: 'tokens', tokens: told }
  }

  /** As far as both have come: a token that only one of them has, where the other has ended, parts them as well. */
  *#compare(): Generator<AnswerEvent> {
    if (this.#kept !== undefined) return
    const [one, other] = this.#both
    const shared = Math.min(one.tokens.length, other.tokens.length)
    while (this.#compared < shared && one.tokens[this.#compared] === other.tokens[this.#compared])
      this.#compared++
    const position = this.#compared
    const ended = this.#both.findIndex(({ summary, tokens }) => summary && tokens.length === position)
    if (position === shared && (ended < 0 || one.tokens.length === other.tokens.length)) return
    // What was told stays: beyond this position it came from one of them alone.
    this.#kept = this.#told > position ? this.#ahead : ended === 1 ? 1 : 0
    const lost = this.#kept === 0 ? 1 : 0
    this.#partedAt = position
    if (this.#both[lost].isRunning) {
      this.#stopWhenSigned(lost)
      this.#stopAfter(SIGN_MS, lost)
    }
    const [kept, stopped] = [this.#kept, lost].map((which) => this.#both[which as Which].writerOf(position))
    if (kept !== undefined && stopped !== undefined)
      yield { type: 'parted', position, providers: [kept, stopped] }
  }

  /** The other one has ended. */
  #hurry(which: Which): void {
    if (this.#both[which].isWaiting) return this.#stops[which].abort()
    this.#stopAfter(CATCH_UP_MS, which)
  }

  /** Of the one whose words are not in the text; where nobody writes it, there is nothing more to sign. */
  #stopWhenSigned(which: Which): void {
    const one = this.#both[which]
    if (!one.isWritten || one.signedTo > this.#partedAt) this.#stops[which].abort()
  }

  #stopAfter(ms: number, which: Which): void {
    const stop = this.#stops[which]
    if (stop.signal.aborted) return
    const wait = sleep(this.#components.clock, millis(ms), { signal: stop.signal })
    void wait.then(
      () => stop.abort(),
      () => undefined, // it is over already
    )
  }

  get #due() {
    return baseUnits(sumOf(this.#segmentsBefore, ({ due }) => due) + this.#both[0].due + this.#both[1].due)
  }

  get #segmentsBefore(): readonly Segment[] {
    return this.#options.begun?.segments ?? []
  }

  #comparison(): AnswerEvent {
    const [, second] = this.#both
    const reason = second.summary || this.#kept !== undefined ? undefined : second.failure
    return {
      type: 'compared',
      tokens: this.#compared - this.#before,
      same: this.#kept === undefined,
      ...(reason && { reason }),
    }
  }

  #summary(): AnswerSummary | undefined {
    const which = this.#kept ?? (this.#both[0].summary ? 0 : 1)
    const { summary } = this.#both[which]
    if (!summary) return undefined
    const [first, second] = this.#both
    return {
      ...summary,
      segments: [...this.#segmentsBefore, ...summary.segments],
      due: this.#due,
      paid: baseUnits(sumOf(this.#segmentsBefore, ({ paid }) => paid) + first.paid + second.paid),
      ttftMs: millis((this.#firstAt ?? this.#startedAt) - this.#startedAt),
      second: this.#both[which === 0 ? 1 : 0].segments,
    }
  }

  #failure(): InfernetError {
    if (this.#options.signal?.aborted) return new InfernetError('stream.cancelled')
    return this.#both[this.#kept ?? 0].failure ?? new InfernetError('schedule.no-provider')
  }
}

function sumOf(segments: readonly Segment[], of: (segment: Segment) => bigint): bigint {
  return segments.reduce((sum, segment) => sum + of(segment), 0n)
}
