import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis, Millis } from '../base/units.ts'
import type { Signed } from '../wire/signed.ts'
import type { SignedOffer } from './offer.ts'

/** The best offers for a model (`undefined`: of all) and how many the relay knows. Nothing is verified yet. */
export interface DirectoryAnswer {
  readonly offers: readonly SignedOffer[]
  readonly total: number
  /** The relay's word that it has just started: for so long from now on its providers may still come back. */
  readonly fillingMs?: Millis | undefined
  /** The relay's signed record of what is wanted; nothing is verified yet. */
  readonly demand?: Uint8Array | undefined
}

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * Whom not to name again, e.g. all of the pages before; of more than MAX_BESIDES the last ones count. A relay from
   * before that names them all the same: an answer without anybody new is the last page. @default nobody
   */
  readonly besides?: readonly PeerName[] | undefined
}

/** A relay's directory as a peer sees it: over a stream, or in the same process. */
export interface DirectoryPort {
  /** The relay that keeps it. */
  readonly relay: PeerName
  /** Puts an own offer in or renews it; answers until when it stands. */
  announce(offer: Signed, options?: { signal?: AbortSignal }): Promise<EpochMillis>
  withdraw(tombstone: Signed, options?: { signal?: AbortSignal }): Promise<void>
  query(model: ModelHash | undefined, limit: number, options?: QueryOptions): Promise<DirectoryAnswer>
  /** Calls back when the relay lost its connection to `peer`: the fastest witness of a crash. Returns what undoes it. */
  watch(peer: PeerName, onGone: () => void): () => void
}
