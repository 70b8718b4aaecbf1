import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVED_MODELS, type CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { addedEntry, addedSchema, type AddedRecord } from '#shared/models/catalogue/added-entry.ts'
import { WEIGHTS_PATHS } from '#shared/models/manifest.ts'
import { safeParse } from 'valibot'

/** Written anew after each change, so that one look tells whether there was one. */
export const ADDED_INDEX = 'index.json'

/** More is no folder that a person filled by hand. */
const MAX_FOLDERS = 100
/** As much as a manifest may have, with what stands beside it. */
const MAX_RECORD_BYTES = 10 * 2 ** 20

/** What `npm run model` wrote into one folder: a model in one or more precisions. */
export interface AddedFolder {
  readonly name: string
  readonly records: readonly AddedRecord[]
}

/**
 * The models that the operator added from a hub and that may be handed on: to serve one over HTTP is to hand it on. What
 * cannot be read is left out, since a download may be on its way.
 */
export function readAddedModels(root: string): readonly AddedFolder[] {
  return foldersIn(root).flatMap((name) => {
    const records = Object.keys(WEIGHTS_PATHS).flatMap((dtype) => readRecord(join(root, name), dtype) ?? [])
    const all = records.filter(({ manifest }) => manifest.licence?.mayPassOn === true)
    // One that may not be handed on keeps its neighbours back: they share files.
    return all.length > 0 && all.length === records.length ? [{ name, records: all }] : []
  })
}

/** What a relay proposes of them. */
export function entriesOf(folders: readonly AddedFolder[]): readonly CatalogueEntry[] {
  return folders.map(({ name, records }) => addedEntry(records, `${SERVED_MODELS}${name}/`))
}

function foldersIn(root: string): readonly string[] {
  try {
    const all = readdirSync(root, { withFileTypes: true })
    return all
      .flatMap((each) => (each.isDirectory() && /^[A-Za-z0-9]/.test(each.name) ? [each.name] : []))
      .toSorted()
      .slice(0, MAX_FOLDERS)
  } catch {
    return [] // nobody added anything
  }
}

function readRecord(folder: string, dtype: string): AddedRecord | undefined {
  try {
    const bytes = readFileSync(join(folder, `added.${dtype}.json`))
    if (bytes.length > MAX_RECORD_BYTES) return undefined
    // It is whole when its manifest is there, which comes last.
    readFileSync(join(folder, `manifest.${dtype}.json`))
    const read = safeParse(addedSchema, JSON.parse(bytes.toString('utf8')))
    return read.success && read.output.manifest.dtype === dtype ? read.output : undefined
  } catch {
    return undefined
  }
}
