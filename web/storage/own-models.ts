import { openDB, type IDBPDatabase } from 'idb'
import * as v from 'valibot'
import type { EpochMillis } from '#shared/base/units.ts'
import { entrySchema, type CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { manifestSchema, type Manifest } from '#shared/models/manifest.ts'
import { epochMillisField } from '#shared/wire/fields.ts'

/** More than anybody adds by hand; the oldest that is not pinned goes when there are more. */
const MAX_OWN_MODELS = 100
const STORE = 'models'

/** A model that the visitor added, or pinned: kept as it was then. */
export interface OwnModel {
  readonly entry: CatalogueEntry
  /** Of what was added from an origin, which has none. */
  readonly manifest?: Manifest | undefined
  readonly isPinned: boolean
  readonly at: EpochMillis
}

const keptSchema = v.object({
  entry: entrySchema,
  manifest: v.optional(manifestSchema),
  isPinned: v.boolean(),
  at: epochMillisField,
})

/** The visitor's own models in this browser's database. Where it keeps nothing there are none. */
export interface OwnModels {
  /** The oldest first. Never throws; what an older version of this page wrote and this one cannot read is left out. */
  list(): Promise<readonly OwnModel[]>
  /** In place of what was kept under this id. Throws where nothing can be kept. */
  put(model: OwnModel): Promise<void>
  /** @throws where nothing can be kept */
  remove(id: string): Promise<void>
}

export function openOwnModels(database = 'infernet-own-models'): OwnModels {
  let opening: Promise<IDBPDatabase> | undefined
  const open = (): Promise<IDBPDatabase> => {
    const opened = (opening ??= openDB(database, 1, {
      upgrade(fresh) {
        fresh.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at')
      },
    }))
    opened.catch(() => (opening = undefined))
    return opened
  }
  return {
    async list() {
      try {
        const kept = await (await open()).getAllFromIndex(STORE, 'at')
        return kept.flatMap((each: unknown) => {
          const read = v.safeParse(keptSchema, each)
          return read.success ? [read.output] : []
        })
      } catch {
        return []
      }
    },
    async put({ entry, manifest, isPinned, at }) {
      const change = (await open()).transaction(STORE, 'readwrite')
      await change.store.put({ id: entry.id, entry, manifest, isPinned, at })
      let surplus = (await change.store.count()) - MAX_OWN_MODELS
      for (let oldest = await change.store.index('at').openCursor(); oldest && surplus > 0;) {
        if (!(oldest.value as OwnModel).isPinned) {
          await oldest.delete()
          surplus--
        }
        oldest = await oldest.continue()
      }
      if (surplus > 0) change.abort() // all are pinned: the new one is not kept, and `done` says so
      await change.done
    },
    async remove(id) {
      await (await open()).delete(STORE, id)
    },
  }
}
