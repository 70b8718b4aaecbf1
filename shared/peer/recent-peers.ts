import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'

/** More than a consumer meets in the time they are kept for. */
const MAX_PEERS = 256

/** A set of peers from which each falls out by itself after a while. */
export class RecentPeers {
  readonly #clock: Clock
  readonly #keptMs: Millis
  readonly #addedAt = new Map<PeerName, Millis>()

  constructor(clock: Clock, keptMs: Millis) {
    this.#clock = clock
    this.#keptMs = keptMs
  }

  add(peer: PeerName): void {
    this.#addedAt.delete(peer)
    this.#addedAt.set(peer, this.#clock.monotonic())
    const eldest = this.#addedAt.keys().next().value
    if (this.#addedAt.size > MAX_PEERS && eldest) this.#addedAt.delete(eldest)
  }

  delete(peer: PeerName): void {
    this.#addedAt.delete(peer)
  }

  has(peer: PeerName): boolean {
    const at = this.#addedAt.get(peer)
    return at !== undefined && this.#clock.monotonic() - at < this.#keptMs
  }
}
