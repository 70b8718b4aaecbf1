import * as v from 'valibot'
import { modelHash } from '#shared/base/ids.ts'
import type { SettingsStore } from '../session/services.ts'
import { keyOf } from './licences.ts'
import type { Wanted } from './services.ts'

/** Under this name, and read by the page's frame: where it is not empty, downloads go on with the page's next start. */
const NAME = 'models.downloads'
const MAX_KEPT = 50

const line = v.pipe(v.string(), v.maxLength(200))
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const wantedSchema = v.variant('kind', [
  v.object({
    kind: v.literal('model'),
    model: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(modelHash)),
  }),
  v.object({
    kind: v.literal('hub'),
    repository: line,
    revision: v.optional(line),
    dtype: v.picklist(['fp32', 'q4', 'fp16', 'q4f16']),
  }),
])
const keptSchema = v.object({ wanted: wantedSchema, name: line, bytes, isPaused: v.boolean() })

/** A download that is not over, as it is written down. */
export interface KeptDownload {
  readonly wanted: Wanted
  readonly name: string
  readonly bytes: number
  readonly isPaused: boolean
}

/** What is still to be downloaded, in the order of asking. Another version of this page may have written it. */
export function readDownloads(store: SettingsStore): readonly KeptDownload[] {
  try {
    const parsed: unknown = JSON.parse(store.get(NAME) || '[]')
    if (!Array.isArray(parsed)) return []
    return parsed.slice(0, MAX_KEPT).flatMap((each: unknown) => {
      const read = v.safeParse(keptSchema, each)
      if (!read.success) return []
      const { wanted } = read.output
      return [
        { ...read.output, wanted: wanted.kind === 'hub' ? { ...wanted, revision: wanted.revision } : wanted },
      ]
    })
  } catch {
    return []
  }
}

/** Writes one down, or strikes it out. Others stay as they are: another tab may have written them meanwhile. */
export function writeDownload(store: SettingsStore, wanted: Wanted, kept: KeptDownload | undefined): void {
  const key = keyOf(wanted)
  const before = readDownloads(store)
  const at = before.findIndex((each) => keyOf(each.wanted) === key)
  const after = before.filter((_, i) => i !== at)
  if (kept) after.splice(at < 0 ? after.length : at, 0, kept)
  store.set(NAME, after.length === 0 ? '' : JSON.stringify(after))
}
