import type { Clock } from '#shared/base/clock.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Accusation } from '#shared/peer/accusation.ts'
import type { ProviderJob } from '#shared/peer/peer.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Restart } from '#shared/peer/provide-model.ts'
import type { Lending } from './lending.ts'
import type { PauseReason } from './pause-reasons.ts'
import { counted, NO_RATE, perSecond } from './token-rate.ts'

/** A job, and what it is done with. */
export interface LentJob extends ProviderJob {
  readonly model: ModelHash
}

interface Served {
  readonly tokens: number
  readonly jobs: number
  readonly handedOver: number
  readonly due: bigint
}

const NOTHING_SERVED: Served = { tokens: 0, jobs: 0, handedOver: 0, due: 0n }

/** What the page shows of all that it provides: read at each change, and counted here. */
export class ProvideFigures {
  readonly #clock: Clock
  #jobs = $state.raw<readonly LentJob[]>([])
  #served = $state.raw<Served>(NOTHING_SERVED)
  #acceptedAt = $state<number | undefined>()
  #refusal = $state.raw<InfernetError | undefined>()
  #reasons = $state.raw<readonly PauseReason[]>([])
  #restart = $state.raw<Restart | undefined>()
  #accusation = $state.raw<Accusation | undefined>()
  #rate = $state.raw(NO_RATE)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get jobs(): readonly LentJob[] {
    return this.#jobs
  }
  /** Stays after the end, until {@link begin}. */
  get served(): Served {
    return this.#served
  }
  /** When a relay took the newest offer, of the model that the visitor chose. */
  get acceptedAt(): number | undefined {
    return this.#acceptedAt
  }
  /** Why a relay did not take it, where one said so. */
  get refusal(): InfernetError | undefined {
    return this.#refusal
  }
  /** Why no new prompts are taken. */
  get pauseReasons(): readonly PauseReason[] {
    return this.#reasons
  }
  /** Why the engine is being started again at this moment, and for which time. */
  get restart(): Restart | undefined {
    return this.#restart
  }
  /** The last time somebody said that an answer differs, and what came of that. Stays after the end, until {@link begin}. */
  get accusation(): Accusation | undefined {
    return this.#accusation
  }
  /** Tokens per second over the last seconds; 0 when nobody is being answered. */
  get speedNow(): number {
    return this.#jobs.length > 0 ? perSecond(this.#rate) : 0
  }

  begin(): void {
    this.#served = NOTHING_SERVED
    this.#accusation = undefined
  }

  read({ chosen, all }: Pick<Lending, 'chosen' | 'all'>): void {
    const { provision, reasons, restart } = chosen
    const provisions = all.map((each) => each.provision)
    const served = provisions.map((each) => each.served)
    // One that was ended and is offered again sees the jobs of the new offer.
    const running = provisions.filter(({ state }) => state !== 'ended')
    const jobs = running.flatMap(({ model, jobs }) => jobs.map((job) => ({ ...job, model })))
    this.#jobs = jobs
    this.#served = {
      // A provision counts a job when it is over; what runs is added here.
      tokens: sumOf([...served, ...jobs].map(({ tokens }) => tokens)),
      jobs: sumOf(served.map((each) => each.jobs)),
      handedOver: sumOf(served.map(({ handedOver }) => handedOver)),
      due: [...served, ...jobs].reduce((sum, { due }) => sum + due, 0n),
    }
    this.#acceptedAt = provision.offerAcceptedAt
    this.#refusal = provision.offerRefusal
    this.#reasons = reasons
    this.#restart = restart
    this.#accusation = lastOf(all.map(({ accusation }) => accusation))
    this.#rate = counted(this.#rate, this.#clock.monotonic(), this.#served.tokens)
  }

  end(): void {
    this.#jobs = []
    this.#rate = NO_RATE
    this.#acceptedAt = undefined
    this.#refusal = undefined
    this.#reasons = []
    this.#restart = undefined
  }
}

/** By who says when, of all models. */
function lastOf(accusations: readonly (Accusation | undefined)[]): Accusation | undefined {
  const told = accusations.filter((each) => each !== undefined)
  return told.sort((a, b) => b.at - a.at)[0]
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
