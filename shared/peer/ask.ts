import { toHex } from '../base/bytes.ts'
import { jobId, type JobId, type PeerName } from '../base/ids.ts'
import { millis, SECOND_MS, tokens } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { checkPrompt } from '../prompt/check-prompt.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { DIRECTORY_FILL_MS } from '../schedule/constants.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { findOffers } from '../schedule/find-offers.ts'
import type { Offer } from '../schedule/offer.ts'
import type { OfferMemory } from '../schedule/offer-memory.ts'
import type { ProviderMemory } from '../schedule/policy/provider-memory.ts'
import { STREAM_PROTOCOL } from '../stream/constants.ts'
import { isPaid, type CreditTerms, type OutgoingCredit } from '../stream/credit.ts'
import { SALT_BYTES } from '../stream/question.ts'
import type { Job } from '../stream/job.ts'
import { RunningJob } from '../stream/run-job.ts'
import { AnswerProgress } from './answer-progress.ts'
import { openStream } from './connect.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { gatherQuotes, type GatherComponents } from './gather-quotes.ts'
import { payableOffers } from './payable-offers.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, Segment } from './peer.ts'
import { hiddenDialAddresses } from './dial-addresses.ts'

/**
 * The pauses before a new look while nobody can go on: a model that is loaded again takes a minute or more, and relays
 * are not asked each second for that long.
 */
const FIRST_PAUSE_MS = SECOND_MS
const LONGEST_PAUSE_MS = 5 * SECOND_MS

/**
 * What is forgiven once: a lost connection, as against a provider that refuses or falls silent. So is a refusal that
 * the record of payments has learned from.
 */
const FORGIVEN_ONCE: ReadonlySet<ErrorCode> = new Set(['wire.closed', 'stream.provider-lost'])

export interface AskComponents extends GatherComponents {
  readonly directories: () => readonly DirectoryPort[]
  readonly offers: OfferMemory
  /** Is told how providers did. */
  readonly memory: Pick<ProviderMemory, 'failed' | 'served'>
}

export interface AskOptions {
  readonly signal: AbortSignal | undefined
  /** Who is not asked: this peer, whatever it is called. */
  readonly except: ReadonlySet<PeerName>
  /** What there is of the answer already. */
  readonly begun?: BegunAnswer | undefined
}

/**
 * Asks the network and keeps the answer going: when a provider vanishes, the next one is given the prompt, the tokens
 * so far and the same seed, and writes on at the same position. See `Peer.ask`.
 */
