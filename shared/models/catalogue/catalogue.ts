import * as v from 'valibot'
import { InfernetError } from '../../errors/infernet-error.ts'
import { tagOf } from '../../wire/versions.ts'
import { entrySchema, type CatalogueEntry } from './entry.ts'

/** Characters of a list: an entry as long as it may be takes 4 kB, a usual one 800 bytes. */
export const MAX_CATALOGUE_LENGTH = 512 * 1024
/** A list for people to choose from; whoever knows more models than this keeps them for themselves. @internal */
export const MAX_ENTRIES = 200

const listSchema = v.strictObject({
  format: v.literal(tagOf('file', 'catalogue')),
  /** One by one, so that an entry of a later version costs nobody the rest of the list. */
  entries: v.pipe(v.array(v.unknown()), v.maxLength(MAX_ENTRIES)),
})

/** An entry that was left out of its list, and the first field that cannot stand there. */
export interface RefusedEntry {
  /** Its place in the list, from 0. */
  readonly at: number
  readonly field: string
}

/** A list of models with what could be read of it. */
export interface Catalogue {
  readonly entries: readonly CatalogueEntry[]
  readonly refused: readonly RefusedEntry[]
}

/**
 * Reads a list of models, entry by entry: one that does not fit is left out and named, and so is a second one of the
 * same id.
 *
 * @throws InfernetError `models.bad-catalogue` when the whole is too long, no JSON, or no list of models
 *
 * @example
 * const { entries, refused } = parseCatalogue(await readFile('catalogue.json', 'utf8'))
 */
export function parseCatalogue(text: string): Catalogue {
  if (text.length > MAX_CATALOGUE_LENGTH) throw badCatalogue('it is too long')
  const read = v.safeParse(listSchema, parse(text))
  if (!read.success) throw badCatalogue(`its "${v.getDotPath(read.issues[0]) ?? 'whole'}" cannot be read`)
  const entries: CatalogueEntry[] = []
  const refused: RefusedEntry[] = []
  const ids = new Set<string>()
  for (const [at, each] of read.output.entries.entries()) {
    const entry = v.safeParse(entrySchema, each, { abortEarly: true })
    if (!entry.success) refused.push({ at, field: fieldOf(entry.issues[0]) })
    else if (ids.has(entry.output.id)) refused.push({ at, field: 'id' })
    else {
      ids.add(entry.output.id)
      entries.push(entry.output)
    }
  }
  return { entries, refused }
}

export function badCatalogue(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('models.bad-catalogue', { reason }, { cause })
}

/** A stranger may have named the field: one short word of it comes out, or none. */
function fieldOf(issue: v.GenericIssue): string {
  const path = v.getDotPath(issue) ?? ''
  return /^[a-zA-Z0-9.]{1,60}$/.test(path) ? path : 'the whole'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw badCatalogue('it is no JSON', cause)
  }
}
