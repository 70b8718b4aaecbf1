import { engineLoader } from '#shared/engine/load-engine.ts'
import { createWorkerHost } from '#shared/engine/worker-host.ts'
import type { EventMessage, RequestMessage, ResponseMessage } from '#shared/engine/worker-messages.ts'
import { openOpfsStore } from '../weights/opfs-store.ts'
import { openRuntime } from './device.ts'
import { createHttpSource } from './http-source.ts'
import { createMacrotask } from './macrotask.ts'
import { workerClock } from './worker-clock.ts'

/** The entry of the tab's engine worker: the worker's table over an engine that loads its own files. */

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  postMessage(message: ResponseMessage | EventMessage): void
  addEventListener(type: 'message', listener: (event: MessageEvent<RequestMessage>) => void): void
}

const TICK_MS = 1000

createWorkerHost(
  {
    postMessage: (message) => scope.postMessage(message),
    onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
  },
  {
    load: engineLoader({
      openRuntime: ({ backend, subgroups }) => openRuntime(backend, { subgroups }),
      openSource: createHttpSource,
      openStore: () => openOpfsStore(workerClock),
      clock: workerClock,
      breathe: createMacrotask(),
    }),
  },
)

setInterval(() => scope.postMessage({ kind: 'event', name: 'tick', body: performance.now() }), TICK_MS)
