import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { CheckBy, CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import type { Transcript } from '#shared/stream/transcript.ts'

type ByPeer = Extract<CheckBy, { readonly by: 'peer' }>

/** Who reads an answer again; by what envelope its verdict is judged, the model says. */
export type CheckHow = Extract<CheckBy, { readonly by: 'self' }> | Omit<ByPeer, 'profile'>

export type CheckedBy = CheckHow['by']

/** Has answers checked, and puts what was found into files. */
export interface CheckService {
  /**
   * Iterate the result to drive it; leave the loop or abort the signal to cancel.
   *
   * Throws as `Peer.check`, or `models.unknown` for a model that no list names.
   */
  check(
    transcript: Transcript,
    how: CheckHow,
    options: {
      readonly model: ModelHash
      /** When the answer was kept here, by the wall clock. @default just now */
      readonly writtenAt?: number | undefined
      readonly signal: AbortSignal
    },
  ): AsyncGenerator<CheckEvent, CheckReport, void>
  /** Whether an answer of this provider should be read again here: somebody says that it cheats, or one check did. */
  wantsCheck(provider: PeerName): Promise<boolean>
  /** A file that anybody can check without this network. */
  evidenceOf(report: CheckReport): Promise<Uint8Array>
}

/** One part of an answer, as far as it can be checked. */
export interface CheckableJob {
  readonly transcript: Transcript
  readonly provider: PeerName
  /** Position in the answer of its first token. */
  readonly from: number
  /** Signed tokens. */
  readonly tokens: number
  /** All that a verifier reads: the prompt and what came before with it. */
  readonly readTokens: number
  /** False where the provider signed nothing but the words: it is a program from before checks. */
  readonly hasRoots: boolean
  /** The provider's, under the last block. */
  readonly signature: Uint8Array
}
