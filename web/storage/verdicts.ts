import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import * as v from 'valibot'
import { epochMillis } from '#shared/base/units.ts'
import type { VerdictStore } from '#shared/engine/subgroup-trial.ts'

/** One for each adapter, driver, browser and model; the oldest go when there are more. */
const MAX_VERDICTS = 50

const verdictSchema = v.object({
  on: v.boolean(),
  why: v.picklist(['faster', 'slower', 'wrong', 'failed']),
  gain: v.union([v.undefined(), v.pipe(v.number(), v.finite())]),
  operators: v.union([v.undefined(), v.pipe(v.string(), v.maxLength(64))]),
  at: v.pipe(v.number(), v.safeInteger(), v.transform(epochMillis)),
})

interface Schema extends DBSchema {
  /** Read with care: an older version of this page may have written it. */
  verdicts: { key: string; value: { readonly key: string; readonly at: number }; indexes: { at: number } }
}

/**
 * What trials of GPU features found, in this browser's own database. Where it cannot be opened or read, as in some
 * private windows, nothing is known and nothing is kept.
 */
export function openVerdicts(name = 'infernet-verdicts'): VerdictStore {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore('verdicts', { keyPath: 'key' }).createIndex('at', 'at')
      },
    }))
  return {
    async read(key) {
      try {
        const parsed = v.safeParse(verdictSchema, await (await open()).get('verdicts', key))
        return parsed.success ? parsed.output : undefined
      } catch {
        return undefined
      }
    },
    async write(key, verdict) {
      try {
        const change = (await open()).transaction('verdicts', 'readwrite')
        await change.store.put({ ...verdict, key })
        let surplus = (await change.store.count()) - MAX_VERDICTS
        for (let oldest = await change.store.index('at').openCursor(); oldest && surplus > 0; surplus--) {
          await oldest.delete()
          oldest = await oldest.continue()
        }
        await change.done
      } catch {
        // The next start makes the trial again.
      }
    },
  }
}
