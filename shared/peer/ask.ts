import { toHex } from '../base/bytes.ts'
import { jobId, type JobId, type PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { checkPrompt } from '../prompt/check-prompt.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { Offer } from '../schedule/offer.ts'
import { STREAM_PROTOCOL } from '../stream/constants.ts'
import { questionOf, SALT_BYTES } from '../stream/question.ts'
import type { Job } from '../stream/job.ts'
import { RunningJob } from '../stream/run-job.ts'
import { AnswerProgress } from './answer-progress.ts'
import { openStream } from './connect.ts'
import { isFinal, leaveSilent, openCredit, OwnFailure } from './job-failure.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, Segment } from './peer.ts'
import { ProviderSearch, type SearchComponents } from './provider-search.ts'

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
    for (let attempt = 1; ; attempt++) {
      this.#signal?.throwIfAborted()
      yield { type: 'searching', attempt }
      const written = this.#progress.tokens.length
      const assignments = await this.#assignments()
      if (!assignments) yield* this.#waitForSomeone()
      for (const assignment of assignments ?? []) {
        if (!this.#mayHaveIt(assignment)) continue
        const summary = yield* this.#runAt(assignment)
        if (summary) return summary
        if (this.#progress.tokens.length > written) break // the other quotes were for a shorter prompt, and are old
      }
      if (this.#progress.tokens.length > written) this.#search.progressed()
    }
  }

  #mayHaveIt(assignment: Assignment): boolean {
    if (this.#accepts(assignment)) return true
    const reason = new InfernetError('schedule.no-provider')
    this.#search.fail(assignment.offer.provider, reason, { isToBlame: false })
    return false
  }

  #assignments(): Promise<Assignment[] | undefined> {
    const { model, maxTokens, maxOutputPrice, maxCost } = this.#prompt
    const needs = {
      ...{ model, maxTokens, maxCost, maxPrice: { output: maxOutputPrice } },
      prefillTokens: this.#textTokens,
      outputTokens: maxTokens - this.#progress.tokens.length,
      spent: this.#progress.spent,
    }
    return this.#search.assignments(needs, (offers) => this.#roomy(offers))
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

  /** Runs at one provider. Gives the summary when the answer is complete, undefined when another one is needed. */
  async *#runAt(assignment: Assignment): AsyncGenerator<AnswerEvent, AnswerSummary | undefined, void> {
    const from = this.#progress.tokens.length
    const { provider } = assignment.offer
    let job: RunningJob | undefined
    try {
      const { loadMs } = assignment.quote.quote
      if (loadMs !== undefined) yield { type: 'loading', provider, loadMs }
      job = await this.#open(assignment)
      return yield* this.#follow(assignment, job, from)
    } catch (thrown) {
      const segment = job && this.#progress.segmentOf(assignment, job, from)
      if (segment) yield* this.#ended(segment, job?.isAccepted ?? false)
      if (job) yield* proofOf(job)
      if (isFinal(thrown, job, this.#signal)) throw thrown
      const reason = InfernetError.from(thrown)
      leaveSilent(assignment, reason)
      if (segment) this.#progress.endSegment(segment)
      // The relay's byte budget ended, perhaps: a new connection gets a new one, and a dead provider fails to connect.
      const mayGoOn = assignment.path === 'relayed' && this.#progress.tokens.length > from
      if (mayGoOn) this.#search.forgive(provider)
      else this.#search.fail(provider, reason, { hasLearned: job?.hasLearned ?? false })
      return yield* this.#lose(provider, reason, from)
    }
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

  async *#follow(
    assignment: Assignment,
    job: RunningJob,
    from: number,
  ): AsyncGenerator<AnswerEvent, AnswerSummary | undefined, void> {
    const { clock, memory, directories } = this.#components
    const { provider } = assignment.offer
    const openedAt = clock.monotonic()
    const pausedSince = this.#progress.lastAt
    const unwatch = directories().map((directory) => directory.watch(provider, () => job.suspectGone()))
    try {
      for await (const event of job.events({ signal: this.#signal })) {
        const segment = this.#progress.segmentOf(
          assignment,
          job,
          from,
          event.type === 'done' && event.isUsageDisputed,
        )
        switch (event.type) {
          case 'accepted':
            this.#progress.beginSegment(event.seed)
            yield { type: 'assigned', position: from, segment, seed: this.#progress.seed ?? event.seed }
            if (event.chunk) yield this.#chunkEvent(event.chunk.index, segment)
            break
          case 'tokens':
            if (job.received === event.tokens.length) {
              memory.served(provider, {
                observedMs: millis(clock.monotonic() - openedAt),
                predictedMs: assignment.prediction.ttftMs,
              })
              if (from > 0)
                yield {
                  type: 'resumed',
                  position: from,
                  provider,
                  gapMs: millis(clock.monotonic() - pausedSince),
                }
            }
            this.#progress.add(event.tokens)
            yield { type: 'tokens', tokens: event.tokens }
            break
          case 'chunk':
            yield this.#chunkEvent(event.chunk.index, segment)
            break
          case 'vectors': // no question of ours is answered so
            break
          case 'done':
            this.#progress.endSegment(segment)
            yield* proofOf(job)
            return yield* this.#done(event.finish)
        }
      }
      return undefined
    } finally {
      for (const stop of unwatch) stop()
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

  async #open({ connection, offer, quote }: Assignment): Promise<RunningJob> {
    const stream = await openStream(this.#components, connection, STREAM_PROTOCOL, { signal: this.#signal })
    const job: Job = {
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
    const { payer, name } = this.#components
    try {
      return new RunningJob(stream, job, {
        clock: this.#components.clock,
        credit: await openCredit(questionOf(job), job, { payer, name, signal: this.#signal }),
      })
    } catch (thrown) {
      stream.abort(InfernetError.from(thrown))
      throw thrown
    }
  }
}

/** Nothing, where no chunk was signed. */
function* proofOf({ transcript }: RunningJob): Generator<AnswerEvent> {
  if (transcript) yield { type: 'proof', transcript }
}
