import type { Connection, PrivateKey } from '@libp2p/interface'
import { fromHex } from '../base/bytes.ts'
import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import type { ModelHash } from '../base/ids.ts'
import { jittered } from '../base/jittered.ts'
import type { Random } from '../base/random.ts'
import {
  baseUnits,
  epochMillis,
  millis,
  MINUTE_MS,
  SECOND_MS,
  tokens,
  type EpochMillis,
  type Millis,
} from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { Engine } from '../engine/engine.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { ENCODING } from '../models/task.ts'
import type { QuotePayment } from '../prompt/prompt.ts'
import { OFFER_LIFE_MS, OFFER_RENEW_MS } from '../schedule/constants.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import {
  offerBody,
  type OfferedSelfTest,
  type OfferPayment,
  type ProviderKind,
  type Tier,
} from '../schedule/offer.ts'
import { EXPECTED_ANSWER_TOKENS } from '../schedule/policy/score.ts'
import { MAX_WAITING_JOBS } from '../stream/constants.ts'
import type { JobService, LiveJob, Served } from '../stream/job-service.ts'
import type { JobOutcome } from '../stream/serve-job.ts'
import { MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { sign } from '../wire/signed.ts'
import { pathOf } from './connect.ts'
import type { Accusation } from './accusation.ts'
import { measureTurn } from './webrtc-path.ts'
import type { ProviderJob, ProviderTerms, Provision as ProvisionInterface, ProvisionState } from './peer.ts'

/** How long a drain waits for running jobs before it hands them over. */
const DRAIN_LIMIT_MS = 2 * MINUTE_MS

/** The wire carries no longer wait than this, in whole milliseconds. */
const DAY_MS = 24 * 60 * MINUTE_MS

/** After a refusal or a lost relay the offer is brought again this soon. */
const ANNOUNCE_RETRY_MS = 2 * SECOND_MS

export interface ProvisionComponents {
  readonly key: PrivateKey
  readonly clock: Clock
  readonly random: Random
  readonly directories: () => readonly DirectoryPort[]
  /** Calls back when relays come and go, so that the offer reaches a new one at once. */
  readonly onDirectories: (callback: () => void) => () => void
  readonly addresses: () => readonly string[]
  readonly jobs: JobService
  readonly kind: ProviderKind
  readonly onEnd: (provision: Provision) => void
}

/** A model that is being provided: keeps its offer alive at every relay and counts what it serves. */
export class Provision implements ProvisionInterface {
  readonly model: ModelHash
  readonly #engine: Engine
  readonly #terms: ProviderTerms
  readonly #components: ProvisionComponents
  readonly #changes = new ChangeEmitter()
  readonly #stopListening: readonly (() => void)[]
  readonly #ended = Promise.withResolvers<void>()
  #state: ProvisionState = 'live'
  #timer: { stop(): void } | undefined
  #sequence = 0
  #offeredTier: Tier | undefined
  #offerAcceptedAt: EpochMillis | undefined
  #offerRefusal: InfernetError | undefined
  #accusation: Accusation | undefined
  readonly #looked = new WeakSet<Connection>()
  #served = { tokens: 0, jobs: 0, handedOver: 0, due: 0n, paid: 0n }

  /** @throws InfernetError `engine.self-test-failed` */
  constructor(engine: Engine, terms: ProviderTerms, components: ProvisionComponents) {
    const { right, total } = terms.selfTest
    if (right < total) throw new InfernetError('engine.self-test-failed', { wrong: total - right, total })
    this.model = engine.info.model
    this.#engine = engine
    this.#terms = terms
    this.#components = components
    this.#stopListening = [
      components.onDirectories(() => this.#renewSoon(0)),
      ...(terms.place ? [terms.place.onChange(() => this.#placeChanged())] : []),
    ]
    this.#renewSoon(0)
    void engine.lost.then((reason) => this.#lose(InfernetError.from(reason, 'engine.device-lost')))
  }

  get state(): ProvisionState {
    return this.#state
  }

  get offerRefusal(): InfernetError | undefined {
    return this.#offerRefusal
  }

  get accusation(): Accusation | undefined {
    return this.#accusation
  }

  /** Somebody says that an answer differs, or something came of that. */
  accused(accusation: Accusation): void {
    this.#accusation = accusation
    this.#changes.emit()
  }

  get offerAcceptedAt(): EpochMillis | undefined {
    const at = this.#offerAcceptedAt
    return at !== undefined && at + OFFER_LIFE_MS > this.#components.clock.now() ? at : undefined
  }

  get jobs(): readonly ProviderJob[] {
    return this.#liveJobs().map((live) => ({
      number: live.number,
      consumer: live.consumer,
      path: pathOf(live.connection),
      tokens: live.job.written,
      due: live.job.due,
      paid: live.job.paid,
      startedAt: live.startedAt,
      stop: () => this.#components.jobs.stop(live),
    }))
  }

  get served(): ProvisionInterface['served'] {
    const { tokens: count, jobs, handedOver, due, paid } = this.#served
    return { tokens: tokens(count), jobs, handedOver, due: baseUnits(due), paid: baseUnits(paid) }
  }

  /** Whether the engine is loaded and nobody's job runs. */
  get isIdle(): boolean {
    return this.#state === 'live' && this.#terms.place?.tier === undefined && this.#liveJobs().length === 0
  }

  /** How the job service sees this model. */
  get asServed(): Served {
    const { slots = this.#engine.info.streams, queue = MAX_WAITING_JOBS } = this.#terms
    const isDraining = this.#state !== 'live'
    const { place, payee, screen } = this.#terms
    return {
      ...{ engine: this.#engine, slots, queue, isDraining, screen },
      ...{ take: place?.take, credit: payee?.credit },
    }
  }

  /** Price and speed of now, for a quote. */
  get standingTerms() {
    const { task, contextLength } = this.#engine.info
    const info = this.#speeds
    const running = this.#liveJobs().length
    const waiting = Math.max(0, running - this.asServed.slots + 1)
    // Those who share a step are slower than one alone, though faster together.
    const together = Math.max(1, info.decodeTokensPerSecond, info.batchTokensPerSecond)
    const sharers = Math.min(running + 1, this.asServed.slots)
    const shared = Math.min(info.decodeTokensPerSecond, together / sharers)
    return {
      price: this.#terms.price,
      // A job of the usual length, for each that is before us.
      queueMs: millis(
        Math.min(DAY_MS, Math.round((waiting * EXPECTED_ANSWER_TOKENS * SECOND_MS) / together)),
      ),
      loadMs: this.#terms.place?.loadMs,
      prefillTokensPerSecond: info.prefillTokensPerSecond,
      decodeTokensPerSecond: shared,
      // A job of an encoder may have many texts, each as long as that.
      contextLength: task === ENCODING ? MAX_TEXT_TOKENS + 1 : contextLength,
      isDraining: this.#state !== 'live',
      payment: this.#terms.payee?.payment,
    }
  }

  /** Once for each connection: its path stands when a job comes over it. */
  async #look(connection: Connection): Promise<void> {
    if (this.#looked.has(connection)) return
    this.#looked.add(connection)
    if (await measureTurn(connection)) this.#changes.emit()
  }

  pause(): void {
    if (this.#state !== 'live') return
    this.#enter('paused')
    void this.#withdraw()
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#enter('live')
    this.#renewSoon(0)
  }

  async drain({ limitMs = millis(DRAIN_LIMIT_MS) }: { limitMs?: Millis } = {}): Promise<void> {
    if (this.#state === 'ended') return
    this.#enter('draining')
    await this.#withdraw()
    const idle = new AbortController()
    const stop = this.onChange(() => void (this.#liveJobs().length === 0 && idle.abort()))
    if (this.#liveJobs().length > 0)
      await sleep(this.#components.clock, limitMs, { signal: idle.signal }).catch(() => undefined)
    stop()
    await this.stop()
  }

  async stop(): Promise<void> {
    if (this.#state === 'ended') return this.#ended.promise
    this.#enter('ended')
    this.#timer?.stop()
    this.#stopListening.forEach((stop) => stop())
    this.#components.jobs.handOver(new InfernetError('stream.draining'), this.model)
    await this.#withdraw()
    this.#components.onEnd(this)
    this.#ended.resolve()
  }

  onChange(callback: () => void): () => void {
    return this.#changes.listen(callback)
  }

  /** Called by the job service. */
  jobsChanged(): void {
    for (const { connection } of this.#liveJobs()) void this.#look(connection)
    this.#changes.emit()
  }

  /** Called by the job service when one of this model's jobs is over. */
  jobEnded({ job }: LiveJob, outcome: JobOutcome): void {
    const { tokens: before, jobs, handedOver, due, paid } = this.#served
    this.#served = {
      tokens: before + job.written,
      jobs: jobs + (outcome === 'done' ? 1 : 0),
      handedOver: handedOver + (outcome === 'failed' ? 1 : 0),
      due: due + job.due,
      paid: paid + job.paid,
    }
    this.#changes.emit()
  }

  #liveJobs(): readonly LiveJob[] {
    return this.#components.jobs.jobs.filter(({ model }) => model === this.model)
  }

  #lose(reason: InfernetError): void {
    if (this.#state === 'ended') return
    this.#components.jobs.handOver(reason, this.model)
    void this.stop()
  }

  #enter(state: ProvisionState): void {
    this.#state = state
    if (state !== 'live') this.#offerAcceptedAt = this.#offerRefusal = undefined
    this.#changes.emit()
  }

  #renewSoon(delayMs: number): void {
    this.#timer?.stop()
    if (this.#state === 'live')
      this.#timer = this.#components.clock.schedule(millis(delayMs), () => void this.#renew())
  }

  /** What was said of the model's place is no longer so: an asker should not wait for the next renewal to hear it. */
  #placeChanged(): void {
    if (this.#terms.place?.tier !== this.#offeredTier) this.#renewSoon(0)
    this.#changes.emit()
  }

  /** Brings a fresh offer to every relay; one that takes it is enough to be live. */
  async #renew(): Promise<void> {
    const { directories, key, random } = this.#components
    const body = this.#offer()
    // While our relays are away we have none: whoever read such an offer would find no way here. A change tells.
    if (body.addresses.length === 0) return this.#renewSoon(ANNOUNCE_RETRY_MS)
    const offer = await sign('offer', offerBody(body), key)
    // The first relay that takes it is told of at once. The rest may be waited for: the next renewal is all that follows.
    const answers = await Promise.allSettled(
      directories().map((directory) => directory.announce(offer).then(() => this.#accepted())),
    )
    if (this.#state !== 'live') return void this.#withdraw() // paused while the offer was on its way
    const isAccepted = answers.some(({ status }) => status === 'fulfilled')
    if (!isAccepted) this.#offerRefusal = refusalIn(answers)
    // A relay that cannot read it will not in two seconds either: one older than tiers refuses what must be loaded.
    const isSettled = isAccepted || answers.some(isUnreadable)
    this.#renewSoon(isSettled ? jittered(random, OFFER_RENEW_MS) : ANNOUNCE_RETRY_MS)
    this.#changes.emit()
  }

  #accepted(): void {
    if (this.#state !== 'live') return
    this.#offerAcceptedAt = this.#components.clock.now()
    this.#offerRefusal = undefined
    this.#changes.emit()
  }

  /** What the engine reaches in the share of the time that it may compute. */
  get #speeds() {
    const { prefillTokensPerSecond, decodeTokensPerSecond, batchTokensPerSecond } = this.#engine.info
    const { share = 1 } = this.#terms
    return {
      prefillTokensPerSecond: prefillTokensPerSecond * share,
      decodeTokensPerSecond: decodeTokensPerSecond * share,
      batchTokensPerSecond: batchTokensPerSecond * share,
    }
  }

  #offer(): Parameters<typeof offerBody>[0] {
    const { info } = this.#engine
    const { place } = this.#terms
    this.#offeredTier = place?.tier
    const issuedAt = this.#components.clock.now()
    // Time as the sequence rises across restarts as well; two in one millisecond are told apart.
    this.#sequence = Math.max(this.#sequence + 1, issuedAt)
    return {
      task: info.task,
      model: this.model,
      kind: this.#components.kind,
      backend: info.backend,
      adapter: info.adapter.slice(0, 60),
      price: this.#terms.price,
      ...offeredPayment(this.#terms.payee?.payment),
      contextLength: tokens(info.contextLength),
      slots: this.asServed.slots,
      busySlots: this.#liveJobs().length,
      prefillTokensPerSecond: this.#speeds.prefillTokensPerSecond,
      decodeTokensPerSecond: this.#speeds.decodeTokensPerSecond,
      selfTest: offered(this.#terms.selfTest, issuedAt),
      ...(place?.tier && { tier: place.tier }),
      addresses: this.#components.addresses().slice(0, 8),
      sequence: this.#sequence,
      issuedAt,
      expiresAt: epochMillis(issuedAt + OFFER_LIFE_MS),
    }
  }

  async #withdraw(): Promise<void> {
    const { key, directories, clock } = this.#components
    this.#timer?.stop()
    const body = { model: fromHex(this.model), sequence: Math.max(1, this.#sequence), issuedAt: clock.now() }
    const tombstone = await sign('drain', body, key)
    // A relay that cannot be told forgets the offer within a minute. Waited for, since whoever stops may close its
    // connections next; `DirectoryPort` bounds it.
    await Promise.allSettled(directories().map((directory) => directory.withdraw(tombstone)))
  }
}

/** What a relay said, as against one that did not answer. */
function refusalIn(answers: readonly PromiseSettledResult<unknown>[]): InfernetError | undefined {
  return answers
    .map((answer) => (answer.status === 'rejected' ? InfernetError.from(answer.reason) : undefined))
    .find((reason) => reason?.code.startsWith('schedule.') && reason.code !== 'schedule.no-relay')
}

function isUnreadable(answer: PromiseSettledResult<unknown>): boolean {
  return answer.status === 'rejected' && hasCode(answer.reason, 'wire.malformed')
}

/** The quote says the rest: who is paid is nobody's business who only looks. */
function offeredPayment(payment: QuotePayment | undefined): { payment?: OfferPayment } {
  return payment ? { payment: { chainId: payment.chainId, escrow: payment.escrow } } : {}
}

/** Picked by name: a caller's richer object must not end up in what is signed. */
function offered(
  { right, total, testedAt, subgroups }: OfferedSelfTest,
  issuedAt: EpochMillis,
): OfferedSelfTest {
  return {
    right,
    total,
    // A clock that was set back since the test must not make the offer one from before it, which nobody takes.
    ...(testedAt === undefined ? {} : { testedAt: epochMillis(Math.min(testedAt, issuedAt)) }),
    ...(subgroups === undefined ? {} : { subgroups }),
  }
}
