import * as v from 'valibot'
import { jobId, modelHash, type PeerName } from '../../base/ids.ts'
import { epochMillisField, integer, line, list, peerNameField, real } from '../../wire/fields.ts'
import { MAX_DIFFERENCES } from './differences.ts'
import type { Entry } from './entry.ts'
import { DIFFERENCE_KINDS } from './heard.ts'
import { MAX_WORDS, type Word } from './words.ts'

/** Faded counts stay below a thousand good ones and some bad ones of twenty: more was not written by us. */
const count = real(0, 1e5)
const total = integer(0, Number.MAX_SAFE_INTEGER)
const slowness = v.optional(real(0, 100))
const countsSchema = v.object({ good: count, bad: count, at: epochMillisField })
const jobField = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/), v.transform(jobId))

const modelField = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(modelHash))

const wordsSchema = list(
  v.object({
    ...{ jobId: jobField, head: v.optional(line(128)), at: epochMillisField },
    differs: v.optional(v.picklist(DIFFERENCE_KINDS)),
  }),
  MAX_WORDS,
)

const entrySchema = v.object({
  provider: peerNameField,
  integrity: countsSchema,
  own: wordsSchema,
  told: list(v.object({ verifier: peerNameField, words: wordsSchema }), 16),
  availability: countsSchema,
  quotes: countsSchema,
  slowness: v.object({ 'text-generation': slowness, 'feature-extraction': slowness }),
  differences: list(
    v.object({
      jobId: jobField,
      what: v.picklist(DIFFERENCE_KINDS),
      at: epochMillisField,
      auditor: v.optional(v.object({ operator: line(100), class: line(100) })),
    }),
    MAX_DIFFERENCES,
  ),
  quarantine: v.optional(
    v.object({
      ...{ at: epochMillisField, what: v.picklist(DIFFERENCE_KINDS), isOwn: v.boolean() },
      model: v.optional(modelField),
    }),
  ),
  accusedAt: v.optional(epochMillisField),
  checkedAt: v.optional(epochMillisField),
  totals: v.object({ served: total, failed: total, agrees: total, differs: total, inconclusive: total }),
})

/** A record as plain data: what `structuredClone` and IndexedDB take. */
export interface StoredRecord {
  /** Those that were met last come last. */
  readonly providers: readonly unknown[]
}

const recordSchema = v.object({ providers: v.array(v.unknown()) })

export function storedOf(entries: ReadonlyMap<PeerName, Entry>): StoredRecord {
  const providers = [...entries].map(([provider, entry]) => {
    const { integrity, own, availability, quotes, slowness, differences, quarantine } = entry
    return {
      ...{ provider, integrity, own, availability, quotes, differences, quarantine },
      ...{ slowness: { ...slowness }, totals: { ...entry.totals } },
      ...{ accusedAt: entry.accusedAt, checkedAt: entry.checkedAt },
      told: [...entry.told].map(([verifier, words]) => ({ verifier, words })),
    }
  })
  return { providers }
}

/** Reads at most the last `max` entries; one that an older or a broken page wrote otherwise is left out. */
export function readStored(stored: unknown, max: number, fresh: () => Entry): Map<PeerName, Entry> {
  const record = v.safeParse(recordSchema, stored)
  if (!record.success) return new Map()
  const read = record.output.providers.slice(-max).flatMap((each) => {
    const parsed = v.safeParse(entrySchema, each)
    return parsed.success ? [parsed.output] : []
  })
  return new Map(
    read.map(({ provider, told, slowness: pace, quarantine, accusedAt, checkedAt, ...rest }) => {
      const { failures, failedAt, speed } = fresh()
      return [
        provider,
        {
          ...rest,
          ...{ failures, failedAt, speed, quarantine, accusedAt, checkedAt },
          differences: rest.differences.map((each) => ({ ...each, auditor: each.auditor })),
          slowness: Object.fromEntries(Object.entries(pace).filter(([, value]) => value !== undefined)),
          own: rest.own.map(wordOf),
          told: new Map(told.map(({ verifier, words }) => [verifier, words.map(wordOf)])),
        },
      ]
    }),
  )
}

function wordOf({ differs, head, ...rest }: v.InferOutput<typeof wordsSchema>[number]): Word {
  return { ...rest, head, differs }
}
