import { platformClock } from '#shared/base/platform-clock.ts'
import { createHubHost } from './hub-host.ts'
import type { HubOrder, HubReport } from './hub-messages.ts'
import { openOpfsDevice } from './opfs-device.ts'
import { createWebLocks } from './web-locks.ts'

/** The entry of a worker that adds one model of a hub: gigabytes are hashed there, and the page stays smooth. */

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  postMessage(message: HubReport): void
  addEventListener(type: 'message', listener: (event: MessageEvent<HubOrder>) => void): void
}

const clock = platformClock(globalThis)
createHubHost(
  {
    postMessage: (report) => scope.postMessage(report),
    onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
  },
  {
    clock,
    fetch: (...request) => fetch(...request),
    hidesRedirects: true,
    locks: createWebLocks(),
    digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
    openDevice: () => openOpfsDevice(navigator.storage, clock),
  },
)
