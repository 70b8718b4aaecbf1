import { ORIGIN_COST, ORIGIN_WORTH } from './constants.ts'

/** What may be read of an origin now: whatever is missing, or only what no peer has. */
export type OriginPart = 'all' | 'lacking'

export interface OriginSpeeds {
  /** Bytes a second that the origin brings, or brought when it was last read; undefined while that is not known. */
  readonly origin: number | undefined
  /** Bytes a second that all peers bring now. */
  readonly peers: number
  /** Whether any peer serves now. */
  readonly isServed: boolean
}

/**
 * What an origin's bytes cost, in the visitor's time. Whoever pays for an origin pays for every byte, while a visitor
 * only waits; so an origin races the peers as one of them, and rests where that is worth next to nothing.
 *
 * Peers alone bring what is missing in 1 / P, together with the origin in 1 / (P + O): reading it saves O / (P + O) of the
 * time, and costs the same part of the bytes. It rests once it saves less than `ORIGIN_COST`, and is read again once it
 * would save more than `ORIGIN_WORTH`; between the two it stays as it is, so that a speed that wavers makes no new request
 * each second. On a full line its own speed falls as peers join, and it rests the earlier.
 *
 * It never rests before its speed is known, so the first seconds wait for nobody. While it rests it still gives what no
 * peer has: nothing else would ever bring that.
 */
export class OriginPrice {
  readonly #cost: number
  #isResting = false

  /** @param cost the part of the remaining time, 0 to 1, that reading must save; 0: always read, 1: never beside peers */
  constructor(cost: number = ORIGIN_COST) {
    this.#cost = cost
  }

  /** As last judged. */
  get isResting(): boolean {
    return this.#isResting
  }

  judge({ origin, peers, isServed }: OriginSpeeds): OriginPart {
    this.#isResting = isServed && this.#shallRest(origin, peers)
    return this.#isResting ? 'lacking' : 'all'
  }

  #shallRest(origin: number | undefined, peers: number): boolean {
    if (this.#cost >= 1) return true
    if (this.#cost <= 0 || origin === undefined) return false
    const saved = origin / (origin + peers || 1)
    return saved < (this.#isResting ? Math.max(this.#cost, ORIGIN_WORTH) : this.#cost)
  }
}
