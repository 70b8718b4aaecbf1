import type { Clock } from '#shared/base/clock.ts'
import type { PeerName } from '#shared/base/ids.ts'
import type { EpochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { Places } from '#shared/schedule/bringer-shares.ts'
import type { Bringer } from '#shared/schedule/bringer.ts'
import { MAX_KNOWN_RELAYS } from '../base/limits.ts'
import type { GossipOutcome } from './offer-gossip.ts'
import { openRelayRecord, type RelayRecord } from './relay-record.ts'

export interface KnownRelay {
  readonly name: PeerName
  readonly addresses: readonly string[]
  readonly expiresAt: EpochMillis
}

interface Entry {
  readonly record: RelayRecord
  readonly bringer: Bringer
}

/**
 * The other relays that said lately, under their own signature, that they are there. When they are too many, whoever told
 * of most gives up a place.
 */
export class KnownRelays {
  readonly #clock: Clock
  readonly #self: PeerName
  readonly #places: Places
  readonly #entries = new Map<PeerName, Entry>()

  constructor(clock: Clock, self: PeerName, { max = MAX_KNOWN_RELAYS }: { max?: number } = {}) {
    this.#clock = clock
    this.#self = self
    this.#places = new Places({ max, maxOfStrangers: max })
  }

  /**
   * Judges a gossiped message and remembers it if it is good.
   *
   * @param bringer whose share it counts in. @default an unknown relay of its own
   */
  async take(
    message: Uint8Array,
    from: PeerName,
    bringer: Bringer = { kind: 'stranger', group: from },
  ): Promise<GossipOutcome> {
    if (from === this.#self) return 'ignore'
    try {
      const record = await openRelayRecord(message, from, this.#clock.now())
      const known = this.#entries.get(from)
      if (record.sequence <= (known?.record.sequence ?? -1)) return 'ignore'
      if (!known && !this.#makeRoom(bringer)) return 'ignore'
      this.#remove(from)
      this.#places.add(bringer, from)
      this.#entries.set(from, { record, bringer })
      return 'accept'
    } catch (thrown) {
      return InfernetError.from(thrown).code === 'schedule.offer-expired' ? 'ignore' : 'reject'
    }
  }

  /** When the last record of a relay was issued; undefined when none is known. */
  heardAt(name: PeerName): EpochMillis | undefined {
    return this.#entries.get(name)?.record.issuedAt
  }

  /** Those whose word has not run out, admitted ones first. */
  list(): KnownRelay[] {
    this.#sweep()
    const entries = [...this.#entries]
    const isAdmitted = ([, { bringer }]: (typeof entries)[number]): boolean => bringer.kind === 'relay'
    return [...entries.filter(isAdmitted), ...entries.filter((entry) => !isAdmitted(entry))].map(
      ([name, { record }]) => ({ name, addresses: record.addresses, expiresAt: record.expiresAt }),
    )
  }

  #makeRoom(bringer: Bringer): boolean {
    if (!this.#places.hasRoom(bringer)) this.#sweep()
    if (this.#places.hasRoom(bringer)) return true
    const giver = this.#places.placeFor(bringer)
    if (giver === undefined) return false
    this.#remove(giver as PeerName)
    return true
  }

  #remove(name: PeerName): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#places.delete(entry.bringer, name)
    this.#entries.delete(name)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [name, { record }] of this.#entries) if (record.expiresAt <= now) this.#remove(name)
  }
}
