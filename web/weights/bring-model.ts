import type { Clock } from '#shared/base/clock.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import type { LoadOptions } from '#shared/models/load-progress.ts'
import { hashManifest, manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import { used } from '#shared/models/store/eviction.ts'
import { fetchFromOrigin } from '#shared/models/store/fetch-from-origin.ts'
import { fetchOnce, heldBytes } from '#shared/models/store/one-fetch.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import { createCrossOriginSource } from './cross-origin-source.ts'
import { openKeptModels, type KeptModels } from './kept-models.ts'
import { makeRoom, type RoomComponents } from './make-room.ts'
import { openWeights } from './open-weights.ts'
import { createWebLocks } from './web-locks.ts'

export interface BringComponents {
  readonly clock: Clock
  /** Where the files lie, for whoever has none of them. */
  readonly origin: ByteSource
  /** What models earn here: read where something has to go for this one. */
  readonly earnings?: RoomComponents['earnings']
}

/** A model that is here, and stays as long as somebody uses it. */
export interface BroughtModel {
  /** The names of models that were deleted for it. */
  readonly evicted: readonly string[]
  /** To be called once an engine runs on it, which holds it by itself, or when nobody wants it any more. */
  release(): void
}

/**
 * Brings what is missing of a model into this browser, one tab at a time, and goes on where an earlier visit stopped.
 *
 * Undefined where this browser keeps nothing: then the engine loads it into memory.
 *
 * @throws InfernetError `models.no-space`, what `fetchFromOrigin` throws, or the signal's reason
 */
export async function bringModel(
  { clock, origin, earnings }: BringComponents,
  manifest: Manifest,
  { signal, onProgress }: LoadOptions = {},
): Promise<BroughtModel | undefined> {
  const store = await openWeights()
  if (!store) return undefined
  const locks = createWebLocks()
  const kept = openKeptModels()
  const release = await useFiles(locks, manifest.files, { signal })
  try {
    const elsewhere = createCrossOriginSource(manifest)
    const sources = elsewhere ? [elsewhere, origin] : [origin]
    const evicted: string[] = []
    const began = { at: clock.monotonic(), bytes: await heldBytes(store, manifest) }
    if (began.bytes < manifestBytes(manifest)) {
      const { storage } = navigator
      evicted.push(...(await makeRoom({ store, kept, locks, clock, storage, earnings }, manifest)))
      const fetch = () => fetchFromOrigin({ store, sources }, manifest, { signal, onProgress })
      await fetchOnce({ store, locks, clock }, manifest, fetch, { signal, onProgress })
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

async function noteUse(
  { kept, clock }: { readonly kept: KeptModels; readonly clock: Clock },
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
    files: manifest.files.map(({ sha256, size }) => ({ sha256, size })),
  })
}
