import { parentPort } from 'node:worker_threads'
import { webcrypto } from 'node:crypto'
import { checkFits } from '#shared/engine/check-fits.ts'
import { createEngine } from '#shared/engine/create-engine.ts'
import type { RequestMessage } from '#shared/engine/worker-messages.ts'
import { createWorkerHost } from '#shared/engine/worker-host.ts'
import { loadModel } from '#shared/models/load-model.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { createFileSource } from './file-source.ts'
import { loadDawnRuntime } from './dawn-runtime.ts'
import { loadWasmRuntime } from './wasm-runtime.ts'

/** The entry of the engine's thread: the worker's table over an engine that reads its model from disk. */
if (!parentPort) throw new Error('engine-thread.ts runs in a worker thread')
const port = parentPort

createWorkerHost(
  {
    postMessage: (message) => port.postMessage(message),
    onMessage: (listener) => port.on('message', (message: RequestMessage) => listener(message)),
  },
  {
    async load({ manifest, source, backend, maxStreams, maxWaiting, known }, onProgress) {
      const runtime = backend === 'webgpu' ? await loadDawnRuntime() : await loadWasmRuntime()
      await checkFits(manifest, runtime.gpu?.device)
      const digest = (bytes: Uint8Array<ArrayBuffer>) => webcrypto.subtle.digest('SHA-256', bytes)
      const components = { source: createFileSource(source), cache: undefined, digest }
      const files = await loadModel(components, manifest, { onProgress })
      const bytes = manifestBytes(manifest)
      const tell = (phase: 'starting' | 'testing') =>
        onProgress({ phase, loadedBytes: bytes, totalBytes: bytes })
      tell('starting')
      const engine = await createEngine(
        {
          ...runtime,
          files,
          now: () => performance.now(),
          // The check phase of the event loop: messages that came during the step are handled before it.
          breathe: () => new Promise((resolve) => setImmediate(resolve)),
        },
        { manifest, maxStreams, maxWaiting, known, onTesting: () => tell('testing') },
      )
      return { engine, kept: true }
    },
  },
)
