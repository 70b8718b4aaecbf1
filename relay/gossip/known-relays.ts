import type { Clock } from '#shared/base/clock.ts'
import type { PeerName } from '#shared/base/ids.ts'
import type { EpochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { MAX_KNOWN_RELAYS } from '../base/limits.ts'
import type { GossipOutcome } from './offer-gossip.ts'
import { openRelayRecord, type RelayRecord } from './relay-record.ts'

export interface KnownRelay {
  readonly name: PeerName
  readonly addresses: readonly string[]
  readonly expiresAt: EpochMillis
}

/** The other relays that said lately, under their own signature, that they are there. */
export class KnownRelays {
  readonly #clock: Clock
  readonly #self: PeerName
  readonly #max: number
  readonly #records = new Map<PeerName, RelayRecord>()

  constructor(clock: Clock, self: PeerName, { max = MAX_KNOWN_RELAYS }: { max?: number } = {}) {
    this.#clock = clock
    this.#self = self
    this.#max = max
  }

  /** Judges a gossiped message and remembers it if it is good. */
  async take(message: Uint8Array, from: PeerName): Promise<GossipOutcome> {
    if (from === this.#self) return 'ignore'
    try {
      const record = await openRelayRecord(message, from, this.#clock.now())
      if (record.sequence <= (this.#records.get(from)?.sequence ?? -1)) return 'ignore'
      if (!this.#records.has(from) && this.#records.size >= this.#max) this.#sweep()
      if (!this.#records.has(from) && this.#records.size >= this.#max) return 'ignore'
      this.#records.set(from, record)
      return 'accept'
    } catch (thrown) {
      return InfernetError.from(thrown).code === 'schedule.offer-expired' ? 'ignore' : 'reject'
    }
  }

  /** When the last record of a relay was issued; undefined when none is known. */
  heardAt(name: PeerName): EpochMillis | undefined {
    return this.#records.get(name)?.issuedAt
  }

  /** Those whose word has not run out. */
  list(): KnownRelay[] {
    this.#sweep()
    return [...this.#records].map(([name, { addresses, expiresAt }]) => ({ name, addresses, expiresAt }))
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [name, { expiresAt }] of this.#records) if (expiresAt <= now) this.#records.delete(name)
  }
}
