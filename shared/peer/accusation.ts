import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { Difference, VerifierClass } from '../verify/verdict.ts'

/** What a provider does about an accusation, and what that came to. */
export type AccusationState =
  /** It was tested less than an hour ago, and is not again before then. */
  | { readonly stage: 'resting'; readonly until: EpochMillis }
  /** It is tested as soon as nobody is being answered. */
  | { readonly stage: 'waiting' }
  | { readonly stage: 'testing' }
  | { readonly stage: 'passed'; readonly at: EpochMillis }
  /** Nothing is provided with it any more. */
  | { readonly stage: 'failed'; readonly reason: InfernetError }
  /** It could not be tested, which shows nothing. */
  | { readonly stage: 'undecided'; readonly reason: InfernetError }

/**
 * Somebody signed that an answer of this provider differs from what its model writes. Whether that is right is not known,
 * nor who it is: names are free.
 */
export interface Accusation {
  readonly verifier: PeerName
  readonly model: ModelHash
  /** What it ran on, by its own word. */
  readonly class: VerifierClass
  readonly difference: Difference | undefined
  /** By its clock. */
  readonly at: EpochMillis
  /** Relays say that it has a stake. */
  readonly isStaked: boolean
  readonly state: AccusationState
}
