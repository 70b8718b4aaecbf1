import type { ManifestFile } from '../manifest.ts'
import type { PieceMap } from './piece-map.ts'
import type { FullReason } from './store-device.ts'

/** What became of a piece. `wrong` blames who sent it; `full` blames nobody: it was right, and there is no room. */
export type PutOutcome = 'kept' | 'wrong' | 'full'

/**
 * Keeps model files piece by piece, in any order, each under the SHA-256 of the whole file, so that models share what
 * they share. It checks every piece itself: whatever is told as held was right when it was last looked at.
 */
export interface PieceStore {
  /** Why `put` said `full` last, for `fullError`; undefined where the store cannot tell. */
  readonly fullReason?: FullReason | undefined
  /** A copy of the file's map as it is now. */
  held(file: ManifestFile): Promise<PieceMap>
  /**
   * Checks a piece and keeps it. A piece that is held already is `kept`. The bytes move over, to another thread perhaps:
   * whoever gave them leaves them alone from now on.
   */
  put(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome>
  /** A held piece, checked again where it may have changed; undefined, and no longer held, where it is not right. */
  read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined>
}
