import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { millis } from '../../base/units.ts'
import { sleep, withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Transcript } from '../../stream/transcript.ts'
import type { Signed } from '../../wire/signed.ts'
import type { SignedVerdict } from '../board/verdict-book.ts'
import type { Verdict } from '../verdict.ts'
import { EXAMPLE_SHARE, NOBODY_THERE_MS, OWN_SHARE, PROBE_DEADLINE_MS } from './constants.ts'
import { makeCorpus, type CorpusPrompt } from './corpus/make-corpus.ts'
import { ProbeSchedule, type AuditTarget, type ProbeScheduleInit } from './probe-schedule.ts'

interface Cancellable {
  readonly signal: AbortSignal
}

/** What a check of a probe came to: the parts of a report that an auditor needs. */
export interface ProbeReport {
  readonly verifier: PeerName
  readonly verdict: Verdict
  readonly signed: Signed
}

/** An answer to a probe, and whatever is held until it was checked. */
export interface ProbeAnswer {
  readonly transcript: Transcript
  /** Lets go of it, e.g. of the name that asked. Never throws. */
  readonly release: () => Promise<void>
}

/** What an auditor acts through. Each throws an InfernetError, or ends with the signal. */
export interface AuditPorts<Answer extends ProbeAnswer = ProbeAnswer> {
  /** Who can be asked now, and for what. */
  readonly targets: (options: Cancellable) => Promise<readonly AuditTarget[]>
  /**
   * Asks that provider as an ordinary asker under a name that nobody has seen, and gives what proves its answer.
   */
  readonly ask: (prompt: CorpusPrompt, target: AuditTarget, options: Cancellable) => Promise<Answer>
  /** Has the answer checked: by an engine of one's own, or by a peer. */
  readonly check: (answer: Answer, options: Cancellable) => Promise<ProbeReport>
  /** Tells the relays; how many of them took it. */
  readonly publish: (verdict: SignedVerdict, options: Cancellable) => Promise<number>
}

/** What a probe was doing when it failed. */
export type ProbeStep = 'ask' | 'check' | 'publish'

/** What an auditor tells of itself while it runs. */
export type AuditEvent =
  | {
      readonly type: 'probed'
      readonly target: AuditTarget
      readonly report: ProbeReport
      /** Relays that took the verdict. */
      readonly relays: number
    }
  /** It could not be asked, checked or told; the provider is not accused of anything. */
  | {
      readonly type: 'failed'
      readonly target: AuditTarget
      readonly at: ProbeStep
      readonly reason: InfernetError
    }
  /** Who is there could not be found out. */
  | { readonly type: 'lost'; readonly reason: InfernetError }
  /** There are more providers than the budget reaches in a day. */
  | { readonly type: 'behind'; readonly providers: number }

export interface AuditorComponents<Answer extends ProbeAnswer = ProbeAnswer> {
  readonly clock: Clock
  /** Decides the prompts, the times and the choices: nobody may foresee it. */
  readonly random: Random
  readonly ports: AuditPorts<Answer>
  readonly onEvent?: ((event: AuditEvent) => void) | undefined
}

export interface AuditorInit extends ProbeScheduleInit {
  /**
   * Prompts of one's own, as real people wrote them and as no one else knows them; each is asked once. The generator of
   * the others is public, and whoever learns it recognises most of what it makes (`shared/testing/cheats/learn-probes`).
   */
  readonly prompts?: readonly string[] | undefined
}

/**
 * Probes providers with prompts that look like traffic, has their answers checked, and publishes what was found. One
 * probe at a time. Who can tell a probe from a question can behave for it alone, so that nothing here may differ from an
 * ordinary asker.
 *
 * @example
 * const auditor = new Auditor({ clock, random, ports }, { probesPerHour: 20 })
 * auditor.start()
 */
export class Auditor<Answer extends ProbeAnswer = ProbeAnswer> {
  readonly #components: AuditorComponents<Answer>
  readonly #schedule: ProbeSchedule
  readonly #stopper = new AbortController()
  readonly #own: string[]
  #prompts: CorpusPrompt[] = []
  #running: Promise<void> | undefined
  #isBehind = false

