/** What relays tell one another about: the offers in their directories, and themselves. */
export const OFFERS_TOPIC = 'infernet/offers/1'
export const RELAYS_TOPIC = 'infernet/relays/1'

export const GOSSIP_TOPICS = [OFFERS_TOPIC, RELAYS_TOPIC] as const
