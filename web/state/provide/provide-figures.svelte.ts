import type { Clock } from '#shared/base/clock.ts'
import type { ProviderJob } from '#shared/peer/peer.ts'
import type { ProvidedModel, Restart } from '#shared/peer/provide-model.ts'
import type { PauseReason, TabReason } from './pause-reasons.ts'
import { counted, NO_RATE, perSecond } from './token-rate.ts'

interface Served {
  readonly tokens: number
  readonly jobs: number
  readonly handedOver: number
  readonly due: bigint
}

const NOTHING_SERVED: Served = { tokens: 0, jobs: 0, handedOver: 0, due: 0n }

/** What the page shows of the model that it provides: read at each change, and counted here. */
export class ProvideFigures {
  readonly #clock: Clock
  #jobs = $state.raw<readonly ProviderJob[]>([])
  #served = $state.raw<Served>(NOTHING_SERVED)
  #acceptedAt = $state<number | undefined>()
  #reasons = $state.raw<readonly PauseReason[]>([])
  #restart = $state.raw<Restart | undefined>()
  #rate = $state.raw(NO_RATE)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get jobs(): readonly ProviderJob[] {
    return this.#jobs
  }
  /** Stays after the end, until {@link begin}. */
  get served(): Served {
    return this.#served
  }
  /** When a relay took the newest offer. */
  get acceptedAt(): number | undefined {
    return this.#acceptedAt
  }
  /** Why no new prompts are taken. */
  get pauseReasons(): readonly PauseReason[] {
    return this.#reasons
  }
  /** Why the engine is being started again at this moment, and for which time. */
  get restart(): Restart | undefined {
    return this.#restart
  }
  /** Tokens per second over the last seconds; 0 when nobody is being answered. */
  get speedNow(): number {
    return this.#jobs.length > 0 ? perSecond(this.#rate) : 0
  }

  begin(): void {
    this.#served = NOTHING_SERVED
  }

  read({ provision, reasons, restart }: ProvidedModel<TabReason>): void {
    const { jobs, served } = provision
    this.#jobs = [...jobs]
    this.#served = {
      // The provision counts a job when it is over; what runs is added here.
      tokens: served.tokens + jobs.reduce((sum, job) => sum + job.tokens, 0),
      jobs: served.jobs,
      handedOver: served.handedOver,
      due: served.due + jobs.reduce((sum, job) => sum + job.due, 0n),
    }
    this.#acceptedAt = provision.offerAcceptedAt
    this.#reasons = reasons
    this.#restart = restart
    this.#rate = counted(this.#rate, this.#clock.monotonic(), this.#served.tokens)
  }

  end(): void {
    this.#jobs = []
    this.#rate = NO_RATE
    this.#acceptedAt = undefined
    this.#reasons = []
    this.#restart = undefined
  }
}
