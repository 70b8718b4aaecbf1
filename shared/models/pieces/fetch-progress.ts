import type { Clock } from '../../base/clock.ts'
import type { InfernetError } from '../../errors/infernet-error.ts'
import type { PieceOrigin } from './fetch-host.ts'
import { SpeedMeter } from './speed-meter.ts'

/** What came of one kind of source. */
export interface SourceProgress {
  /** Right bytes that were kept. */
  readonly bytes: number
  /** All that comes now. */
  readonly bytesPerSecond: number
  /** How many serve now. */
  readonly count: number
}

/**
 * `reading`: one of them gives now. `resting`: peers are so fast that it is spared. `waiting`: it gives nothing now and
 * will be asked. `gone`: what is missing cannot be had there. `none`: there is no origin.
 */
export type OriginState = 'reading' | 'resting' | 'waiting' | 'gone' | 'none'

/** Something that went wrong and did not end the download. `name`: a peer's, or an origin's. */
export interface FetchFault {
  readonly from: PieceOrigin['kind']
  readonly name: string
  readonly error: InfernetError
}

/** How far a download is. All in bytes. */
export interface FetchProgress {
  readonly totalBytes: number
  /** What is here, and checked. */
  readonly heldBytes: number
  /** What of that was here before. */
  readonly heldBeforeBytes: number
  readonly missingBytes: number
  readonly peers: SourceProgress
  readonly origins: SourceProgress
  readonly originState: OriginState
  /** What came and was of no use: wrong, or a second time. */
  readonly wastedBytes: number
  /** Undefined while nothing comes. */
  readonly secondsLeft: number | undefined
  /** The last ones, the newest last. */
  readonly faults: readonly FetchFault[]
}

const MAX_FAULTS = 16

/** Adds up a download. */
export class FetchTally {
  readonly #totalBytes: number
  readonly #heldBeforeBytes: number
  readonly #meters: Readonly<Record<PieceOrigin['kind'], SpeedMeter>>
  readonly #kept = { peer: 0, origin: 0 }
  readonly #faults: FetchFault[] = []

  constructor(clock: Clock, totalBytes: number, heldBeforeBytes: number) {
    this.#totalBytes = totalBytes
    this.#heldBeforeBytes = heldBeforeBytes
    this.#meters = { peer: new SpeedMeter(clock), origin: new SpeedMeter(clock) }
  }

  get peersPerSecond(): number {
    return this.#meters.peer.bytesPerSecond
  }

  received(kind: PieceOrigin['kind'], bytes: number): void {
    this.#meters[kind].add(bytes)
  }

  kept(kind: PieceOrigin['kind'], bytes: number): void {
    this.#kept[kind] += bytes
  }

  fault(fault: FetchFault): void {
    this.#faults.push(fault)
    if (this.#faults.length > MAX_FAULTS) this.#faults.shift()
  }

  progress(counts: Readonly<Record<PieceOrigin['kind'], number>>, originState: OriginState): FetchProgress {
    const { peer, origin } = this.#meters
    const heldBytes = this.#heldBeforeBytes + this.#kept.peer + this.#kept.origin
    const missingBytes = this.#totalBytes - heldBytes
    const speed = peer.bytesPerSecond + origin.bytesPerSecond
    return {
      totalBytes: this.#totalBytes,
      heldBytes,
      heldBeforeBytes: this.#heldBeforeBytes,
      missingBytes,
      peers: { bytes: this.#kept.peer, bytesPerSecond: peer.bytesPerSecond, count: counts.peer },
      origins: { bytes: this.#kept.origin, bytesPerSecond: origin.bytesPerSecond, count: counts.origin },
      originState,
      wastedBytes: Math.max(0, peer.total + origin.total - this.#kept.peer - this.#kept.origin),
      secondsLeft: speed > 0 ? missingBytes / speed : undefined,
      faults: [...this.#faults],
    }
  }
}
