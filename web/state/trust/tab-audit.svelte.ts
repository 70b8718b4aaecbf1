import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { askProbe } from '#shared/client/ask-probe.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { WRITING } from '#shared/models/task.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import { paymentOf } from '#shared/schedule/offer.ts'
import { Auditor, type AuditEvent, type ProbeAnswer, type ProbeReport } from '#shared/verify/audit/auditor.ts'
import type { AuditTarget } from '#shared/verify/audit/probe-schedule.ts'
import type { Outcome } from '#shared/verify/verdict.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import { LocalRun } from '../ask/local-run.svelte.ts'
import type { AskServices } from '../ask/services.ts'
import type { Session } from '../session/session.svelte.ts'
import type { Settings } from '../session/settings.svelte.ts'
import { addToTally, readTally, type AuditTally } from './audit-tally.ts'

/** A new name is at its relays within this, or it is given up. */
const JOIN_LIMIT_MS = 15 * SECOND_MS
/** Probes that are listed; the tally counts all. */
const MAX_LISTED = 20

/** What one probe came to. */
export interface ProbeFound {
  readonly at: number
  readonly provider: PeerName
  readonly model: ModelHash
  /** Undefined where it came to no verdict. */
  readonly outcome: Outcome | undefined
  readonly reason: InfernetError | undefined
  /** Relays that took the verdict. */
  readonly relays: number
}

/** Why no probe is made though the visitor wants them. */
export type AuditPause = 'hidden' | 'battery' | 'metered' | 'no-model'

interface Answer extends ProbeAnswer {
  readonly target: AuditTarget
  readonly mesh: Mesh
}

export interface TabAuditParts {
  readonly services: AskServices
  readonly session: Pick<Session, 'models' | 'choice' | 'live' | 'ownNames' | 'speaker'>
  readonly settings: Settings
  readonly random: Random
  /** What pauses background work of this tab, by the visitor's limits. */
  readonly reasons: () => readonly (readonly [reason: string, on: boolean])[]
}

/**
 * This tab as an auditor: under names made for each probe it asks who lends a model that is kept here for nothing, reads the
 * answers with this tab's engine, and tells the relays what it found. It does so as long as the tab is open, and pauses
 * where lending does. One schedule for the life of the tab: switching off and on makes no hour longer.
 */
export class TabAudit {
  readonly #parts: TabAuditParts
  readonly #local: LocalRun
  #auditor: Auditor<Answer> | undefined
  /** Ends the probe that runs when the switch is turned off or something pauses it. */
  #run = new AbortController()
  #pause = $state<AuditPause | undefined>()
  #found = $state.raw<readonly ProbeFound[]>([])
  #tally = $state.raw<AuditTally>({ agrees: 0, differs: 0, inconclusive: 0, failed: 0 })

  constructor(parts: TabAuditParts) {
    const { services } = parts
    this.#parts = parts
    this.#local = new LocalRun(services)
    this.#tally = readTally(services.settings, services.clock)
    services.conditions.onChange(() => this.#apply())
    this.#apply()
  }

  get isOn(): boolean {
    return this.#parts.settings.audits.value
  }
  get perHour(): number {
    return this.#parts.settings.auditsPerHour.value
  }
  /** Why it makes no probe now; undefined where it does, or is off. */
  get pause(): AuditPause | undefined {
    return this.isOn ? this.#pause : undefined
  }
  /** What this tab found, the newest first. */
  get found(): readonly ProbeFound[] {
    return this.#found
  }
  /** What today's probes of this browser came to. */
  get today(): AuditTally {
    return this.#tally
  }

  switchTo(on: boolean): void {
    this.#parts.settings.audits.value = on
    this.#apply()
  }

  /** Another budget is another schedule. It begins with a wait, so that changing it brings no probe nearer. */
  setPerHour(perHour: number): void {
    this.#parts.settings.auditsPerHour.value = perHour
    void this.#restart()
  }

  /** Ends with the tab. Never throws. */
  async stop(): Promise<void> {
    this.#run.abort(new InfernetError('stream.cancelled'))
    await this.#auditor?.stop()
    await this.#local.close()
  }

  async #restart(): Promise<void> {
    const old = this.#auditor
    this.#auditor = undefined
    await old?.stop()
    this.#apply()
  }

