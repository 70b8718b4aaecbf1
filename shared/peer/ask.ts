import { toHex } from '../base/bytes.ts'
import { jobId, type JobId, type PeerName } from '../base/ids.ts'
import { millis, type Millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { checkPrompt } from '../prompt/check-prompt.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { isRedeemable } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { Offer } from '../schedule/offer.ts'
import type { Timing } from '../schedule/record/provider-record.ts'
import { STREAM_PROTOCOL } from '../stream/constants.ts'
import { questionOf, SALT_BYTES } from '../stream/question.ts'
import type { Job } from '../stream/job.ts'
import { RunningJob, type JobEvent } from '../stream/run-job.ts'
import { AnswerProgress } from './answer-progress.ts'
import type { QuoteNeeds } from './gather-quotes.ts'
import { Beside, patienceMs } from './beside.ts'
import { Contest, type Run } from './contest.ts'
import { isEarlyStop } from './early-stop.ts'
import { isFinal, leaveSilent, openCredit, OwnFailure, stalledFor } from './job-failure.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, Segment } from './peer.ts'
import { openPaidStream } from './paid-stream.ts'
import { ProviderSearch, type SearchComponents } from './provider-search.ts'
import { watchedEvents } from './watched-job.ts'

export interface AskOptions {
  readonly signal: AbortSignal | undefined
  /** Who is not asked: this peer, whatever it is called. */
  readonly except: ReadonlySet<PeerName>
  /** What there is of the answer already. */
  readonly begun?: BegunAnswer | undefined
  /** Whether a provider that is ready may have it. @default all may */
  readonly accepts?: ((assignment: Assignment) => boolean) | undefined
}

/**
 * Asks the network and keeps the answer going: when a provider vanishes, the next one is given the prompt, the tokens
 * so far and the same seed, and writes on at the same position. See `Peer.ask`.
 */
export async function* ask(
  components: SearchComponents,
  prompt: Prompt,
  options: AskOptions,
): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
  const { signal } = options
  const answer = new Answer(components, prompt, options)
  await checkPrompt(prompt)
  try {
    return yield* answer.write()
  } catch (thrown) {
    if (signal?.aborted) throw new InfernetError('stream.cancelled')
    throw thrown instanceof OwnFailure ? thrown.reason : InfernetError.from(thrown)
  }
}

class Answer {
  readonly #components: SearchComponents
  readonly #prompt: Prompt
  readonly #signal: AbortSignal | undefined
  readonly #search: ProviderSearch
  readonly #job: JobId
  readonly #nonce: Uint8Array
  readonly #progress: AnswerProgress
  readonly #accepts: NonNullable<AskOptions['accepts']>
  /** Those of this answer; a quote works once. */
  readonly #used = new Set<Assignment>()

  constructor(
    components: SearchComponents,
    prompt: Prompt,
    { signal, except, begun, accepts = () => true }: AskOptions,
  ) {
    this.#components = components
    this.#accepts = accepts
    this.#prompt = prompt
    this.#signal = signal
    this.#job = jobId(toHex(components.random.bytes(16)))
    this.#nonce = components.random.bytes(32)
    this.#progress = new AnswerProgress(components.clock, begun)
    const { task, model } = prompt
    const isBegun = (): boolean => this.#progress.tokens.length > 0
    this.#search = new ProviderSearch(components, { task, model, signal, except, isBegun })
  }

