import type { Clock } from '#shared/base/clock.ts'
import type { Random } from '#shared/base/random.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import { hashManifest, manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import { used } from '#shared/models/store/eviction.ts'
import type { FetchOrigin } from '#shared/models/pieces/origin-reader.ts'
import { fetchOnce, heldBytes } from '#shared/models/store/one-fetch.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import { createCrossOriginSource } from './cross-origin-source.ts'
import { downloadModel, type DownloadComponents, type DownloadOptions } from './download-model.ts'
import { openKeptModels, type KeptModels, type KeptRecord } from './kept-models.ts'
import { makeRoom, type Evicted, type RoomComponents } from './make-room.ts'
import { openWeights } from './open-weights.ts'
import { createWebLocks } from './web-locks.ts'

const RANDOM: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

export interface BringComponents extends Pick<DownloadComponents, 'clock' | 'swarm'> {
  /** Where the files lie, for whoever has none of them; the best first. */
  readonly origins: readonly ByteSource[]
  /** What models may take here by the visitor's wish, in bytes. @default as much as the browser gives */
  readonly limitBytes?: number | undefined
  /** What models earn here: read where something has to go for this one. */
  readonly earnings?: RoomComponents['earnings']
  /** Called when something is missing and there is room for it: what else will be needed can come beside it. */
  readonly onMissing?: (() => void) | undefined
}

/** A model that is here, and stays as long as somebody uses it. */
export interface BroughtModel {
  /** What was deleted for it. */
  readonly evicted: readonly Evicted[]
  /** To be called once an engine runs on it, which holds it by itself, or when nobody wants it any more. */
  release(): void
}

/**
 * Brings what is missing of a model into this browser, one tab at a time, and goes on where an earlier visit stopped.
 *
 * Undefined where this browser keeps nothing: then the engine loads it into memory.
 *
 * @throws InfernetError `models.no-space`, what `downloadModel` throws, or the signal's reason
 */
export async function bringModel(
  { clock, origins, swarm, limitBytes, earnings, onMissing }: BringComponents,
  manifest: Manifest,
  options: DownloadOptions = {},
): Promise<BroughtModel | undefined> {
  const store = await openWeights()
  if (!store) return undefined
  const { signal } = options
  const locks = createWebLocks()
  const kept = openKeptModels()
  const release = await useFiles(locks, manifest.files, { signal })
  try {
    const evicted: Evicted[] = []
    const began = { at: clock.monotonic(), bytes: await heldBytes(store, manifest) }
    if (began.bytes < manifestBytes(manifest)) {
      const { storage } = navigator
      const room = { store, kept, locks, clock, storage, limitBytes, earnings }
      evicted.push(...(await makeRoom(room, manifest)))
      onMissing?.()
      await noteBeginning({ kept, clock }, manifest)
      const components = { clock, random: RANDOM, store, origins: originsOf(manifest, origins), swarm }
      const fetch = () => downloadModel(components, manifest, options)
      await fetchOnce({ store, locks, clock }, manifest, fetch, options)
    }
    await noteUse({ kept, clock }, manifest, began)
    return { evicted, release }
  } catch (thrown) {
    release()
    // A disk that fails in its own words is none: the model is loaded without it.
    const { code } = InfernetError.from(thrown)
    if (!signal?.aborted && (code === 'internal' || code === 'models.store-lost')) return undefined
    throw thrown
  }
}

/** What lies on this machine already is asked first. */
function originsOf(manifest: Manifest, origins: readonly ByteSource[]): readonly FetchOrigin[] {
  const elsewhere = createCrossOriginSource(manifest)
  const own = origins.map((source) => ({ name: 'the origin', source }))
  return elsewhere ? [{ name: 'other sites', source: elsewhere }, ...own] : own
}

interface NoteComponents {
  readonly kept: KeptModels
  readonly clock: Clock
}

/** A download that is paused or broken off is a model's, and not the first to go. */
async function noteBeginning({ kept, clock }: NoteComponents, manifest: Manifest): Promise<void> {
  const model = hashManifest(manifest)
  if ((await kept.list()).some((record) => record.model === model)) return
  const use = { hits: 0, at: clock.now(), floor: await kept.floor() }
  const unknown = { refetchSeconds: 0, revenue: 0, isPinned: false }
  await kept.put({ model, name: manifest.name, ...use, ...unknown, files: filesOf(manifest) })
}

async function noteUse(
  { kept, clock }: NoteComponents,
  manifest: Manifest,
  began: { readonly at: number; readonly bytes: number },
): Promise<void> {
  const model = hashManifest(manifest)
  const before = (await kept.list()).find((record) => record.model === model)
  const fetchedBytes = manifestBytes(manifest) - began.bytes
  const seconds = (clock.monotonic() - began.at) / 1000
  await kept.put({
    ...used(before, clock.now(), await kept.floor()),
    model,
    name: manifest.name,
    // As long as all of it would have taken.
    refetchSeconds:
      fetchedBytes > 0 ? (seconds * manifestBytes(manifest)) / fetchedBytes : (before?.refetchSeconds ?? 0),
    revenue: before?.revenue ?? 0,
    isPinned: before?.isPinned ?? false,
    isWhole: true,
    files: filesOf(manifest),
  })
}

function filesOf({ files }: Manifest): KeptRecord['files'] {
  return files.map(({ sha256, size }) => ({ sha256, size }))
}
