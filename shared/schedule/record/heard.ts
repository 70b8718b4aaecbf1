import type { JobId, PeerName } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'

/** What a check came to: the outcomes of a verdict. */
export type CheckOutcome = 'agrees' | 'differs' | 'inconclusive'

/**
 * What showed that somebody cheats: a check of an answer, an answer that ended where no model ends one, or a verdict that
 * this consumer's own engine contradicts.
 */
export const DIFFERENCE_KINDS = ['tokens', 'sketches', 'openings', 'early-stop', 'verdict'] as const
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number]

/** A check that this consumer made or asked for, with its numbers checked here. */
export interface CheckSeen {
  readonly jobId: JobId
  readonly outcome: CheckOutcome
  /** Of one that differs. */
  readonly difference: DifferenceKind | undefined
  /** Of one that is inconclusive; openings that are `withheld` count against the provider's availability. */
  readonly reason?: string | undefined
  /** `self`: this consumer's own engine. */
  readonly by: 'self' | 'peer'
  /** Of a peer's check. */
  readonly verifier: PeerName | undefined
  /** What the verifier says that it ran on, of a peer's check. */
  readonly class?: { readonly backend: string } | undefined
}

/** What of somebody's verdict counts. Its signature was verified before; its numbers were not. */
export interface ToldVerdict {
  readonly jobId: JobId
  readonly outcome: CheckOutcome
  readonly difference: DifferenceKind | undefined
  readonly class: { readonly backend: string }
  readonly at: EpochMillis
}

/** What the chain shows of a peer's operator. */
export interface Staked {
  readonly operator: string
  /** Of the least stake that counts in full, 0 to 1. */
  readonly share: number
  /** What its golden sketches show that it runs on. @default what a verdict says of it */
  readonly class?: string | undefined
}

/** Who has a stake. It is asked while a question waits, so it answers from what it knows. */
export interface Stakes {
  /** Undefined for who has none, or of whom it is not known. */
  of(peer: PeerName): Staked | undefined
}

export const NO_STAKES: Stakes = { of: () => undefined }