  async *write(): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    if (this.#isComplete) return yield* this.#done(this.#finish)
    this.#components.hedges.asked()
    for (let attempt = 1; ; attempt++) {
      this.#signal?.throwIfAborted()
      yield { type: 'searching', attempt }
      const written = this.#progress.tokens.length
      const assignments = await this.#assignments()
      if (!assignments) yield* this.#waitForSomeone()
      for (const assignment of assignments ?? []) {
        if (this.#isTooOld(assignment, assignments)) break
        if (this.#used.has(assignment) || !this.#mayHaveIt(assignment)) continue
        const summary = yield* this.#runAt(assignment, this.#sparesOf(assignment, assignments))
        if (summary) return summary
        if (this.#progress.tokens.length > written) break // the other quotes were for a shorter prompt, and are old
      }
      if (this.#progress.tokens.length > written) this.#search.progressed()
    }
  }

  /** Quotes of one look grow old together, and that is nobody's failure: a new look is taken. */
  #isTooOld({ quote }: Assignment, all: readonly Assignment[] = []): boolean {
    return quote !== all[0]?.quote && !isRedeemable(quote, this.#components.clock.monotonic())
  }

  /** Who may be asked beside it. */
  #sparesOf(assignment: Assignment, all: readonly Assignment[] = []): Assignment[] {
    return all.filter((each) => each !== assignment && !this.#used.has(each) && this.#accepts(each))
  }

  #mayHaveIt(assignment: Assignment): boolean {
    if (this.#accepts(assignment)) return true
    const reason = new InfernetError('schedule.no-provider')
    this.#search.fail(assignment.offer.provider, reason, { isToBlame: false })
    return false
  }

  #assignments(but?: ReadonlySet<PeerName>): Promise<Assignment[] | undefined> {
    return this.#search.assignments(this.#needs, (offers) =>
      this.#roomy(but ? offers.filter(({ provider }) => !but.has(provider)) : offers),
    )
  }

  get #needs(): QuoteNeeds {
    const { model, maxTokens, maxOutputPrice, maxCost } = this.#prompt
    return {
      ...{ model, maxTokens, maxCost, maxPrice: { output: maxOutputPrice } },
      prefillTokens: this.#textTokens,
      outputTokens: maxTokens - this.#progress.tokens.length,
      spent: this.#progress.spent,
    }
  }

  /** Of what is read before the next token. */
  get #textTokens(): number {
    return this.#prompt.promptTokens.length + this.#progress.tokens.length
  }

