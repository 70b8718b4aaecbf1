import { openDB, type DBSchema, type IDBPDatabase } from 'idb'

interface Kept {
  readonly name: string
}
interface Schema extends DBSchema {
  keys: { key: string; value: Kept }
}

/** Keys that are sealed before they come here, by name, in this browser's own database. */
export interface SealedKeys<T extends Kept> {
  list(): Promise<readonly T[]>
  get(name: string): Promise<T | undefined>
  put(key: T): Promise<void>
  putFirst(key: T, prefix: string): Promise<T>
  replace(key: T): Promise<void>
  remove(name: string): Promise<void>
}

/** Opened with the first question; throws where the browser keeps nothing, as in some private windows. */
export function openSealedKeys<T extends Kept>(database = 'infernet-keys'): SealedKeys<T> {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(database, 1, {
      upgrade: (fresh) => void fresh.createObjectStore('keys', { keyPath: 'name' }),
    }))
  // What comes out is what `put` took in: nobody else writes this store.
  return {
    list: async () => (await (await open()).getAll('keys')) as T[],
    get: async (name) => (await (await open()).get('keys', name)) as T | undefined,
    async put(key) {
      // Strict: money may lie on a key, so its promise is kept only when the disk has it.
      const change = (await open()).transaction('keys', 'readwrite', { durability: 'strict' })
      if (!(await change.store.get(key.name))) await change.store.put(key)
      await change.done
    },
    async putFirst(key, prefix) {
      const change = (await open()).transaction('keys', 'readwrite', { durability: 'strict' })
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const found = (await change.store.getAll(range, 1))[0] as T | undefined
      if (!found) await change.store.put(key)
      await change.done
      return found ?? key
    },
    async replace(key) {
      const change = (await open()).transaction('keys', 'readwrite', { durability: 'strict' })
      await change.store.put(key)
      await change.done
    },
    remove: async (name) => (await open()).delete('keys', name),
  }
}
