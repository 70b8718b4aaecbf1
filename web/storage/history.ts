import { openDB, type DBSchema } from 'idb'

/** The newest conversations are enough for a tab; older ones go, so that the store cannot grow without end. */
const MAX_CONVERSATIONS = 200

interface Kept {
  readonly id: string
  readonly updatedAt: number
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Kept; indexes: { updatedAt: number } }
}

/** Conversations in this browser's own database. Nothing of them leaves it. */
export interface HistoryStore<T extends Kept> {
  /** The newest first. */
  list(): Promise<T[]>
  put(conversation: T): Promise<void>
  remove(id: string): Promise<void>
  clear(): Promise<void>
}

/** Opens the store; throws where the browser keeps nothing, as in some private windows. */
export async function openHistory<T extends Kept>(name = 'infernet-history'): Promise<HistoryStore<T>> {
  const db = await openDB<Schema>(name, 1, {
    upgrade(fresh) {
      fresh.createObjectStore('conversations', { keyPath: 'id' }).createIndex('updatedAt', 'updatedAt')
    },
  })
  return {
    async list() {
      const kept = await db.getAllFromIndex('conversations', 'updatedAt')
      // What comes out is what `put` took in: nobody else writes this store.
      return kept.reverse() as T[]
    },
    async put(conversation) {
      const change = db.transaction('conversations', 'readwrite')
      await change.store.put(conversation)
      let surplus = (await change.store.count()) - MAX_CONVERSATIONS
      for (let at = await change.store.index('updatedAt').openCursor(); at && surplus > 0; surplus--) {
        await at.delete()
        at = await at.continue()
      }
      await change.done
    },
    remove: (id) => db.delete('conversations', id),
    clear: () => db.clear('conversations'),
  }
}
