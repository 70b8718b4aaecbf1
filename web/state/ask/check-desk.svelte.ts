import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import { costOf } from '#shared/prompt/cost.ts'
import type { PaymentDesk } from '../money/payment-desk.svelte.ts'
import type { Session } from '../session/session.svelte.ts'
import type { Settings } from '../session/settings.svelte.ts'
import type { Ask } from './ask.svelte.ts'
import { checksOfText, markOf, type CheckCause, type MarkOutcome } from './check-record.ts'
import { CheckShare } from './check-share.ts'
import type { CheckableJob, CheckedBy } from './check-service.ts'
import type { Turn } from './conversation.ts'
import { LocalRun } from './local-run.svelte.ts'
import type { AskServices } from './services.ts'

/** Checks that wait for the one that runs: a press more finds the desk full. */
const MAX_WAITING = 8

/** Where a check stands. `waiting`: another one runs first. */
export type CheckStep = 'waiting' | 'preparing' | CheckEvent['type']

/** A check on its way. */
export interface Checking {
  readonly by: CheckedBy
  /** Undefined where the visitor pressed. */
  readonly cause?: CheckCause | undefined
  readonly step: CheckStep
  /** Which part of the answer is read, from 0, and how many there are; 0 before that is known. */
  readonly job: number
  readonly jobs: number
  readonly verifier: PeerName | undefined
  /** What the verifiers asked for so far. */
  readonly cost: bigint
  /** How far the model is on its way from this device's storage. */
  readonly loading: LoadProgress | undefined
}

/** What is known of an answer before it is checked. */
export interface Checkable {
  readonly jobs: readonly CheckableJob[]
  /** When it was written. */
  readonly at: number
}

/** How an answer is checked, beyond by whom. */
export interface CheckInit {
  /** What strangers may cost in all. @default only the payer's own limit */
  readonly maxCost?: bigint | undefined
  /** Whose parts. @default all */
  readonly only?: readonly PeerName[] | undefined
  /** Why. @default the visitor pressed */
  readonly cause?: CheckCause | undefined
}

/** What a verifier was paid for reading an answer. */
interface Paid {
  readonly verifier: PeerName
  readonly cost: bigint
}

/** Has answers checked, one after the other, and keeps what was found beside them. */
export class CheckDesk {
  readonly #services: AskServices
  readonly #session: Session
  readonly #ask: Ask
  readonly #payments: Pick<PaymentDesk, 'beforeAsking' | 'keepCheck'>
  readonly share: CheckShare
  readonly #settings: Settings
  readonly #local: LocalRun
  readonly #running = new SvelteMap<string, Checking>()
  readonly #failures = new SvelteMap<string, InfernetError>()
  readonly #checkable = new SvelteMap<string, Checkable | undefined>()
  readonly #lives = new SvelteMap<string, AbortController>()
  /** Accused providers that a stranger has read an answer of in this visit: each such check costs. */
  readonly #readByStrangers = new SvelteSet<PeerName>()
  /** What the last check of an answer paid, with what it may have paid: a verifier was asked, and did not say that it reads. */
  readonly #spent = new SvelteMap<string, { paid: bigint; open: bigint }>()
  #last: Promise<void> = Promise.resolve()

  constructor(parts: {
    readonly services: AskServices
    readonly session: Session
    readonly ask: Ask
    readonly payments: Pick<PaymentDesk, 'beforeAsking' | 'keepCheck'>
    readonly settings: Settings
  }) {
    const { services, settings } = parts
    this.#services = services
    this.#session = parts.session
    this.#ask = parts.ask
    this.#payments = parts.payments
    this.#settings = settings
    this.#local = new LocalRun(services)
    const chance = (): number => new DataView(services.newSeed().buffer).getUint32(0) / 2 ** 32
    this.share = new CheckShare({ clock: services.clock, settings, store: services.settings, chance })
    parts.ask.onAnswered = (turn) => void this.#answered(turn)
  }

