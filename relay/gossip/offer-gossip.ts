import type { PeerName } from '#shared/base/ids.ts'
import type { Bringer } from '#shared/schedule/bringer.ts'
import type { OfferKind } from '#shared/schedule/gossiped-offer.ts'

/** What becomes of a gossiped message: passed on, dropped quietly, or held against the relay that brought it. */
export type GossipOutcome = 'accept' | 'ignore' | 'reject'

/** Who told of an offer. */
export interface OfferTeller {
  /** The relay that published it; its signature was checked. */
  readonly relay: PeerName
  /** Whether that relay is admitted to gossip: joined by `--peer`, listed by `--admit`, or staked. */
  readonly isAdmitted: boolean
  /** The neighbour that brought it here, by its address block where that is known. */
  readonly neighbourGroup: string
}

/** Whose share it counts in: an admitted relay answers for itself, for an unknown one its neighbour does, since names are free. */
export function bringerOf({ relay, isAdmitted, neighbourGroup }: OfferTeller): Bringer {
  return isAdmitted ? { kind: 'relay', group: relay } : { kind: 'stranger', group: neighbourGroup }
}

/** The channel on which relays tell each other of offers. What is inside is the directory's business. */
export interface OfferGossip {
  /** Tells all other relays, those alone that read tiers where `kind` says so. Never throws: one that is too large or cannot be sent is logged. */
  publish(message: Uint8Array, kind?: OfferKind): void
  /** Asks `judge` about each message of another relay. Returns what undoes it. */
  onMessage(judge: (message: Uint8Array, by: OfferTeller) => Promise<GossipOutcome>): () => void
  /** Admits relays besides those that are named, e.g. the staked ones. */
  admitBy(isStaked: (relay: PeerName) => boolean): void
}
