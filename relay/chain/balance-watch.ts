import { formatEther, type Address, type PublicClient } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import type { Logger } from '../observe/log.ts'

/** Gas is used up over hours; each look is one question to the chain for each account. */
const LOOK_MS = MINUTE_MS

export interface BalanceWatchComponents {
  readonly client: Pick<PublicClient, 'getBalance'>
  readonly clock: Clock
  readonly log: Logger
}

/** How much gas the relay's accounts have, for its operator: an empty one claims nothing and gives nothing away. */
export class BalanceWatch {
  readonly #components: BalanceWatchComponents
  readonly #accounts: readonly (readonly [name: string, address: Address])[]
  readonly #known = new Map<string, number>()
  #timer: { stop(): void } | undefined
  #isStopped = false

  constructor(components: BalanceWatchComponents, accounts: Readonly<Record<string, Address>>) {
    this.#components = components
    this.#accounts = Object.entries(accounts)
  }

  /** What each had when it was asked last, in whole coins; NaN before, and when the chain does not answer. */
  get counts(): Readonly<Record<string, () => number>> {
    return Object.fromEntries(
      this.#accounts.map(([name]) => [name, () => this.#known.get(name) ?? Number.NaN]),
    )
  }

  start(): void {
    if (this.#accounts.length > 0) void this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }

  async #look(): Promise<void> {
    const { client, clock, log } = this.#components
    for (const [name, address] of this.#accounts)
      try {
        this.#known.set(name, Number(formatEther(await client.getBalance({ address }))))
      } catch (thrown) {
        this.#known.delete(name) // an old word would look like a new one
        log.debug({ account: name, err: thrown }, 'balance not read')
      }
    if (!this.#isStopped) this.#timer = clock.schedule(millis(LOOK_MS), () => void this.#look())
  }
}