  /** What the mark of an answer says. */
  markOf({ id, checks, answer }: Pick<Turn, 'id' | 'checks' | 'answer'>): MarkOutcome | 'checking' {
    if (this.#running.has(id)) return 'checking'
    return markOf(
      checksOfText(checks, answer),
      answer.segments.reduce((sum, each) => sum + each.signedTokens, 0),
    )
  }
  checkingOf(turn: string): Checking | undefined {
    return this.#running.get(turn)
  }
  /** Why the last check of this answer came to no end; undefined where it did, or none was begun. */
  failureOf(turn: string): InfernetError | undefined {
    return this.#failures.get(turn)
  }
  /** What of the answer can be checked; undefined before it was looked at. */
  checkableOf(turn: string): Checkable | 'nothing' | undefined {
    return this.#checkable.has(turn) ? (this.#checkable.get(turn) ?? 'nothing') : undefined
  }
  /** Whether this tab has the model; undefined as long as it was not looked at. */
  hasModel(model: ModelHash): boolean | undefined {
    return this.#local.has(model)
  }

  /** Looks what of an answer can be checked, and whether this tab can do it. Never throws. */
  async look(turn: string): Promise<void> {
    const model = this.#ask.turn(turn)?.model
    await Promise.all([
      model && this.#local.look(model),
      this.#read(turn).catch(() => this.#checkable.set(turn, undefined)),
    ])
  }

  /**
   * What a stranger asks for who reads the answer, by the dearest that could; undefined where nobody can be asked.
   */
  priceOf(
    model: ModelHash,
    jobs: readonly Pick<CheckableJob, 'provider' | 'readTokens'>[],
  ): bigint | undefined {
    let sum = 0n
    for (const { provider, readTokens } of jobs) {
      const costs = this.#session
        .offersFor(model)
        .flatMap(({ offer }) =>
          offer.provider === provider || offer.contextLength <= readTokens
            ? []
            : [costOf(offer.price, readTokens, 0)],
        )
      if (costs.length === 0) return undefined
      sum += costs.reduce((a, b) => (b > a ? b : a))
    }
    return sum
  }

  /** Has an answer checked. What was found stands with the turn then; a failure under `failureOf`. Never throws. */
  async check(turn: string, by: CheckedBy, init: CheckInit = {}): Promise<void> {
    if (this.#running.has(turn)) return
    if (this.#running.size > MAX_WAITING) {
      this.#failures.set(turn, new InfernetError('verify.busy'))
      return
    }
    this.#failures.delete(turn)
    this.#spent.set(turn, { paid: 0n, open: 0n })
    const life = new AbortController()
    this.#lives.set(turn, life)
    this.#running.set(turn, { ...BEGUN, by, cause: init.cause })
    const before = this.#last
    const run = raceSignal(before, life.signal)
      .then(() => this.#check(turn, by, { ...init, signal: life.signal }))
      .catch((thrown: unknown) => {
        if (!life.signal.aborted) this.#failures.set(turn, InfernetError.from(thrown))
      })
      .finally(() => {
        this.#running.delete(turn)
        this.#lives.delete(turn)
      })
    // One that is cancelled while it waits must not let the next pass the one that runs.
    this.#last = Promise.all([before, run]).then(() => undefined)
    await run
  }

  /** Ends a check; what it found of earlier parts stays. */
  cancel(turn: string): void {
    this.#lives.get(turn)?.abort(new InfernetError('stream.cancelled'))
  }

  /** The file that proves what a check found; undefined where none is kept. Never throws. */
  async evidenceOf(turn: string, key: string): Promise<Blob | undefined> {
    try {
      const file = await (await this.#services.openEvidence()).read(turn, key)
      return file && new Blob([file], { type: 'application/cbor' })
    } catch {
      return undefined
    }
  }

  async #check(
    turn: string,
    by: CheckedBy,
    { maxCost, only, cause, signal }: CheckInit & { readonly signal: AbortSignal },
  ): Promise<void> {
    const asked = this.#ask.turn(turn)
    const checkable = await raceSignal(this.#read(turn), signal)
    const jobs = checkable?.jobs.filter(({ provider }) => only?.includes(provider) ?? true) ?? []
    if (!asked || !checkable || jobs.length === 0) throw new InfernetError('verify.not-kept')
    this.#change(turn, { step: 'preparing', jobs: jobs.length })
    let left = maxCost
    for (const [job, each] of jobs.entries()) {
      this.#change(turn, { job, verifier: undefined })
      const { provider, from, tokens, transcript } = each
      const base = { jobId: transcript.jobId, provider, from, tokens, ...(cause && { cause }) }
      if (!each.hasRoots) {
        this.#ask.keepCheck(turn, { ...base, at: this.#services.clock.now(), found: undefined })
        continue
      }
      const { model } = asked
      const how = { by, maxCost: left, writtenAt: checkable.at, signal }
      // What was paid is on record, however the check ends.
      const onPaid = (paid: Paid): Promise<void> => this.#payments.keepCheck(asked, { ...base, ...paid })
      const report = await this.#checkJob({ turn, model, job: each, onPaid, ...how })
      if (left !== undefined) left -= report.spent
      const { verifier, verdict, cost, signed } = report
      const signatures = { provider: each.signature, verifier: signed.signature }
      await this.#keepEvidence(turn, report)
      this.#ask.keepCheck(turn, {
        ...base,
        at: this.#services.clock.now(),
        found: { by: report.by, verifier, verdict, cost, signatures },
      })
    }
  }

  async #checkJob(work: {
    readonly turn: string
    readonly model: ModelHash
    readonly by: CheckedBy
    readonly job: CheckableJob
    readonly maxCost: bigint | undefined
    readonly writtenAt: number
    readonly onPaid: (paid: Paid) => Promise<void>
    readonly signal: AbortSignal
  }): Promise<CheckReport> {
    const { turn, model, by, job, maxCost, writtenAt, onPaid, signal } = work
    const mesh = await raceSignal(this.#session.ready(), signal)
    const service = this.#services.checksOf(mesh)
    if (by === 'peer') {
      const payer = await this.#payments.beforeAsking({ signal })
      const except = this.#session.ownNames
      const limit = maxCost === undefined ? {} : { maxCost: baseUnits(maxCost) }
      return this.#follow(
        turn,
        service.check(job.transcript, { by, payer, except, ...limit }, { model, writtenAt, signal }),
        onPaid,
      )
    }
    // What is not here is not downloaded for this: the visitor was told that it is free.
    if (!(await this.#local.look(model)))
      throw new InfernetError('models.unavailable', { status: 'not here' })
    const onProgress = (loading: LoadProgress): void => this.#change(turn, { loading })
    const engine = await this.#local.open(model, { signal, onProgress })
    this.#change(turn, { loading: undefined })
    try {
      return await this.#follow(
        turn,
        service.check(job.transcript, { by, engine }, { model, writtenAt, signal }),
      )
    } finally {
      this.#local.rest()
    }
  }

  /** A verifier is paid when it is asked to read, and has the money once it says that it does. */
  async #follow(
    turn: string,
    events: AsyncGenerator<CheckEvent, CheckReport, void>,
    onPaid?: (paid: Paid) => Promise<void>,
  ): Promise<CheckReport> {
    const spent = this.#spent.get(turn) ?? { paid: 0n, open: 0n }
    for (;;) {
      const next = await events.next()
      if (next.done) return next.value
      const { value: event } = next
      if (event.type === 'asked') spent.open = event.cost
      if (event.type === 'passed-over') spent.open = 0n
      const asked = event.type === 'asked' && { verifier: event.verifier, cost: spent.paid + event.cost }
      this.#change(turn, { step: event.type, ...asked })
      if (event.type !== 'reading' || spent.open === 0n) continue
      const { verifier } = event
      const cost = spent.open
      spent.paid += cost
      spent.open = 0n
      await onPaid?.({ verifier, cost })
    }
  }

