import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MAX_PIECES_STREAMS, MAX_UPLOADS, ROTATE_MS } from './constants.ts'

/** The place of one stream that is answered. */
export interface UploadPlace {
  /** Aborts with `models.upload-busy` when the place is given to somebody else. */
  readonly signal: AbortSignal
  /** Something was asked for, or went out. */
  used(): void
  /** Says when it cannot be taken away: somebody is being served. @default never */
  keepWhile(isBusy: () => boolean): void
  /** May be called again. */
  leave(): void
}

interface Held {
  readonly peer: PeerName
  readonly over: AbortController
  usedAt: number
  isBusy: () => boolean
}

/**
 * So long whoever asks for nothing keeps its place against a newcomer that has as few: one turn of the slots, in which it
 * may be chosen. Whoever has more streams than others keeps none of them against those.
 */
const QUIET_MS = ROTATE_MS

/**
 * The streams that a seeder answers, kept from those who only hold them. Where all are taken, a newcomer gets that of the
 * peer with the most, and there that which was used the longest ago; who is being served keeps its own.
 */
export class UploadPlaces {
  readonly #clock: Clock
  readonly #held = new Set<Held>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined where there is none for this peer now. */
  enter(peer: PeerName): UploadPlace | undefined {
    const counts = this.#counts(peer)
    const own = [...this.#held].filter((each) => each.peer === peer)
    if (own.length >= MAX_PIECES_STREAMS && !this.#giveUp(own, QUIET_MS)) return undefined
    if (this.#held.size >= MAX_UPLOADS) {
      const most = Math.max(...counts.values())
      const greediest = [...this.#held].filter((each) => counts.get(each.peer) === most)
      if (!this.#giveUp(greediest, most > 1 ? 0 : QUIET_MS)) return undefined
    }
    const held: Held = {
      ...{ peer, over: new AbortController(), usedAt: this.#clock.monotonic() },
      isBusy: () => false,
    }
    this.#held.add(held)
    return {
      signal: held.over.signal,
      used: () => (held.usedAt = this.#clock.monotonic()),
      keepWhile: (isBusy) => (held.isBusy = isBusy),
      leave: () => void this.#held.delete(held),
    }
  }

  /** Streams of each peer, with the newcomer's. */
  #counts(newcomer: PeerName): ReadonlyMap<PeerName, number> {
    const counts = new Map([[newcomer, 1]])
    for (const { peer } of this.#held) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    return counts
  }

  /** Ends the one of these that was used the longest ago, if that is so long ago. */
  #giveUp(held: readonly Held[], quietMs: number): boolean {
    const now = this.#clock.monotonic()
    const [first] = held
      .filter((each) => !each.isBusy() && now - each.usedAt >= quietMs)
      .sort((a, b) => a.usedAt - b.usedAt)
    if (!first) return false
    this.#held.delete(first)
    first.over.abort(new InfernetError('models.upload-busy'))
    return true
  }
}
