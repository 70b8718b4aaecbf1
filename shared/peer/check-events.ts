import type { JobId, PeerName } from '../base/ids.ts'
import type { BaseUnits } from '../base/units.ts'
import type { Backend, Engine } from '../engine/engine.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { SketchOpening } from '../stream/sketch-tree.ts'
import type { Transcript } from '../stream/transcript.ts'
import type { Profile } from '../verify/calibration/envelope.ts'
import type { ForgeryProof } from '../verify/openings/read-openings.ts'
import type { Verdict } from '../verify/verdict.ts'
import type { Signed } from '../wire/signed.ts'
import type { Payer } from './payer.ts'

/** Who checks an answer. */
export type CheckBy =
  /** This peer's own engine: nobody else reads the prompt, and it costs nothing. */
  | { readonly by: 'self'; readonly engine: Engine }
  /** Another provider of the model, which then reads the prompt as well. */
  | {
      readonly by: 'peer'
      /** What the model's manifest says of its numbers (`dtype`): the verdict is judged by this profile's envelope. */
      readonly profile: Profile
      /** Pays for it. @default only verifiers that work for nothing are asked */
      readonly payer?: Payer | undefined
      /** Who is not asked; the provider itself never is. */
      readonly except?: readonly PeerName[] | undefined
      /** The most that it may cost, with what was paid to those who gave no verdict. @default only the payer's own limit */
      readonly maxCost?: BaseUnits | undefined
    }

/**
 * What the provider showed of what it signed. `forged`: what it opened under its name is not what it signed, or
 * not all that it was asked for, which it can deny to nobody. `unsigned`: it signed nothing that could be opened.
 */
export type Shown = 'opened' | 'withheld' | 'forged' | 'unsigned'

/** What a check tells while it runs, in order; from `searching` on anew where a verifier was passed over. */
export type CheckEvent =
  | { readonly type: 'searching'; readonly attempt: number }
  | {
      readonly type: 'asked'
      readonly verifier: PeerName
      readonly backend: Backend
      readonly cost: BaseUnits
    }
  /** The answer is read again. */
  | { readonly type: 'reading'; readonly verifier: PeerName }
  /** The verifier is bound to what it found; the provider is asked for what it found. */
  | { readonly type: 'opening'; readonly verifier: PeerName }
  /** This verifier gave no verdict that holds; the next one is looked for. */
  | { readonly type: 'passed-over'; readonly verifier: PeerName; readonly reason: InfernetError }
  | { readonly type: 'done'; readonly report: CheckReport }

/** What a check came to, and all that proves it. */
export interface CheckReport {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly by: CheckBy['by']
  readonly verifier: PeerName
  readonly verdict: Verdict
  readonly signed: Signed
  /** The verifier's own sketches, sixteen halves a token. */
  readonly own: Uint16Array
  readonly salt: Uint8Array
  readonly shown: Shown
  readonly openings: readonly SketchOpening[]
  /** Of what is `forged`: shows that it is the provider's. @default nothing is */
  readonly forgery?: ForgeryProof | undefined
  /** What was shown of the answer: nothing of its payment. */
  readonly transcript: Transcript
  /** All of this as a file that anybody can check again (`verifyEvidence`). */
  readonly evidence: Uint8Array<ArrayBuffer>
  /** What the verdict cost. */
  readonly cost: BaseUnits
  /** What all were paid who were asked, those included who gave no verdict that holds. */
  readonly spent: BaseUnits
}