  /**
   * One of a provider that somebody accuses is read again by this tab where it has the model: that is free, and nobody else
   * sees the prompt. Strangers read what the visitor lets them read, the share that he chose.
   */
  async #answered(id: string): Promise<void> {
    const turn = this.#ask.turn(id)
    if (!turn || this.#running.size > MAX_WAITING) return
    const wanted = await this.#wanted(turn)
    if (wanted.length > 0 && (await this.#local.look(turn.model)))
      return this.check(id, 'self', { cause: 'wanted' })
    const only = this.share.isOn ? wanted.filter((provider) => !this.#readByStrangers.has(provider)) : []
    if (only.length > 0) return this.#checkShare(turn, { cause: 'wanted', only })
    if (this.share.draws()) await this.#checkShare(turn, { cause: 'share' })
  }

  /** Whose work the record wants to see checked. Never throws. */
  async #wanted({ answer: { segments, second = [] } }: Turn): Promise<readonly PeerName[]> {
    try {
      const service = this.#services.checksOf(await this.#session.ready())
      const writers = [...segments, ...second].map(({ provider }) => provider)
      const wants = await Promise.all(writers.map((provider) => service.wantsCheck(provider)))
      return writers.filter((writer, i) => wants[i] && writers.indexOf(writer) === i)
    } catch {
      return []
    }
  }

  /** As far as today's budget lets it, and without a word where it does not. */
  async #checkShare(
    { id, model }: Turn,
    init: { readonly cause: CheckCause; readonly only?: readonly PeerName[] },
  ): Promise<void> {
    if (this.share.checksLeft === 0) return
    const place = this.#settings.checkPlace.value
    if (place !== 'stranger' && (await this.#local.look(model))) {
      this.share.book(0n)
      return this.check(id, 'self', init)
    }
    if (place === 'tab') return
    const checkable = await this.#read(id).catch(() => undefined)
    const { only } = init
    const worth =
      checkable?.jobs.filter((job) => job.hasRoots && (only?.includes(job.provider) ?? true)) ?? []
    const most = this.priceOf(model, worth)
    if (worth.length === 0 || most === undefined || most > this.share.left) return
    this.share.book(most)
    for (const provider of only ?? []) this.#readByStrangers.add(provider)
    await this.check(id, 'peer', { ...init, maxCost: most })
    const { paid, open } = this.#spent.get(id) ?? { paid: 0n, open: most }
    if (paid + open < most) this.share.book(paid + open - most, 0)
  }

  async #read(turn: string): Promise<Checkable | undefined> {
    await this.#ask.proofsKept
    const kept = await (await this.#services.openTranscripts()).jobs(turn)
    const jobs = kept && (await this.#services.checkableJobs(kept.jobs))
    const checkable = kept && jobs && jobs.length > 0 ? { at: kept.at, jobs } : undefined
    this.#checkable.set(turn, checkable)
    return checkable
  }

  /** What was found is worth something without its file too. */
  async #keepEvidence(turn: string, report: CheckReport): Promise<void> {
    try {
      const service = this.#services.checksOf(await this.#session.ready())
      const [store, file] = [await this.#services.openEvidence(), await service.evidenceOf(report)]
      await store.keep(turn, evidenceKey(report.jobId, report.verifier), file)
    } catch {
      // The page says so when the file is asked for.
    }
  }

  #change(turn: string, change: Partial<Checking>): void {
    const now = this.#running.get(turn)
    if (now) this.#running.set(turn, { ...now, ...change })
  }
}

/** Under what the evidence of a check is kept. */
export function evidenceKey(job: string, verifier: string): string {
  return `${job}/${verifier}`
}

const BEGUN: Omit<Checking, 'by'> = {
  step: 'waiting',
  job: 0,
  jobs: 0,
  verifier: undefined,
  cost: 0n,
  loading: undefined,
}
