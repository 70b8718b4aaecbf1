import { openDB, type IDBPDatabase } from 'idb'
import * as v from 'valibot'
import type { ModelHash } from '#shared/base/ids.ts'

const recordSchema = v.object({
  /** The model's hash. */
  model: v.string(),
  name: v.string(),
  hits: v.number(),
  at: v.number(),
  floor: v.number(),
  refetchSeconds: v.number(),
  /** What it earned here in an hour, as the journal said when room was made last. */
  revenue: v.number(),
  isPinned: v.boolean(),
  /** All of it was here, and nothing of it was missed since. */
  isWhole: v.optional(v.boolean()),
  /** When its download was begun or gone on with, by the visitor's wish, in ms; undefined where none is on its way. */
  comingSince: v.optional(v.number()),
  files: v.array(v.object({ sha256: v.string(), size: v.number() })),
})

/** A model that was brought here, and how it was used: what an eviction goes by. */
export type KeptRecord = Readonly<v.InferOutput<typeof recordSchema>>

/** The models that this browser keeps, shared by all tabs. */
export interface KeptModels {
  list(): Promise<readonly KeptRecord[]>
  put(record: KeptRecord): Promise<void>
  remove(model: ModelHash | string): Promise<void>
  /** The worth of what was evicted last. */
  floor(): Promise<number>
  setFloor(floor: number): Promise<void>
}

const [MODELS, FACTS] = ['models', 'facts'] as const

/** Where the database cannot be opened or read, nothing is known of the models and nothing is noted. */
export function openKeptModels(database = 'infernet-models'): KeptModels {
  let opening: Promise<IDBPDatabase> | undefined
  const open = (): Promise<IDBPDatabase> =>
    (opening ??= openDB(database, 1, {
      upgrade(fresh) {
        fresh.createObjectStore(MODELS, { keyPath: 'model' })
        fresh.createObjectStore(FACTS)
      },
    }))
  const quietly = async <T>(work: (db: IDBPDatabase) => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work(await open())
    } catch {
      return otherwise
    }
  }
  return {
    list: () =>
      quietly(async (db) => {
        const records: unknown[] = await db.getAll(MODELS)
        // An older version of this page may have written them.
        return records.flatMap((record) => {
          const parsed = v.safeParse(recordSchema, record)
          return parsed.success ? [parsed.output] : []
        })
      }, []),
    put: (record) => quietly(async (db) => void (await db.put(MODELS, record)), undefined),
    remove: (model) => quietly((db) => db.delete(MODELS, model), undefined),
    floor: () =>
      quietly(async (db) => {
        const floor: unknown = await db.get(FACTS, 'floor')
        return typeof floor === 'number' && Number.isFinite(floor) ? floor : 0
      }, 0),
    setFloor: (floor) => quietly(async (db) => void (await db.put(FACTS, floor, 'floor')), undefined),
  }
}
