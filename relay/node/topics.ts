/** What relays tell one another about: the offers in their directories, and themselves. */
import { tagOf } from '#shared/wire/versions.ts'

export const OFFERS_TOPIC = tagOf('topic', 'offers')
export const RELAYS_TOPIC = tagOf('topic', 'relays')

export const GOSSIP_TOPICS = [OFFERS_TOPIC, RELAYS_TOPIC] as const
