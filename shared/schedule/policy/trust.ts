import type { PeerName } from '../../base/ids.ts'
import type { Offer } from '../offer.ts'

/** What is held of a provider, each from 0 to 1: chances, expected or drawn. */
export interface Beliefs {
  /** That an answer of its is what the model wrote. */
  readonly integrity: number
  /** That a job that it takes is served to its end. */
  readonly availability: number
  /** That its first token comes within twice what its quote said. */
  readonly quotes: number
  /** That it is there now: halves with each fresh failure, and is forgiven by half in five minutes. */
  readonly presence: number
}

/** One of whom nothing bad is known nor possible. */
export const CERTAIN: Beliefs = { integrity: 1, availability: 1, quotes: 1, presence: 1 }

/**
 * Whether a provider may be asked. `quarantined`: a check of an answer of its said *differs*, and it has not tested
 * itself since; it is asked where there is nobody else. `excluded`: two confirmed differences; it is never asked.
 */
export type Standing = 'open' | 'quarantined' | 'excluded'

/** What of an offer tells where its provider stands. Without a model it is asked of all that its provider lends. */
export type StandingOffer = Pick<Offer, 'provider' | 'selfTest'> & Partial<Pick<Offer, 'model'>>

/** What a consumer holds of providers. The policy asks; who answers is injected. Never waits for anything. */
export interface Trust {
  /** What is expected of it. */
  beliefsIn(provider: PeerName): Beliefs
  /** The same, drawn by how sure that is (Thompson sampling). `even` gives numbers in (0, 1). */
  drawBeliefs(provider: PeerName, even: () => number): Beliefs
  /** What this provider's predictions are multiplied with, at least 1. */
  slownessOf(provider: PeerName): number
  /** Tokens a second that it was seen to write for this consumer; 0 where it has written nothing yet. */
  speedSeenOf(provider: PeerName): number
  standingOf(offer: StandingOffer): Standing
}
