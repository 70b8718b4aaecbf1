import * as v from 'valibot'
import type { ModelHash } from '../../base/ids.ts'
import { integer } from '../../wire/fields.ts'
import { tagOf } from '../../wire/versions.ts'
import type { Manifest } from '../manifest.ts'
import { addedEntry } from './added-entry.ts'
import { badCatalogue } from './catalogue.ts'
import { entrySchema, MAX_NAME_LENGTH, usualPrecision, type CatalogueEntry } from './entry.ts'
import type { SourcedList } from './merge-catalogues.ts'

/** Where a relay serves what the models contract holds: strangers write there, so it stands beside its own proposals. */
export const PUBLICATIONS_FILE = 'publications.json'
/** Below it lie the manifests, each in a folder that is called by its hash. */
export const SERVED_PUBLISHED = '/published/'
/** A stranger publishes for cents: more than these are never shown, whatever the contract holds. */
export const MAX_PUBLICATIONS = 32
/** An entry takes a kilobyte. */
export const MAX_PUBLICATIONS_BYTES = 128 * 1024

/** What the models contract says of a manifest. */
export interface Publication {
  readonly model: ModelHash
  /** 1 to 64 characters of a-z, 0-9 and `. _ / -`. */
  readonly name: string
  /** Who owns the name now. */
  readonly publisher: `0x${string}`
  /** The share of what the model earns that goes to its publisher, in basis points. */
  readonly royaltyBps: number
}

const BPS_PER_PERCENT = 100

const publisherSchema = v.pipe(
  v.string(),
  v.regex(/^0x[0-9a-f]{40}$/),
  v.transform((text) => text as `0x${string}`),
)
const publicationSchema = v.strictObject({
  publisher: publisherSchema,
  royaltyBps: integer(0, 10_000),
  entry: v.pipe(
    entrySchema,
    v.check((entry) => usualPrecision(entry)?.hash !== undefined, 'hash'),
  ),
})
const fileSchema = v.strictObject({
  format: v.literal(tagOf('file', 'publications')),
  publications: v.pipe(v.array(v.unknown()), v.maxLength(MAX_PUBLICATIONS)),
})

/** The folder of a published manifest, and its name there. @internal */
export function publishedPlace(model: ModelHash, { dtype }: Pick<Manifest, 'dtype'>): string {
  return `${SERVED_PUBLISHED}${model}/manifest.${dtype}.json`
}

/** Everybody can publish anything: what is said of a model is its manifest's, and who claims it is said with it. @internal */
export function publishedEntry(
  { model, name, publisher, royaltyBps }: Publication,
  manifest: Manifest,
): CatalogueEntry {
  const place = publishedPlace(model, manifest)
  const folder = place.slice(0, place.lastIndexOf('/') + 1)
  const origin = { kind: 'folder', url: folder } as const
  return {
    ...addedEntry([{ manifest, origin }], folder),
    name: name.slice(0, MAX_NAME_LENGTH),
    about: `Published on the chain by ${publisher}, who asks ${royaltyBps / BPS_PER_PERCENT} % of what it earns. Nobody else vouches for it.`,
    origins: [origin],
  }
}

/** The text of `/publications.json`. */
export function writePublications(
  publications: readonly { readonly publication: Publication; readonly manifest: Manifest }[],
): string {
  return JSON.stringify({
    format: tagOf('file', 'publications'),
    publications: publications.map(({ publication, manifest }) => ({
      publisher: publication.publisher,
      royaltyBps: publication.royaltyBps,
      entry: publishedEntry(publication, manifest),
    })),
  })
}

/**
 * Reads what {@link writePublications} wrote, one list for each, so that each names its publisher. One that cannot be
 * read costs nobody the rest.
 *
 * @throws InfernetError `models.bad-catalogue` when the whole is no such list
 */
export function parsePublications(text: string): readonly SourcedList[] {
  if (text.length > MAX_PUBLICATIONS_BYTES) throw badCatalogue('it is too long')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw badCatalogue('it is no JSON', cause)
  }
  const read = v.safeParse(fileSchema, json)
  if (!read.success) throw badCatalogue('its publications cannot be read')
  return read.output.publications.flatMap((each) => {
    const publication = v.safeParse(publicationSchema, each, { abortEarly: true })
    if (!publication.success) return []
    const { publisher, royaltyBps, entry } = publication.output
    return [{ source: { kind: 'contract', publisher, royaltyBps }, entries: [entry] }]
  })
}
