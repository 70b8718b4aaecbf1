import { openDB, type IDBPDatabase } from 'idb'
import * as v from 'valibot'

/** One for each adapter, driver, browser and model; the oldest go when there are more. */
const MAX_RECORDS = 50

export interface KeptRecords<T> {
  read(key: string): Promise<T | undefined>
  write(key: string, record: T): Promise<void>
}

/**
 * Small findings with the time they were made at, in a database of this browser. Where it cannot be opened or read, as
 * in some private windows, nothing is known and nothing is kept.
 *
 * @param schema what is read back is checked: an older version of this page may have written it
 */
export function openRecords<T extends { readonly at: number }>(
  { database, store }: { readonly database: string; readonly store: string },
  schema: v.GenericSchema<unknown, T>,
): KeptRecords<T> {
  let opening: Promise<IDBPDatabase> | undefined
  const open = (): Promise<IDBPDatabase> =>
    (opening ??= openDB(database, 1, {
      upgrade(fresh) {
        fresh.createObjectStore(store, { keyPath: 'key' }).createIndex('at', 'at')
      },
    }))
  return {
    async read(key) {
      try {
        const parsed = v.safeParse(schema, await (await open()).get(store, key))
        return parsed.success ? parsed.output : undefined
      } catch {
        return undefined
      }
    },
    async write(key, record) {
      try {
        const change = (await open()).transaction(store, 'readwrite')
        await change.store.put({ ...record, key })
        let surplus = (await change.store.count()) - MAX_RECORDS
        for (let oldest = await change.store.index('at').openCursor(); oldest && surplus > 0; surplus--) {
          await oldest.delete()
          oldest = await oldest.continue()
        }
        await change.done
      } catch {
        // The next start finds it out again.
      }
    },
  }
}
