import * as v from 'valibot'
import { hashManifest, manifestBytes, manifestSchema, type Manifest } from '../manifest.ts'
import { MAX_NAME_LENGTH, originSchema, type CatalogueEntry, type Precision } from './entry.ts'

/** What was written down of a model when it was added from an origin. */
export const addedSchema = v.strictObject({ manifest: manifestSchema, origin: originSchema })
export type AddedRecord = v.InferOutput<typeof addedSchema>

/** What is taken for a text of usual length where a manifest tells nothing. */
const USUAL_CACHE_BYTES = 64 * 2 ** 20
const USUAL_TOKENS = 2048

/**
 * An entry for a model that somebody added, with all precisions of it that are there.
 *
 * @param records of one revision, at least one
 * @param folder where its files and manifests lie, e.g. `/models/owner--name-abc/`. @default nowhere but at the origin, which
 *   has no manifest
 */
export function addedEntry(records: readonly AddedRecord[], folder?: string): CatalogueEntry {
  const [first] = records
  if (!first) throw new RangeError('no record')
  const { manifest, origin } = first
  const from = origin.kind === 'hub' ? origin.repository : origin.url
  return {
    ...entryOf(manifest),
    about: `Added from ${from}.`.slice(0, 160),
    origins: [...(folder === undefined ? [] : [{ kind: 'folder', url: folder } as const]), origin],
    precisions: records.map((record) => precisionOf(record.manifest, folder)),
  }
}

/** An entry for a model of which nothing is known but its manifest, as peers gave it. Its files are at peers alone. */
export function lentEntry(manifest: Manifest): CatalogueEntry {
  const { id, name } = manifest
  return {
    ...entryOf(manifest),
    name: name.trim() === '' ? id.slice(0, MAX_NAME_LENGTH) : name,
    about: 'No list names it. Its name and licence are those that whoever made it wrote down.',
  }
}

function entryOf(manifest: Manifest): CatalogueEntry {
  const { id, mayPassOn, isGated, link } = manifest.licence ?? NO_LICENCE
  return {
    id: manifest.id,
    name: manifest.name,
    about: '',
    task: manifest.task,
    // A licence that is a file of the model is read there.
    licence: { id: id.slice(0, 40), mayPassOn, isGated, ...(link?.startsWith('https:') ? { link } : {}) },
    goodFor: [],
    origins: [],
    precisions: [precisionOf(manifest, undefined)],
    dtype: manifest.dtype,
    tried: false,
  }
}

const NO_LICENCE = { id: 'none', mayPassOn: false, isGated: false, link: undefined }

function precisionOf(manifest: Manifest, folder: string | undefined): Precision {
  const bytes = manifestBytes(manifest)
  const { memory, dtype } = manifest
  const cache = memory ? memory.cacheBytesPerToken * USUAL_TOKENS : USUAL_CACHE_BYTES
  return {
    dtype,
    bytes,
    memoryBytes: bytes + cache,
    ...(folder !== undefined && { manifest: `${folder}manifest.${dtype}.json` }),
    hash: hashManifest(manifest),
  }
}
