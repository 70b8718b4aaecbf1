import { openDB, type IDBPDatabase } from 'idb'

const STORE = 'record'
const KEY = 'providers'

/** Where what is known of providers is kept, for all tabs of this browser. Nothing here throws. */
export interface RecordStore {
  /** What is kept; undefined where nothing is, or nothing can be read. */
  read(): Promise<unknown>
  /**
   * Puts what `change` makes of it in the place of what is kept, in one step: no other tab comes between.
   *
   * @param change is called at once and once; not at all where nothing can be kept
   * @returns whether it is kept
   */
  change(change: (stored: unknown) => unknown): Promise<boolean>
  /** Calls back after each change by another tab. Returns what ends it. */
  onChange(callback: () => void): () => void
}

/**
 * What this browser knows of providers, in a database of its own. Where it cannot be opened, as in some private windows,
 * nothing is known and nothing is kept. What is read back is checked by whoever reads it.
 */
export function openProviderRecord(database = 'infernet-providers'): RecordStore {
  let opening: Promise<IDBPDatabase> | undefined
  const open = (): Promise<IDBPDatabase> =>
    (opening ??= openDB(database, 1, { upgrade: (fresh) => void fresh.createObjectStore(STORE) }))
  // A browser without them learns what other tabs saw with its own next change.
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(database)
  return {
    async read() {
      try {
        return (await (await open()).get(STORE, KEY)) as unknown
      } catch {
        return undefined
      }
    },
    async change(change) {
      try {
        const act = (await open()).transaction(STORE, 'readwrite')
        await act.store.put(change(await act.store.get(KEY)), KEY)
        await act.done
        channel?.postMessage('changed')
        return true
      } catch {
        return false // The next visit knows less.
      }
    },
    onChange(callback) {
      channel?.addEventListener('message', callback)
      return () => channel?.removeEventListener('message', callback)
    },
  }
}
