import type { PeerName } from '#shared/base/ids.ts'
import type { BaseUnits } from '#shared/base/units.ts'
import type { Engine } from '#shared/engine/engine.ts'
import type { Payer } from '#shared/peer/peer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { Verdict } from '#shared/verify/verdict.ts'
import type { Signed } from '#shared/wire/signed.ts'

/** Who reads an answer again. */
export type CheckHow =
  | { readonly by: 'self'; readonly engine: Engine }
  | {
      readonly by: 'peer'
      readonly payer?: Payer | undefined
      /** Who is not asked, such as what this tab itself provides. */
      readonly except?: readonly PeerName[]
      readonly maxCost?: BaseUnits | undefined
    }

export type CheckedBy = CheckHow['by']

/** What a check tells on its way, in order; a verifier that fails is followed by `searching` once more. */
export type CheckEvent =
  | { readonly type: 'searching' }
  | { readonly type: 'asked'; readonly verifier: PeerName; readonly cost: BaseUnits }
  | { readonly type: 'reading' }
  | { readonly type: 'opening' }
  | { readonly type: 'done'; readonly report: CheckReport }

/** What one check of one job came to. */
export interface CheckReport {
  readonly by: CheckedBy
  readonly verifier: PeerName
  readonly verdict: Verdict
  /** The verdict as the verifier signed it. */
  readonly signed: Signed
  /** A file that anybody can check without this network. */
  readonly evidence: Uint8Array
  /** What was paid for it. */
  readonly cost: BaseUnits
}

/** Has answers checked. Shaped as `Peer`. */
export interface CheckService {
  /**
   * Iterate the result to drive it; leave the loop or abort the signal to cancel.
   *
   * Throws `verify.*`, what the engine throws, `payment.*` where our side cannot pay, or the signal's reason.
   */
  check(
    transcript: Transcript,
    how: CheckHow,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<CheckEvent, CheckReport, void>
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
  /** First digits of the provider's signature under the last block. */
  readonly signature: Uint8Array
}