  constructor(components: AuditorComponents<Answer>, init: AuditorInit = {}) {
    this.#components = components
    this.#own = [...(init.prompts ?? [])]
    this.#schedule = new ProbeSchedule(components, init)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends the probe that runs, and all that would follow. Never throws. */
  async stop(): Promise<void> {
    this.#stopper.abort(new InfernetError('stream.cancelled'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopper
    let waitMs = this.#schedule.nextWaitMs()
    while (!signal.aborted) {
      await sleep(clock, millis(Math.ceil(waitMs)), { signal }).catch(() => undefined)
      if (signal.aborted) return
      const wasSomebody = await this.#probe()
      const nextMs = this.#schedule.nextWaitMs()
      waitMs = wasSomebody ? nextMs : Math.min(nextMs, NOBODY_THERE_MS)
    }
  }

  /** True where somebody could be probed. */
  async #probe(): Promise<boolean> {
    const targets = await this.#targets()
    const target = this.#schedule.take(targets)
    this.#noteBehind(new Set(targets.map(({ provider }) => provider)).size)
    if (!target) return targets.length > 0
    const progress: { at: ProbeStep } = { at: 'ask' }
    try {
      this.#tell(await this.#within((signal) => this.#probeOne(target, progress, signal)))
    } catch (thrown) {
      this.#schedule.missed(target)
      this.#tell({ type: 'failed', target, at: progress.at, reason: InfernetError.from(thrown) })
    }
    return true
  }

  async #probeOne(
    target: AuditTarget,
    progress: { at: ProbeStep },
    signal: AbortSignal,
  ): Promise<Extract<AuditEvent, { type: 'probed' }>> {
    const { ports } = this.#components
    const answer = await ports.ask(this.#nextPrompt(target), target, { signal })
    try {
      // Another one may have answered in its place: that is no probe of it.
      if (answer.transcript.provider !== target.provider) throw new InfernetError('schedule.no-provider')
      progress.at = 'check'
      const report = await ports.check(answer, { signal })
      progress.at = 'publish'
      const verdict = { verifier: report.verifier, verdict: report.signed }
      return { type: 'probed', target, report, relays: await ports.publish(verdict, { signal }) }
    } finally {
      await answer.release()
    }
  }

  async #targets(): Promise<readonly AuditTarget[]> {
    try {
      return await this.#within((signal) => this.#components.ports.targets({ signal }))
    } catch (thrown) {
      this.#tell({ type: 'lost', reason: InfernetError.from(thrown) })
      return []
    }
  }

  #within<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: PROBE_DEADLINE_MS })
    const limit = millis(PROBE_DEADLINE_MS)
    return withDeadline(this.#components.clock, limit, late, run, { signal: this.#stopper.signal })
  }

  #noteBehind(providers: number): void {
    const isBehind = this.#schedule.isBehind(providers)
    if (isBehind && !this.#isBehind) this.#tell({ type: 'behind', providers })
    this.#isBehind = isBehind
  }

  /** What a visitor might type: a prompt of one's own, one that the page proposes, or one of the corpus. */
  #nextPrompt({ examples = [] }: AuditTarget): CorpusPrompt {
    if (this.#own.length > 0 && this.#fraction() < OWN_SHARE) {
      const [own = ''] = this.#own.splice(Math.floor(this.#fraction() * this.#own.length), 1)
      return plainly(own)
    }
    const example = examples[Math.floor(this.#fraction() * examples.length)]
    if (example !== undefined && this.#fraction() < EXAMPLE_SHARE) return plainly(example)
    return this.#nextOfCorpus()
  }

  /** Each once, then others. */
  #nextOfCorpus(): CorpusPrompt {
    if (this.#prompts.length === 0) this.#prompts = [...makeCorpus(this.#components.random.bytes(32))]
    const prompt = this.#prompts.pop()
    if (!prompt) throw new InfernetError('internal')
    return prompt
  }

  /** In [0, 1). */
  #fraction(): number {
    const [a = 0, b = 0, c = 0] = this.#components.random.bytes(3)
    return (a * 2 ** 16 + b * 2 ** 8 + c) / 2 ** 24
  }

  /** What ended because everything ends is nobody's failure. */
  #tell(event: AuditEvent): void {
    if (!this.#stopper.signal.aborted) this.#components.onEvent?.(event)
  }
}

/** As a page asks it: with the model's own sampler and limit. */
function plainly(text: string): CorpusPrompt {
  return { kind: 'question', turns: [text], system: undefined, maxTokens: undefined, sampler: undefined }
}
