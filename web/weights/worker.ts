import { platformClock } from '#shared/base/platform-clock.ts'
import { openOpfsStore } from './opfs-store.ts'
import { createWeightsHost } from './weights-host.ts'
import type { WeightsRequest, WeightsResponse } from './weights-messages.ts'

/** The entry of the tab's worker with the model files. */

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  postMessage(message: WeightsResponse, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent<WeightsRequest>) => void): void
}

createWeightsHost(
  {
    postMessage: (message, transfer) => scope.postMessage(message, transfer),
    onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
  },
  () => openOpfsStore(platformClock(globalThis)),
)
