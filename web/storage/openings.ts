import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import * as v from 'valibot'
import { epochMillis } from '#shared/base/units.ts'
import { jobId } from '#shared/base/ids.ts'
import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import { MAX_OUTPUT_TOKENS } from '#shared/prompt/constants.ts'
import { MAX_KEPT_JOBS } from '#shared/verify/openings/constants.ts'
import type { KeptJob, OpeningStore } from '#shared/verify/openings/opening-store.ts'
import { bytes, integer } from '#shared/wire/fields.ts'

interface Schema extends DBSchema {
  jobs: { key: string; value: KeptJob; indexes: { keptAt: number } }
}

/** What is read back is checked: an older version of this page may have written it. */
const keptSchema = v.object({
  link: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  jobId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/), v.transform(jobId)),
  key: bytes(32),
  from: integer(0, MAX_OUTPUT_TOKENS),
  secret: bytes(32),
  sketches: v.pipe(
    v.instance(Uint16Array),
    v.check(({ length }) => length > 0 && length <= MAX_OUTPUT_TOKENS * SKETCH_SIZE, 'length'),
    v.check(({ length }) => length % SKETCH_SIZE === 0, 'whole tokens'),
  ),
  sum: bytes(32),
  keptAt: v.pipe(integer(0, Number.MAX_SAFE_INTEGER), v.transform(epochMillis)),
})

/**
 * What a tab that lends committed to, in a database of this browser, so that it can open it after a reload. The keeper
 * removes what is too old or too much; the eldest beyond {@link MAX_KEPT_JOBS} are not read back. Each act throws where
 * the browser keeps nothing, as in some private windows.
 */
export function openOpenings(name = 'infernet-openings'): OpeningStore {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, {
      upgrade: (fresh) =>
        void fresh.createObjectStore('jobs', { keyPath: 'link' }).createIndex('keptAt', 'keptAt'),
    }))
  return {
    async load() {
      const jobs: KeptJob[] = []
      const newestFirst = (await open()).transaction('jobs').store.index('keptAt').iterate(null, 'prev')
      for await (const { value } of newestFirst) {
        const parsed = v.safeParse(keptSchema, value)
        if (parsed.success) jobs.push(parsed.output)
        if (jobs.length >= MAX_KEPT_JOBS) break
      }
      return jobs
    },
    put: async (job) => void (await (await open()).put('jobs', job)),
    async remove(links) {
      const change = (await open()).transaction('jobs', 'readwrite')
      await Promise.all(links.map((link) => change.store.delete(link)))
      await change.done
    },
  }
}
