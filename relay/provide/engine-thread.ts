import { parentPort } from 'node:worker_threads'
import { engineLoader } from '#shared/engine/load-engine.ts'
import type { RequestMessage } from '#shared/engine/worker-messages.ts'
import { createWorkerHost } from '#shared/engine/worker-host.ts'
import { nodeClock } from '../base/node-clock.ts'
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
    load: engineLoader({
      openRuntime: ({ backend }) => (backend === 'webgpu' ? loadDawnRuntime() : loadWasmRuntime()),
      openSource: createFileSource,
      clock: nodeClock,
      // The check phase of the event loop: messages that came during the step are handled before it.
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
    }),
  },
)
