import type { PeerName } from '#shared/base/ids.ts'
import type { OfferKind } from '#shared/schedule/gossiped-offer.ts'

/** What becomes of a gossiped message: passed on, dropped quietly, or held against the relay that brought it. */
export type GossipOutcome = 'accept' | 'ignore' | 'reject'

/** The channel on which relays tell each other of offers. What is inside is the directory's business. */
export interface OfferGossip {
  /** Tells all other relays, those alone that read tiers where `kind` says so. Never throws: one that is too large or cannot be sent is logged. */
  publish(message: Uint8Array, kind?: OfferKind): void
  /** Asks `judge` about each message of another relay. `from` is the relay that published it. Returns what undoes it. */
  onMessage(judge: (message: Uint8Array, from: PeerName) => Promise<GossipOutcome>): () => void
}