export async function* ask(
  components: AskComponents,
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
  readonly #components: AskComponents
  readonly #prompt: Prompt
  readonly #signal: AbortSignal | undefined
  readonly #except: ReadonlySet<PeerName>
  readonly #job: JobId
  readonly #nonce: Uint8Array
  readonly #progress: AnswerProgress
  readonly #failed = new Set<PeerName>()
  readonly #retried = new Set<PeerName>()
  /** Why the last provider could not do it: says more than that there is no other. */
  #reason = new InfernetError('schedule.no-provider')
  #pauseMs = FIRST_PAUSE_MS
  /** Whether the last look found nobody at relays of which one has just started. */
  #isFilling = false
  #fillUntil: number | undefined

  constructor(components: AskComponents, prompt: Prompt, { signal, except, begun }: AskOptions) {
    this.#components = components
    this.#prompt = prompt
    this.#signal = signal
    this.#except = except
    this.#job = jobId(toHex(components.random.bytes(16)))
    this.#nonce = components.random.bytes(32)
    this.#progress = new AnswerProgress(components.clock, begun)
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
        const summary = yield* this.#runAt(assignment)
        if (summary) return summary
        if (this.#progress.tokens.length > written) break // the other quotes were for a shorter prompt, and are old
      }
      if (this.#progress.tokens.length > written) this.#pauseMs = FIRST_PAUSE_MS
    }
  }

  /** Providers that are ready, best first: none when all who were asked failed, undefined when nobody is left to ask. */
  async #assignments(): Promise<Assignment[] | undefined> {
    const { payer, name } = this.#components
    const others = (await this.#offers()).filter(
      ({ provider }) => provider !== name && !this.#except.has(provider),
    )
    const { payable, refusal } = payableOffers(this.#roomy(this.#reachable(others)), payer)
    const untried = payable.filter(({ provider }) => !this.#failed.has(provider))
    if (untried.length === 0) {
      if (refusal && payable.length === 0 && this.#failed.size === 0) this.#reason = refusal
      return undefined
    }
    const prefillTokens = this.#textTokens
    return gatherQuotes(this.#components, untried, this.#prompt, {
      prefillTokens,
      outputTokens: this.#prompt.maxTokens - this.#progress.tokens.length,
      spent: this.#progress.spent,
      signal: this.#signal,
      onFailure: (provider, reason) => this.#fail(provider, reason),
    })
  }

  /** Of a peer that hides: those to whom there is a hidden way. Whoever has none is not to blame, and not tried. */
  #reachable(offers: readonly Offer[]): readonly Offer[] {
    const { hiding } = this.#components
    if (!hiding) return offers
    const reachable = offers.filter(({ provider, addresses }) => {
      const { direct, relayed } = hiddenDialAddresses(provider, addresses, hiding)
      return direct.length + relayed.length > 0
    })
    if (reachable.length === 0 && offers.length > 0) this.#reason = new InfernetError('mesh.no-hidden-path')
    return reachable
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
      ({ contextLength, provider }) => contextLength >= wanted && !this.#failed.has(provider),
    )
    if (whole.length > 0) return whole
    const tokens = this.#textTokens
    const roomy = offers.filter(({ contextLength }) => contextLength > tokens)
    const longest = Math.max(0, ...offers.map(({ contextLength }) => contextLength))
    if (roomy.length === 0 && offers.length > 0)
      this.#reason = new InfernetError('prompt.too-long', { tokens, maxTokens: Math.max(0, longest - 1) })
    return roomy
  }

  /** In the middle of an answer it is worth waiting for someone; before the first token the page decides. */
  async *#waitForSomeone(): AsyncGenerator<AnswerEvent, void, void> {
    const { code } = this.#reason
    const mayFill = this.#mayFill()
    const mayWait = this.#isBegun || mayFill || code === 'stream.busy' || code === 'prompt.quote-limit'
    if (!mayWait) throw this.#reason
    yield { type: 'waiting', reason: mayFill ? new InfernetError('schedule.filling') : this.#reason }
    await sleep(this.#components.clock, millis(this.#pauseMs), { signal: this.#signal })
    if (!mayFill) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    this.#failed.clear() // nobody else is left: who failed once may be asked again
  }

  /** A relay that has just started does not know yet whether there is nobody. Its word is believed for a while only. */
  #mayFill(): boolean {
    if (!this.#isFilling || this.#isBegun) return false
    const now = this.#components.clock.monotonic()
    this.#fillUntil ??= now + DIRECTORY_FILL_MS
    return now < this.#fillUntil
  }

  get #isBegun(): boolean {
    return this.#progress.tokens.length > 0
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
   * Whatever a provider says of the prompt, the next one may see it otherwise: nobody's word ends the answer.
   *
   * A connection that broke under our hands says little of the provider (a relayed one ends with its byte budget, in
   * the middle of a quote as well), so that is forgiven once.
   */
  #fail(provider: PeerName, reason: InfernetError, hasLearned = false): void {
    const isForgiven = (hasLearned || FORGIVEN_ONCE.has(reason.code)) && !this.#retried.has(provider)
    if (isForgiven) this.#retried.add(provider)
    else this.#failed.add(provider)
    this.#reason = reason
    this.#components.memory.failed(provider)
  }

  /** What the relays know; when none answers, what they said within the last minute. */
  async #offers(): Promise<Offer[]> {
    const { directories, clock, offers } = this.#components
    const { model } = this.#prompt
    let isFilling = false
    this.#isFilling = false
    try {
      const found = await findOffers(directories(), model, {
        now: () => clock.now(),
        signal: this.#signal,
        onFilling: () => (isFilling = true),
      })
      this.#isFilling = isFilling && found.length === 0
      offers.remember(found.map(({ offer }) => offer))
      return found.map(({ offer }) => offer)
    } catch (thrown) {
      const remembered = offers.recall(model, clock.now())
      const mayGoOn = hasCode(thrown, 'schedule.no-relay') && (remembered.length > 0 || this.#isBegun)
      if (!mayGoOn) throw thrown
      return remembered
    }
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
      if (this.#signal?.aborted || thrown instanceof OwnFailure || job?.paymentFailure) throw thrown
      const reason = InfernetError.from(thrown)
      leaveSilent(assignment, reason)
      if (segment) this.#progress.endSegment(segment)
      // The relay's byte budget ended, perhaps: a new connection gets a new one, and a dead provider fails to connect.
      const mayGoOn = assignment.path === 'relayed' && this.#progress.tokens.length > from
      if (mayGoOn) this.#retried.delete(provider)
      else this.#fail(provider, reason, job?.hasLearned)
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
    try {
      return new RunningJob(stream, job, {
        clock: this.#components.clock,
        credit: await this.#creditFor(job),
      })
    } catch (thrown) {
      stream.abort(InfernetError.from(thrown))
      throw thrown
    }
  }

  /** @throws OwnFailure when our purse does not open: no other provider would change that. */
  async #creditFor({ jobId, quote, priorTokens }: Job): Promise<OutgoingCredit | undefined> {
    const { payer, name } = this.#components
    if (!payer || !isPaid(quote)) return undefined
    const terms: CreditTerms = {
      jobId,
      consumer: name,
      quote,
      price: quote.price,
      prefillTokens: tokens(this.#prompt.promptTokens.length + priorTokens.length),
      from: priorTokens.length,
      maxTokens: this.#prompt.maxTokens - priorTokens.length,
    }
    return payer.open(terms, { signal: this.#signal }).catch((thrown: unknown) => {
      throw new OwnFailure(InfernetError.from(thrown, 'payment.no-record'))
    })
  }
}

/**
 * Who is silent may have changed its address: the connection leads nowhere then and stands for long, and the next attempt
 * would wait for it. A socket may be our only one to a relay, see `openStream`.
 */
function leaveSilent({ connection, path }: Assignment, reason: InfernetError): void {
  if (reason.code === 'stream.silent' && path !== 'websocket') connection.abort(reason)
}

/** Nothing, where no chunk was signed. */
function* proofOf({ transcript }: RunningJob): Generator<AnswerEvent> {
  if (transcript) yield { type: 'proof', transcript }
}

/** A failure of ours, as against one of a provider: it ends the answer. */
class OwnFailure extends Error {
  readonly reason: InfernetError

  constructor(reason: InfernetError) {
    super(reason.message, { cause: reason })
    this.reason = reason
  }
}
