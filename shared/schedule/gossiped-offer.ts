import { decode } from '../wire/codec.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { PeerName } from '../base/ids.ts'
import type { Bringer } from './bringer.ts'
import type { Directory } from './directory.ts'
import { offerGossipSchema } from './messages.ts'
import type { Offer } from './offer.ts'

/** Whether what relays tell of can be read by each of them, or is of a model that must be loaded: see `VERSIONS.topic`. */
export type OfferKind = 'warm' | 'shelved'

export function kindOf({ tier }: Pick<Offer, 'tier'>): OfferKind {
  return tier ? 'shelved' : 'warm'
}

/** What a relay does with a gossiped message: pass it on, drop it quietly, or hold it against who sent it. */
export type GossipOutcome = 'accept' | 'ignore' | 'reject'

/** Who published a gossiped offer, and whose share it counts in. */
export interface GossipedBy {
  readonly relay?: PeerName | undefined
  readonly bringer?: Bringer | undefined
}

/** Takes another relay's word of an offer into the directory, if the provider's own signature bears it out. */
export async function acceptGossipedOffer(
  directory: Directory,
  message: Uint8Array,
  by: GossipedBy = {},
): Promise<GossipOutcome> {
  try {
    const { type, provider, signed } = decode(offerGossipSchema, message)
    if (type === 'offer') await directory.announce({ provider, offer: signed }, { isLocal: false, ...by })
    else await directory.withdraw(provider, signed)
    return 'accept'
  } catch (thrown) {
    // Late, repeated or too many is what a network does; a wrong form or signature is what an attacker does.
    const { code } = InfernetError.from(thrown)
    return code === 'wire.malformed' || code === 'wire.bad-signature' ? 'reject' : 'ignore'
  }
}
