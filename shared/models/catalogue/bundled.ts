import bundled from './bundled.json' with { type: 'json' }
import { parseCatalogue } from './catalogue.ts'

/** The list that comes with this software, as text: what a relay proposes whose operator said nothing else. */
export const BUNDLED_CATALOGUE = JSON.stringify(bundled)

/** The models of that list. Sizes that are marked rough were taken from what others tell of the hub's files. */
export const BUNDLED_MODELS = parseCatalogue(BUNDLED_CATALOGUE).entries