  #apply(): void {
    const { reasons } = this.#parts
    this.#pause = reasons().find(([, on]) => on)?.[0] as AuditPause | undefined
    if (!this.isOn || this.#pause) return this.#run.abort(new InfernetError('stream.cancelled'))
    if (this.#run.signal.aborted) this.#run = new AbortController()
    this.#auditor ??= this.#begin()
  }

  #begin(): Auditor<Answer> {
    const { services, random } = this.#parts
    const auditor = new Auditor<Answer>(
      {
        ...{ clock: services.clock, random },
        ports: {
          targets: () => this.#targets(),
          ask: (prompt, target, { signal }) => this.#ask(prompt, target, this.#within(signal)),
          check: (answer, { signal }) => this.#check(answer, this.#within(signal)),
          publish: async (verdict, { signal }) => {
            const { registers } = await this.#parts.session.speaker()
            const told = await Promise.allSettled(
              registers.map((port) => port.publishVerdict(verdict, { signal })),
            )
            return told.filter(({ status }) => status === 'fulfilled').length
          },
        },
        onEvent: (event) => this.#note(event),
      },
      { probesPerHour: this.perHour },
    )
    auditor.start()
    return auditor
  }

  /** Who lends for nothing what is kept here: a wallet is no fresh name, so that nobody is paid. */
  async #targets(): Promise<readonly AuditTarget[]> {
    const { session, reasons } = this.#parts
    if (!this.isOn || reasons().some(([, on]) => on)) return []
    const here: ModelHash[] = []
    for (const { model, task } of session.models)
      if (task === WRITING && (await this.#local.look(model))) here.push(model)
    this.#pause = here.length === 0 ? 'no-model' : undefined
    return session.live
      .map(({ offer }) => offer)
      .filter((offer) => here.includes(offer.model) && paymentOf(offer) === undefined)
      .filter(({ provider }) => !session.ownNames.includes(provider))
      .map(({ provider, model }) => ({ provider, model, examples: session.choice(model)?.examples }))
  }

  async #ask(
    prompt: Parameters<typeof askProbe>[1],
    target: AuditTarget,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { services, session, settings } = this.#parts
    const choice = session.choice(target.model)
    if (!choice) throw new InfernetError('models.unknown')
    const tokenizer = await services.loadTokenizer(target.model)
    const hidesAddress = settings.hideAddress.value
    const mesh = await services.openMesh({ purpose: 'ask', hidesAddress, only: target }, { signal })
    const release = (): Promise<void> => mesh.stop().catch(() => undefined)
    try {
      await this.#joined(mesh, signal)
      const asker = { peer: mesh.peer, choice, tokenizer }
      const transcript = await askProbe(asker, prompt, target.provider, { signal })
      return { transcript, target, mesh, release }
    } catch (thrown) {
      await release()
      throw thrown
    }
  }

  async #joined(mesh: Mesh, signal: AbortSignal): Promise<void> {
    const isUp = (): boolean => mesh.relays.some(({ state }) => state === 'up')
    const wait = (own: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isUp() && !own.aborted) return
          stop()
          resolve()
        }
        const stop = mesh.onChange(look)
        own.addEventListener('abort', look, { once: true })
        look()
      })
    const late = (): Error => new InfernetError('schedule.no-relay')
    await withDeadline(this.#parts.services.clock, millis(JOIN_LIMIT_MS), late, wait, { signal })
  }

  async #check({ transcript, target, mesh }: Answer, signal: AbortSignal): Promise<ProbeReport> {
    const { services, session } = this.#parts
    const { model } = target
    const engine = await this.#local.open(model, { signal, onProgress: () => undefined })
    let report: CheckReport | undefined
    try {
      const checks = services.checksOf(mesh).check(transcript, { by: 'self', engine }, { model, signal })
      for await (const event of checks) if (event.type === 'done') report = event.report
    } finally {
      this.#local.rest()
    }
    if (!report) throw new InfernetError('internal')
    // The name that asked is nobody's.
    const speaker = await session.speaker()
    const { verifier, verdict: signed } = await speaker.signVerdict(report.verdict)
    return { verifier, verdict: report.verdict, signed }
  }

  #note(event: AuditEvent): void {
    const { services } = this.#parts
    if (event.type !== 'probed' && event.type !== 'failed') return
    const { provider, model } = event.target
    const outcome = event.type === 'probed' ? event.report.verdict.outcome : undefined
    // What was ended by the switch or by a pause says nothing of anybody.
    if (event.type === 'failed' && this.#run.signal.aborted) return
    this.#tally = addToTally(services.settings, services.clock, outcome ?? 'failed')
    const found: ProbeFound = {
      ...{ at: services.clock.now(), provider, model, outcome },
      reason: event.type === 'failed' ? event.reason : undefined,
      relays: event.type === 'probed' ? event.relays : 0,
    }
    this.#found = [found, ...this.#found].slice(0, MAX_LISTED)
  }

  #within(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#run.signal])
  }
}
