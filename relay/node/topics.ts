/** What relays tell one another about: the offers in their directories, and themselves. */
import { tagOf } from '#shared/wire/versions.ts'

export const OFFERS_TOPIC = tagOf('topic', 'offers')
/** Offers of models that are not loaded: an older relay does not listen here, and could not read them. */
export const SHELVES_TOPIC = tagOf('topic', 'shelves')
export const RELAYS_TOPIC = tagOf('topic', 'relays')

export const GOSSIP_TOPICS = [OFFERS_TOPIC, SHELVES_TOPIC, RELAYS_TOPIC] as const
