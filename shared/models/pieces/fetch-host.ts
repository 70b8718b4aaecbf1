import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import type { PutOutcome } from '../store/piece-store.ts'
import type { ExchangeLedger } from './exchange-ledger.ts'
import type { PieceNumbers } from './numbering.ts'
import type { PiecePicker } from './piece-picker.ts'
import type { RateCap } from './rate-cap.ts'

/** Where a piece came from. */
export type PieceOrigin =
  { readonly kind: 'peer'; readonly name: PeerName } | { readonly kind: 'origin'; readonly name: string }

/** A download, as those see it who bring its pieces. */
export interface FetchHost {
  readonly clock: Clock
  readonly numbers: PieceNumbers
  readonly picker: PiecePicker
  readonly ledger: ExchangeLedger
  /** What the visitor lets in. */
  readonly cap: RateCap
  /** Bytes came, right or not. */
  received(kind: PieceOrigin['kind'], bytes: number): void
  /** Checks and keeps a whole piece. Never throws. */
  deliver(flat: number, bytes: Uint8Array<ArrayBuffer>, from: PieceOrigin): Promise<PutOutcome>
}
