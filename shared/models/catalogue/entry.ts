import * as v from 'valibot'
import { modelHash } from '../../base/ids.ts'
import { integer, line, list } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { dtypeSchema } from '../manifest.ts'

/** Bytes of weights and of memory; above what any tab could hold. */
const MAX_BYTES = 2 ** 40
const MAX_ORIGINS = 4
const MAX_PRECISIONS = 4
const MAX_USES = 6
export const MAX_NAME_LENGTH = 60

/** On the page's own server, which may stand in a folder, or anywhere on the web. */
const place = v.pipe(
  v.string(),
  v.maxLength(300),
  v.regex(/^(?!.*\.\.)(?:https?:\/\/[^\s/?#]+)?\/[A-Za-z0-9_.~%/-]*$/),
)
const folder = v.pipe(place, v.endsWith('/'))
const link = v.pipe(v.string(), v.maxLength(300), v.regex(/^https:\/\/[^\s]+$/))
const text = (max: number) => v.pipe(line(max), v.minLength(1))

export const originSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('hub'),
    /** `owner/name`. */
    repository: v.pipe(v.string(), v.maxLength(140), v.regex(/^[\w.-]+\/[\w.-]+$/)),
    revision: v.exactOptional(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/))),
  }),
  v.strictObject({ kind: v.literal('folder'), url: folder }),
])

/** What the card of a model says of its licence; the visitor accepts it before the first download. */
const licenceSchema = v.strictObject({
  /** As the hub names it, e.g. `apache-2.0`. */
  id: text(40),
  link: v.exactOptional(link),
  /** Whether whoever has the files may give them to others. */
  mayPassOn: v.boolean(),
  /** Whether the hub asks for an account that has accepted it. */
  isGated: v.boolean(),
})

const precisionSchema = v.strictObject({
  dtype: dtypeSchema,
  /** All that is downloaded. */
  bytes: integer(1, MAX_BYTES),
  /** What it takes where it runs, with a text of usual length. */
  memoryBytes: integer(1, MAX_BYTES),
  /** True where both figures are only known roughly. @default false */
  isRough: v.exactOptional(v.boolean()),
  /** Where its manifest lies. Without one it is known by its origin alone, and has to be added before it can be used. */
  manifest: v.exactOptional(place),
  /** The hash of that manifest: another one found there is not this model. */
  hash: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(modelHash))),
})

/**
 * A model as a list proposes it. It binds nobody: a model's real name is the hash of its manifest, and whoever loads it
 * checks every byte against that. So, signed or not, what a later version says in `optional` may be skipped.
 */
export const entrySchema = v.pipe(
  message({
    /** A short id, e.g. `infernet-tiny`. */
    id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)),
    name: text(MAX_NAME_LENGTH),
    /** One honest line for people who do not know what a model is. */
    about: text(160),
    task: v.picklist(['text-generation', 'feature-extraction']),
    licence: licenceSchema,
    goodFor: list(text(40), MAX_USES),
    origins: list(originSchema, MAX_ORIGINS),
    precisions: list(precisionSchema, MAX_PRECISIONS),
    /** The precision to take when nobody chose: on a processor `fp32` is 3 to 5 times faster than `q4`. */
    dtype: dtypeSchema,
    /** Whether whoever made the list has run it with this software. */
    tried: v.boolean(),
  }),
  v.check(({ precisions, dtype }) => precisions.some((each) => each.dtype === dtype), 'dtype'),
  v.check(({ precisions }) => new Set(precisions.map((each) => each.dtype)).size === precisions.length),
)

export type CatalogueEntry = v.InferOutput<typeof entrySchema>
export type Precision = CatalogueEntry['precisions'][number]
export type OriginReference = CatalogueEntry['origins'][number]

/** Where a relay serves model files, beside the page. */
export const SERVED_MODELS = '/models/'

/** The precision that is taken when nobody chose. */
export function usualPrecision({ precisions, dtype }: CatalogueEntry): Precision | undefined {
  return precisions.find((each) => each.dtype === dtype)
}

/** The folder of a precision's files: an origin that is one, else where the manifest lies. Undefined without a manifest. */
export function filesOf({ origins }: CatalogueEntry, { manifest }: Precision): string | undefined {
  if (manifest === undefined) return undefined
  const beside = manifest.slice(0, manifest.lastIndexOf('/') + 1)
  const folders = origins.flatMap((origin) => (origin.kind === 'folder' ? [origin.url] : []))
  return folders.find((url) => url === beside) ?? folders[0] ?? beside
}
