import type { ModelHash } from '#shared/base/ids.ts'
import type { Clock } from '#shared/base/clock.ts'
import { baseUnits, tokens } from '#shared/base/units.ts'
import type { Engine } from '#shared/engine/engine.ts'
import type { ProviderJob, ProviderTerms, Provision } from '#shared/peer/peer.ts'
import type { Path } from '#shared/schedule/assignment.ts'
import { named } from './samples.ts'

/** A provision that a test moves by hand. */
export class MemoryProvision implements Provision {
  readonly model: ModelHash
  state: Provision['state'] = 'live'
  jobs: ProviderJob[] = []
  #taken = 0
  served = { tokens: tokens(0), jobs: 0, handedOver: 0, due: baseUnits(0n), paid: baseUnits(0n) }
  offerAcceptedAt: Provision['offerAcceptedAt']
  offerRefusal: Provision['offerRefusal'] = undefined
  accusation: Provision['accusation'] = undefined
  /** Whose jobs were stopped by hand. */
  readonly stopped: string[] = []
  readonly engine: Engine
  readonly terms: ProviderTerms
  readonly #listeners = new Set<() => void>()
  readonly #clock: Clock
  readonly #drained = Promise.withResolvers<void>()

  constructor(engine: Engine, terms: ProviderTerms, clock: Clock) {
    this.model = engine.info.model
    this.engine = engine
    this.terms = terms
    this.#clock = clock
    this.offerAcceptedAt = clock.now()
  }

  pause(): void {
    this.state = 'paused'
    this.changed()
  }
  resume(): void {
    this.state = 'live'
    this.offerAcceptedAt = this.#clock.now()
    this.changed()
  }
  async drain(): Promise<void> {
    this.state = 'draining'
    this.changed()
    if (this.jobs.length > 0) await this.#drained.promise
    this.state = 'ended'
  }
  async stop(): Promise<void> {
    this.state = 'ended'
    this.#drained.resolve()
  }
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }
  changed(): void {
    for (const listener of this.#listeners) listener()
  }
  endJobs(): void {
    this.jobs = []
    this.changed()
  }
  /** A prompt from a stranger. */
  addJob(tail: string, written: number, path: Path = 'webrtc'): void {
    const due = baseUnits(BigInt(Math.floor(written / 32) * 32) * 200_000_000_000n)
    this.jobs = [
      ...this.jobs,
      {
        number: this.#taken++,
        consumer: named(tail),
        path,
        tokens: tokens(written),
        due,
        paid: baseUnits(0n),
        startedAt: this.#clock.now(),
        stop: () => {
          this.stopped.push(tail)
          this.endJobs()
        },
      },
    ]
    this.changed()
  }
}
