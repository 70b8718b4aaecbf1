import { sha256 } from '@noble/hashes/sha2.js'
import { createEngine } from '#shared/engine/create-engine.ts'
import { createDutyPace } from '#shared/engine/pace.ts'
import { checkFits } from '#shared/engine/check-fits.ts'
import { createWorkerHost } from '#shared/engine/worker-host.ts'
import type { EventMessage, RequestMessage, ResponseMessage } from '#shared/engine/worker-messages.ts'
import type { Digest } from '#shared/models/byte-source.ts'
import { loadModel } from '#shared/models/load-model.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { openRuntime } from './device.ts'
import { createHttpSource } from './http-source.ts'
import { createMacrotask } from './macrotask.ts'
import { createOpfsCache } from './opfs-cache.ts'
import { workerClock } from './worker-clock.ts'

/** The entry of the tab's engine worker: the worker's table over an engine that loads its own files. */

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  postMessage(message: ResponseMessage | EventMessage): void
  addEventListener(type: 'message', listener: (event: MessageEvent<RequestMessage>) => void): void
}

const TICK_MS = 1000

/** WebCrypto is kept from pages over plain http; hashing in JavaScript is slow there, but it is right. */
const digest: Digest = async (bytes) =>
  'subtle' in crypto ? crypto.subtle.digest('SHA-256', bytes) : Uint8Array.from(sha256(bytes)).buffer

createWorkerHost(
  {
    postMessage: (message) => scope.postMessage(message),
    onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
  },
  {
    async load({ manifest, source, backend, subgroups, maxStreams, maxWaiting, known }, onProgress, share) {
      // The device first: a missing GPU is known before anything is downloaded.
      const runtime = await openRuntime(backend, { subgroups })
      await checkFits(manifest, runtime.gpu?.device)
      const cache = createOpfsCache(navigator.storage)
      const components = { source: createHttpSource(source), cache, digest }
      const files = await loadModel(components, manifest, { onProgress })
      const bytes = manifestBytes(manifest)
      const tell = (phase: 'starting' | 'testing') =>
        onProgress({ phase, loadedBytes: bytes, totalBytes: bytes })
      tell('starting')
      let isLoaded = false
      // The self-test measures what the device can do, whatever of it the visitor allows.
      const pace = createDutyPace(workerClock, () => (isLoaded ? share() : 1))
      const engine = await createEngine(
        { ...runtime, files, pace, now: () => performance.now(), breathe: createMacrotask() },
        { manifest, maxStreams, maxWaiting, known, onTesting: () => tell('testing') },
      )
      isLoaded = true
      return { engine, kept: files.kept }
    },
  },
)

setInterval(() => scope.postMessage({ kind: 'event', name: 'tick', body: performance.now() }), TICK_MS)
