import { openDB, type IDBPDatabase } from 'idb'

const STORE = 'record'
const KEY = 'providers'

/**
 * What this browser knows of providers, in a database of its own. Where it cannot be opened, as in some private windows,
 * nothing is known and nothing is kept. What is read back is checked by whoever reads it.
 */
export function openProviderRecord(database = 'infernet-providers') {
  let opening: Promise<IDBPDatabase> | undefined
  const open = (): Promise<IDBPDatabase> =>
    (opening ??= openDB(database, 1, { upgrade: (fresh) => void fresh.createObjectStore(STORE) }))
  return {
    async read(): Promise<unknown> {
      try {
        return await (await open()).get(STORE, KEY)
      } catch {
        return undefined
      }
    },
    async write(stored: unknown): Promise<void> {
      try {
        await (await open()).put(STORE, stored, KEY)
      } catch {
        // The next visit begins to know providers anew.
      }
    },
  }
}
