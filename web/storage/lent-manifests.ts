import { openDB, type IDBPDatabase } from 'idb'
import * as v from 'valibot'
import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { MIB, type EpochMillis } from '#shared/base/units.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { readNamedManifest } from '#shared/models/pieces/numbering.ts'
import { encode } from '#shared/wire/codec.ts'
import { epochMillisField } from '#shared/wire/fields.ts'

/** A list to choose from, beside those of others; who looks up more forgets what was used least lately. @internal */
export const MAX_LENT_MANIFESTS = 24
/** Of all of them; a model of 1 GiB has 70 kB. @internal */
export const MAX_LENT_BYTES = 8 * MIB
const STORE = 'manifests'

const keptSchema = v.object({ model: v.string(), bytes: v.instance(Uint8Array), at: epochMillisField })
type Kept = v.InferOutput<typeof keptSchema>

/** Manifests that peers gave, of models that no list names. Where this browser keeps nothing, those of this visit. */
export interface LentManifests {
  /** What was used last in front. Never throws; what is not what it is called any more is left out. */
  list(): Promise<readonly Manifest[]>
  /** Never throws. */
  put(manifest: Manifest, at: EpochMillis): Promise<void>
  /** It is used: it goes later than others. Never throws. */
  touch(model: ModelHash, at: EpochMillis): Promise<void>
}

export function openLentManifests(database = 'infernet-lent-models'): LentManifests {
  const memory = new Map<string, Kept>()
  let opening: Promise<IDBPDatabase> | undefined
  // Where there are no databases at all it rejects, as where one cannot be opened.
  const open = async (): Promise<IDBPDatabase> => {
    const opened = (opening ??= openDB(database, 1, {
      upgrade: (fresh) => void fresh.createObjectStore(STORE, { keyPath: 'model' }),
    }))
    opened.catch(() => (opening = undefined))
    return opened
  }
  const readAll = async (): Promise<readonly Kept[]> => {
    const stored = await open()
      .then((db) => db.getAll(STORE))
      .catch(() => [])
    return newest([...parsed(stored).filter(({ model }) => !memory.has(model)), ...memory.values()])
  }
  const write = async (kept: Kept): Promise<void> => {
    memory.set(kept.model, kept)
    const inMemory = namesOf(newest([...memory.values()]))
    for (const model of memory.keys()) if (!inMemory.has(model)) memory.delete(model)
    try {
      // In one transaction: another tab may write at the same time.
      const change = (await open()).transaction(STORE, 'readwrite')
      await change.store.put(kept)
      const stay = namesOf(newest(parsed(await change.store.getAll())))
      for (const model of await change.store.getAllKeys())
        if (typeof model !== 'string' || !stay.has(model)) await change.store.delete(model)
      await change.done
    } catch {
      // It is known until the page is closed.
    }
  }
  return {
    list: async () => (await readAll()).flatMap(read),
    put: (manifest, at) => write({ model: hashManifest(manifest), bytes: encode(manifest), at }),
    async touch(model, at) {
      const stored: unknown = await open()
        .then((db) => db.get(STORE, model))
        .catch(() => undefined)
      const kept = memory.get(model) ?? parsed([stored])[0]
      if (kept) await write({ ...kept, at })
    },
  }
}

/** What an older version of this page wrote and this one cannot read is left out. */
function parsed(stored: readonly unknown[]): readonly Kept[] {
  return stored.flatMap((each) => {
    const read = v.safeParse(keptSchema, each)
    return read.success ? [read.output] : []
  })
}

/** Those that were used last, as far as both bounds reach. */
function newest(kept: readonly Kept[]): readonly Kept[] {
  let bytes = 0
  return kept
    .toSorted((a, b) => b.at - a.at)
    .filter((each, i) => (bytes += each.bytes.length) <= MAX_LENT_BYTES && i < MAX_LENT_MANIFESTS)
}

function namesOf(kept: readonly Kept[]): ReadonlySet<string> {
  return new Set(kept.map(({ model }) => model))
}

function read({ model, bytes }: Kept): readonly Manifest[] {
  try {
    return [readNamedManifest(bytes, modelHash(model))]
  } catch {
    return []
  }
}
