import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ErrorCode } from '../errors/code-table.ts'

export interface OpeningPlacesInit {
  /** Streams of everybody. */
  readonly total: number
  /** Streams of one peer, over all its connections. */
  readonly perPeer: number
  readonly perConnection: number
  /** What whoever is turned away hears. */
  readonly busy: ErrorCode
}

/** The place of one stream until its first frame is whole. */
export interface OpeningPlace {
  /** Aborts with the code for busy when the place is given to somebody else. */
  readonly signal: AbortSignal
  /** To be called when the frame has come, or the wait for it is over. May be called again. */
  leave(): void
}

interface Opening {
  readonly peer: string
  readonly connection: Connection
  readonly since: number
  readonly turned: AbortController
  isSilent: boolean
}

/**
 * How long a first frame has before its place may be anybody's while places are scarce. A frame follows the opening by
 * one round trip: 600 ms by satellite. While places are not scarce only the deadline of the frame itself counts, so
 * that a tab that stands still for a moment loses nothing.
 *
 * @internal for tests
 */
export const SILENT_OPENING_MS = 1000

/**
 * How often a connection's streams are turned away for its own silence, or because its peer opens too many, before it is
 * cut: each costs a negotiation and a refusal, some 0.5 ms. Four times what one connection may have open.
 */
const TURNED_AWAY_RATE = { burst: 32, perSecond: 1 } as const

/**
 * Bounds how many streams of a protocol stand open without their first frame, and keeps them from those who only hold
 * them.
 *
 * Whoever comes always gets a place, so nobody is kept out by silence: it comes from the peer that has the most, and there
 * from the oldest stream that is silent or late. Who opens one stream and speaks at once loses it only to as many others,
 * each of another name and connection, within the time that its frame takes. A connection whose streams are turned away
 * again and again for its own fault is cut.
 */
export class OpeningPlaces {
  readonly #clock: Clock
  readonly #init: OpeningPlacesInit
  /** The oldest first. */
  readonly #openings = new Set<Opening>()
  readonly #counts = new Map<string, number>()
  readonly #faults = new WeakMap<Connection, TokenBucket>()

  constructor(clock: Clock, init: OpeningPlacesInit) {
    this.#clock = clock
    this.#init = init
  }

  /** Streams that have a place. @internal */
  get size(): number {
    return this.#openings.size
  }

  /** To be called before anything of the stream is read. */
  enter(stream: Stream, connection: Connection): OpeningPlace {
    const { total, perPeer, perConnection } = this.#init
    const newcomer: Opening = {
      peer: connection.remotePeer.toString(),
      connection,
      since: this.#clock.monotonic(),
      turned: new AbortController(),
      isSilent: true,
    }
    stream.addEventListener('message', () => (newcomer.isSilent = false), { once: true })
    const own = [...this.#openings].filter(({ peer }) => peer === newcomer.peer)
    const beside = own.filter((each) => each.connection === connection)
    if (beside.length >= perConnection) this.#turnAwayAtFault(this.#firstToGo(beside))
    else if (own.length >= perPeer) this.#turnAwayAtFault(this.#firstToGo(own))
    if (this.#openings.size >= total / 2) this.#turnAwayLate()
    if (this.#openings.size >= total) this.#turnAway(this.#firstToGo(this.#ofTheGreediest(newcomer.peer)))
    this.#openings.add(newcomer)
    this.#counts.set(newcomer.peer, (this.#counts.get(newcomer.peer) ?? 0) + 1)
    return { signal: newcomer.turned.signal, leave: () => this.#remove(newcomer) }
  }

  /** Of these, which are the oldest first: the oldest that is silent or late, else the oldest. */
  #firstToGo(openings: readonly Opening[]): Opening | undefined {
    return openings.find((each) => each.isSilent || this.#isLate(each)) ?? openings[0]
  }

  /** Those of the peers that have the most, the newcomer's place counted to its own. */
  #ofTheGreediest(newcomer: string): readonly Opening[] {
    const countOf = (peer: string): number => (this.#counts.get(peer) ?? 0) + (peer === newcomer ? 1 : 0)
    const most = Math.max(...[...this.#counts.keys()].map(countOf))
    return [...this.#openings].filter(({ peer }) => countOf(peer) === most)
  }

  #isLate({ since }: Opening): boolean {
    return this.#clock.monotonic() - since > SILENT_OPENING_MS
  }

  #turnAwayLate(): void {
    for (const opening of this.#openings) {
      if (!this.#isLate(opening)) return
      if (opening.isSilent) this.#turnAwayAtFault(opening)
    }
  }

  #turnAwayAtFault(opening: Opening | undefined): void {
    if (!opening) return
    this.#turnAway(opening)
    const { connection } = opening
    const faults = this.#faults.get(connection) ?? new TokenBucket(this.#clock, TURNED_AWAY_RATE)
    this.#faults.set(connection, faults)
    if (!faults.take()) connection.abort(new InfernetError(this.#init.busy))
  }

  #turnAway(opening: Opening | undefined): void {
    if (!opening) return
    this.#remove(opening)
    opening.turned.abort(new InfernetError(this.#init.busy))
  }

  #remove(opening: Opening): void {
    if (!this.#openings.delete(opening)) return
    const left = (this.#counts.get(opening.peer) ?? 1) - 1
    if (left > 0) this.#counts.set(opening.peer, left)
    else this.#counts.delete(opening.peer)
  }
}
