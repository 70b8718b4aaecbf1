import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Clock } from '#shared/base/clock.ts'
import { MIB, MINUTE_MS } from '#shared/base/units.ts'
import {
  decodeTranscripts,
  encodeTranscripts,
  withoutPromptAndPayment,
  type Transcript,
} from '#shared/stream/transcript.ts'

/** A long answer takes some 10 KB, its prompt as much: room for a thousand. */
export const MAX_KEPT_BYTES = 16 * MIB
/** A month: who wants to keep one longer exports it. */
export const KEPT_MS = 30 * 24 * 60 * MINUTE_MS

interface Kept {
  readonly id: string
  readonly at: number
  readonly file: Uint8Array
}

interface Schema extends DBSchema {
  transcripts: { key: string; value: Kept; indexes: { at: number } }
}

/**
 * What proves the answers of this browser, kept beside them within {@link MAX_KEPT_BYTES} and {@link KEPT_MS}; the oldest
 * make room. Each act throws where the browser keeps nothing, as in some private windows.
 */
export function openTranscripts(clock: Clock, name = 'infernet-transcripts') {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, {
      upgrade: (fresh) =>
        void fresh.createObjectStore('transcripts', { keyPath: 'id' }).createIndex('at', 'at'),
    }))
  return {
    /** The jobs of one answer, in place of those kept before, or after them where they continued it. */
    async keep(
      id: string,
      jobs: readonly Transcript[],
      { isContinued }: { readonly isContinued: boolean },
    ): Promise<void> {
      if (jobs.length === 0) return
      const at = clock.now()
      const change = (await open()).transaction('transcripts', 'readwrite')
      const before = isContinued ? await change.store.get(id) : undefined
      const all = [...(before ? decodeTranscripts(before.file) : []), ...jobs]
      await change.store.put({ id, at, file: encodeTranscripts(all) })
      // From the newest on, so that what no longer fits is the oldest.
      let bytes = 0
      const newestFirst = change.store.index('at').iterate(null, 'prev')
      for await (const cursor of newestFirst) {
        bytes += cursor.value.file.length
        if (bytes > MAX_KEPT_BYTES || cursor.value.at < at - KEPT_MS) await cursor.delete()
      }
      await change.done
    },
    /** As they were kept, and when; undefined where nothing is. */
    async jobs(
      id: string,
    ): Promise<{ readonly at: number; readonly jobs: readonly Transcript[] } | undefined> {
      const kept = await (await open()).get('transcripts', id)
      if (!kept || kept.at < clock.now() - KEPT_MS) return undefined
      return { at: kept.at, jobs: decodeTranscripts(kept.file) }
    },
    /** As one file; undefined where nothing is kept. */
    async read(
      id: string,
      { withPrompt }: { readonly withPrompt: boolean },
    ): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const kept = await (await open()).get('transcripts', id)
      if (!kept || kept.at < clock.now() - KEPT_MS) return undefined
      if (withPrompt) return new Uint8Array(kept.file)
      return encodeTranscripts(decodeTranscripts(kept.file).map(withoutPromptAndPayment))
    },
    async remove(ids: readonly string[]): Promise<void> {
      const change = (await open()).transaction('transcripts', 'readwrite')
      await Promise.all(ids.map((id) => change.store.delete(id)))
      await change.done
    },
    clear: async (): Promise<void> => (await open()).clear('transcripts'),
  }
}
