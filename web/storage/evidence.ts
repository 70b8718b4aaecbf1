import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Clock } from '#shared/base/clock.ts'
import { MIB, MINUTE_MS } from '#shared/base/units.ts'

/** A file takes about a hundred bytes a token, and its transcript: room for some hundred checks. */
const MAX_KEPT_BYTES = 16 * MIB
/** As long as the transcripts: who wants to keep one longer exports it. */
const KEPT_MS = 30 * 24 * 60 * MINUTE_MS

interface Kept {
  readonly id: string
  readonly turn: string
  readonly at: number
  readonly file: Uint8Array
}

interface Schema extends DBSchema {
  evidence: { key: string; value: Kept; indexes: { at: number; turn: string } }
}

/**
 * What checks found, as files that anybody can check again, within {@link MAX_KEPT_BYTES} and {@link KEPT_MS}; the oldest
 * make room. Each act throws where the browser keeps nothing, as in some private windows.
 */
export function openEvidence(clock: Pick<Clock, 'now'>, name = 'infernet-evidence') {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, {
      upgrade(fresh) {
        const store = fresh.createObjectStore('evidence', { keyPath: 'id' })
        store.createIndex('at', 'at')
        store.createIndex('turn', 'turn')
      },
    }))
  return {
    /** In place of what was kept of an earlier check of the job. */
    async keep(turn: string, job: string, file: Uint8Array): Promise<void> {
      const at = clock.now()
      const change = (await open()).transaction('evidence', 'readwrite')
      await change.store.put({ id: `${turn}/${job}`, turn, at, file })
      // From the newest on, so that what no longer fits is the oldest.
      let bytes = 0
      for await (const cursor of change.store.index('at').iterate(null, 'prev')) {
        bytes += cursor.value.file.length
        if (bytes > MAX_KEPT_BYTES || cursor.value.at < at - KEPT_MS) await cursor.delete()
      }
      await change.done
    },
    async read(turn: string, job: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const kept = await (await open()).get('evidence', `${turn}/${job}`)
      return kept && new Uint8Array(kept.file)
    },
    async remove(turns: readonly string[]): Promise<void> {
      const change = (await open()).transaction('evidence', 'readwrite')
      for (const turn of turns)
        for await (const cursor of change.store.index('turn').iterate(turn)) await cursor.delete()
      await change.done
    },
    clear: async (): Promise<void> => (await open()).clear('evidence'),
  }
}
