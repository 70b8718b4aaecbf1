import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { ExchangeLedger } from './exchange-ledger.ts'
import type { FetchProgress } from './fetch-progress.ts'
import type { FetchOrigin } from './origin-reader.ts'
import type { RateCap } from './rate-cap.ts'
import type { Swarm } from './swarm.ts'

export interface FetchComponents {
  readonly store: Pick<PieceStore, 'held' | 'put'>
  /** Origins over HTTP, the best first: one that follows is read when those before it have nothing. They are read beside peers while these are slow. @default none */
  readonly origins?: readonly FetchOrigin[] | undefined
  /** Where peers are found. @default none are asked, and none hears which model this is */
  readonly swarm?: Swarm | undefined
  readonly clock: Clock
  readonly random: Random
  /** What went to and came from peers in this session, bans included. @default one of this download */
  readonly ledger?: ExchangeLedger | undefined
  /** What the visitor lets in. @default no cap */
  readonly cap?: RateCap | undefined
}

export interface FetchOptions {
  /** Files to bring. @default all of the manifest */
  readonly paths?: readonly string[] | undefined
  /** Ends or pauses it: what is kept is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined
  /** A piece is in the store now, by its flat number: whoever seeds tells its peers. */
  readonly onHeld?: ((piece: number) => void) | undefined
  /**
   * What an origin's bytes cost: the part of the remaining time that reading it beside peers must save, see `OriginPrice`.
   * 0 reads it always, 1 only what no peer has.
   * @default ORIGIN_COST
   */
  readonly originCost?: number | undefined
}