  /**
   * Those that hold the text with the whole answer, or else those that hold it with one token. Whoever says beforehand
   * that it holds less is not to blame, and not tried.
   */
  #roomy(offers: readonly Offer[]): readonly Offer[] {
    const wanted = this.#prompt.promptTokens.length + this.#prompt.maxTokens
    const whole = offers.filter(
      ({ contextLength, provider }) => contextLength >= wanted && !this.#search.hasFailed(provider),
    )
    if (whole.length > 0) return whole
    const tokens = this.#textTokens
    const roomy = offers.filter(({ contextLength }) => contextLength > tokens)
    const longest = Math.max(0, ...offers.map(({ contextLength }) => contextLength))
    if (roomy.length === 0 && offers.length > 0)
      this.#search.because(
        new InfernetError('prompt.too-long', { tokens, maxTokens: Math.max(0, longest - 1) }),
      )
    return roomy
  }

  async *#waitForSomeone(): AsyncGenerator<AnswerEvent, void, void> {
    const { reason, wait } = this.#search.waitForSomeone()
    yield { type: 'waiting', reason }
    await wait()
  }

  /** Its provider may be lost between its last token and its goodbye: the answer is complete all the same. */
  get #isComplete(): boolean {
    const last = this.#progress.tokens.at(-1)
    return this.#finish === 'length' || (last !== undefined && !!this.#prompt.eosTokens?.includes(last))
  }

  get #finish(): AnswerSummary['finish'] {
    return this.#progress.tokens.length >= this.#prompt.maxTokens ? 'length' : 'stop'
  }

  /**
   * Runs at one provider, and at a second one besides where it does not begin. Gives the summary when the answer is
   * complete, undefined when another one is needed.
   */
  async *#runAt(
    assignment: Assignment,
    spare: readonly Assignment[],
  ): AsyncGenerator<AnswerEvent, AnswerSummary | undefined, void> {
    const from = this.#progress.tokens.length
    const { loadMs } = assignment.quote.quote
    let contest: Contest
    try {
      if (loadMs !== undefined) yield { type: 'loading', provider: assignment.offer.provider, loadMs }
      contest = new Contest(await this.#open(assignment))
    } catch (thrown) {
      yield* this.#failed(assignment, undefined, thrown, from)
      return undefined
    }
    try {
      for await (const told of contest.events(this.#components.clock, this.#besides(assignment, spare))) {
        const { run } = told
        if (told.type === 'event') {
          if (told.event.type === 'done') yield* this.#settle(contest, from)
          const summary = yield* this.#take(contest, run, told.event, from)
          if (summary) return summary
        } else {
          const reason = yield* this.#failed(run.assignment, run.job, told.thrown, from)
          if (!contest.isOver) continue
          yield* this.#settle(contest, from)
          return yield* this.#lose(run.assignment.offer.provider, reason, from)
        }
      }
      return undefined
    } catch (thrown) {
      yield* this.#settle(contest, from)
      throw thrown
    }
  }

  /** One provider could not do it. @throws what ends the whole answer */
  async *#failed(
    assignment: Assignment,
    job: RunningJob | undefined,
    thrown: unknown,
    from: number,
  ): AsyncGenerator<AnswerEvent, InfernetError, void> {
    const segment = job && this.#progress.segmentOf(assignment, job, from)
    if (segment) yield* this.#ended(segment, job?.isAccepted ?? false)
    if (job) yield* proofOf(job)
    if (isFinal(thrown, job, this.#signal)) throw thrown
    const reason = InfernetError.from(thrown)
    leaveSilent(assignment, reason)
    if (segment) this.#progress.endSegment(segment)
    // The relay's byte budget ended, perhaps: a new connection gets a new one, and a dead provider fails to connect.
    const { provider } = assignment.offer
    const mayGoOn = assignment.path === 'relayed' && this.#progress.tokens.length > from
    if (mayGoOn) this.#search.forgive(provider)
    else this.#search.fail(provider, reason, { hasLearned: job?.hasLearned ?? false })
    return reason
  }

  async *#lose(
    provider: PeerName,
    reason: InfernetError,
    from: number,
  ): AsyncGenerator<AnswerEvent, AnswerSummary | undefined, void> {
    const position = this.#progress.tokens.length
    if (position === from) return undefined
    if (this.#isComplete) return yield* this.#done(this.#finish)
    yield { type: 'seam', position, lost: provider, reason }
    return undefined
  }

  async *#take(
    contest: Contest,
    run: Run,
    event: JobEvent,
    from: number,
  ): AsyncGenerator<AnswerEvent, AnswerSummary | undefined, void> {
    const { assignment, job } = run
    const isDisputed = event.type === 'done' && event.isUsageDisputed
    const segment = this.#progress.segmentOf(assignment, job, from, isDisputed)
    switch (event.type) {
      case 'accepted':
        this.#progress.beginSegment(event.seed)
        yield { type: 'assigned', position: from, segment, seed: this.#progress.seed ?? event.seed }
        if (event.chunk) yield this.#chunkEvent(event.chunk.index, segment)
        break
      case 'tokens':
        if (job.received === event.tokens.length) yield* this.#began(contest, run, from)
        this.#progress.add(event.tokens)
        yield { type: 'tokens', tokens: event.tokens }
        break
      case 'chunk':
        yield this.#chunkEvent(event.chunk.index, segment)
        break
      case 'vectors': // no question of ours is answered so
        break
      case 'done':
        this.#judgeEnd(assignment, event.finish)
        this.#components.record.wrote(segment.provider, segment)
        this.#progress.endSegment(segment)
        yield* proofOf(job)
        return yield* this.#done(event.finish)
    }
    return undefined
  }

  /** Its first token came, before that of whoever was asked before it. */
  *#began(contest: Contest, { assignment, openedAt }: Run, from: number): Generator<AnswerEvent> {
    const { clock, record, hedges } = this.#components
    const { provider } = assignment.offer
    const now = clock.monotonic()
    const timingOf = (run: Pick<Run, 'assignment' | 'openedAt'>): Timing => ({
      observedMs: millis(now - run.openedAt),
      predictedMs: run.assignment.prediction.ttftMs,
    })
    const timing = timingOf({ assignment, openedAt })
    hedges.began({ observedMs: timing.observedMs, expectedMs: this.#expectedMs(assignment) })
    record.ended(provider, 'served', timing)
    for (const other of contest.overtaken.filter((each) => each.openedAt < openedAt)) {
      const [late, slow] = [timingOf(other), other.assignment]
      const hasBroken = late.observedMs >= this.#patienceOf(slow)
      record.ended(slow.offer.provider, 'overtaken', late)
      if (hasBroken) this.#search.fail(slow.offer.provider, stalledFor(late.observedMs))
    }
    const gapMs = millis(now - this.#progress.lastAt)
    if (from > 0) yield { type: 'resumed', position: from, provider, gapMs }
  }

  #expectedMs({ offer, prediction }: Assignment): Millis {
    return millis(prediction.ttftMs * this.#components.record.slownessOf(offer.provider))
  }

  /** A provider that ends an answer where no model ends one is not asked again before it has tested itself. */
  #judgeEnd({ offer }: Assignment, finish: AnswerSummary['finish']): void {
    const { contextLength, provider } = offer
    if (isEarlyStop(this.#prompt, this.#progress.tokens, { finish, contextLength }))
      this.#components.record.stoppedEarly(provider, this.#job)
  }

  #patienceOf(assignment: Assignment): Millis {
    const slowness = this.#components.record.slownessOf(assignment.offer.provider)
    return patienceMs(assignment, { slowness, prefillTokens: this.#textTokens })
  }

  /** Who is asked besides this one while it does not begin. */
  #besides(first: Assignment, spare: readonly Assignment[]): Beside {
    const { hedges } = this.#components
    return new Beside(this.#components, {
      ...{ first, spare, needs: this.#needs, hedgeMs: hedges.waitMs(this.#expectedMs(first)) },
      use: () => this.#search.use,
      patienceOf: (assignment) => this.#patienceOf(assignment),
      look: async (except) => ((await this.#assignments(except)) ?? []).filter((each) => this.#accepts(each)),
      open: (assignment) => this.#open(assignment),
      onFailed: ({ offer }, reason) => this.#search.fail(offer.provider, reason),
    })
  }

  /** What those came to who were slower: what one signed before it heard of its stop is owed. */
  async *#settle(contest: Contest, from: number): AsyncGenerator<AnswerEvent, void, void> {
    if (contest.overtaken.length === 0) return
    for (const { assignment, job } of await contest.ended()) {
      const segment = this.#progress.segmentOf(assignment, job, from)
      if (segment.due === 0n && segment.paid === 0n) continue
      yield* this.#ended(segment, false)
      yield* proofOf(job)
      this.#progress.endSegment(segment)
    }
  }

  /** Tells what a part came to that did not end with the answer; its last payments are in it. */
  *#ended(segment: Segment, wasAssigned: boolean): Generator<AnswerEvent> {
    if (segment.due > 0n || segment.paid > 0n)
      yield { type: 'ended', wasAssigned, due: this.#progress.dueWith(segment), segment }
  }

  #chunkEvent(index: number, segment: Segment): AnswerEvent {
    return { type: 'chunk', index, due: this.#progress.dueWith(segment), segment }
  }

  async *#done(finish: AnswerSummary['finish']): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    const summary = this.#progress.summarise(finish, this.#prompt.promptTokens.length)
    yield { type: 'done', summary }
    return summary
  }

  async #open(assignment: Assignment): Promise<Run> {
    const { connection, offer, quote } = assignment
    this.#used.add(assignment)
    const own = new AbortController()
    const signal = this.#signal ? AbortSignal.any([this.#signal, own.signal]) : own.signal
    const question: Job = {
      jobId: this.#job,
      provider: offer.provider,
      prompt: this.#prompt,
      quote: quote.quote,
      quoteSigned: quote.signed,
      priorTokens: [...this.#progress.tokens],
      consumerNonce: this.#nonce,
      salt: this.#components.random.bytes(SALT_BYTES),
      seed: this.#progress.seed,
    }
    const { payer, name, clock, directories } = this.#components
    const { stream, credit } = await openPaidStream(this.#components, connection, STREAM_PROTOCOL, {
      openCredit: () => openCredit(questionOf(question), question, { payer, name, signal }),
      signal,
    })
    const job = new RunningJob(stream, question, { clock, credit })
    const events = watchedEvents(job, offer.provider, { directories: directories(), signal })
    const openedAt = clock.monotonic()
    const giveUp = (): void => job.abort(stalledFor(clock.monotonic() - openedAt))
    return { assignment, job, events, openedAt, stop: () => own.abort(), giveUp }
  }
}

/** Nothing, where no chunk was signed. */
function* proofOf({ transcript }: RunningJob): Generator<AnswerEvent> {
  if (transcript) yield { type: 'proof', transcript }
}
