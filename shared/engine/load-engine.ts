import { sha256 } from '@noble/hashes/sha2.js'
import type { Clock } from '../base/clock.ts'
import type { ByteSource, Digest } from '../models/byte-source.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { loadModel } from '../models/load-model.ts'
import { manifestBytes } from '../models/manifest.ts'
import type { FileStore } from '../models/store/file-store.ts'
import { openStoredFiles } from '../models/store/stored-files.ts'
import { ENCODING } from '../models/task.ts'
import { checkFits } from './check-fits.ts'
import { createEngine, type EngineComponents } from './create-engine.ts'
import { createEncoderEngine } from './encoder/create-encoder-engine.ts'
import { createDutyPace } from './pace.ts'
import type { HostComponents } from './worker-host.ts'
import type { LoadRequest } from './worker-messages.ts'

/** What a worker of a tab and a thread of Node have of their own. */
export interface LoaderComponents extends Pick<EngineComponents, 'breathe'> {
  /** @throws InfernetError `engine.no-webgpu`, `engine.no-adapter` */
  openRuntime(request: LoadRequest): Promise<Pick<EngineComponents, 'ort' | 'gpu'>>
  /** Reads what `LoadRequest.source` and `otherSources` name. */
  openSource(source: string): ByteSource
  /** The files that are kept here; it gives undefined where nothing is. @default none: the source itself is kept */
  readonly openStore?: (() => Promise<FileStore | undefined>) | undefined
  readonly clock: Clock
}

/** WebCrypto is kept from pages over plain http; hashing in JavaScript is slow there, but it is right. */
const digest: Digest = async (bytes) =>
  'subtle' in crypto ? crypto.subtle.digest('SHA-256', bytes) : Uint8Array.from(sha256(bytes)).buffer

/**
 * How an engine comes up in a worker: the device, whether the model fits, its files, the self-test. The files come from
 * the store where all of them are there, and else from the source into memory.
 *
 * @throws InfernetError from what it gives: all that `openRuntime`, `checkFits`, the store, `loadModel` and
 *   `createEngine` throw
 *
 * @example
 * createWorkerHost(port, { load: engineLoader({ openRuntime, openSource, clock, breathe }) })
 */
export function engineLoader(own: LoaderComponents): HostComponents['load'] {
  const { clock, breathe } = own
  return async (request, onProgress, share) => {
    const { manifest } = request
    // The device first: a missing GPU is known before anything is downloaded.
    const runtime = await own.openRuntime(request)
    const cacheBytes = await checkFits(manifest, runtime.gpu?.device)
    const store = await own.openStore?.()
    // For as long as this worker lives: no other tab deletes what it starts from again.
    await store?.use(manifest.files)
    const stored = store && (await openStoredFiles(store, manifest, { onProgress }).catch(unlessNamed))
    const sources = (): ByteSource[] =>
      [request.source, ...(request.otherSources ?? [])].map((place) => own.openSource(place))
    const files = stored ?? (await loadModel({ sources: sources(), digest }, manifest, { onProgress }))
    const bytes = manifestBytes(manifest)
    const tell = (phase: 'starting' | 'testing'): void =>
      onProgress({ phase, loadedBytes: bytes, totalBytes: bytes })
    tell('starting')
    let isLoaded = false
    // The self-test measures what the device can do, whatever of it the visitor allows.
    const pace = createDutyPace(clock, () => (isLoaded ? share() : 1))
    const create = manifest.task === ENCODING ? createEncoderEngine : createEngine
    const engine = await create(
      { ...runtime, files, pace, now: () => clock.monotonic(), breathe },
      { ...request, cacheBytes, onTesting: () => tell('testing') },
    )
    isLoaded = true
    return { engine, kept: !own.openStore || stored !== undefined }
  }
}

/** A disk that fails in its own words is none: the model is loaded without it. */
function unlessNamed(thrown: unknown): undefined {
  if (thrown instanceof InfernetError && thrown.code !== 'internal') throw thrown
  return undefined
}
