import type { Clock } from '#shared/base/clock.ts'
import { errorToMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Digest } from '#shared/models/byte-source.ts'
import { addModel, type AddProgress } from '#shared/models/origin/add-model.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import type { HttpComponents } from '#shared/models/origin/ask-origin.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import type { StoreDevice } from '#shared/models/store/store-device.ts'
import type { StoreLocks } from '#shared/models/store/store-locks.ts'
import { StoreScratch } from '#shared/models/store/store-scratch.ts'
import type { HubOrder, HubReport, HubWanted } from './hub-messages.ts'

/** More often nobody can read it, and each is a message. */
const TELL_EVERY_MS = 100

export interface HubHostComponents extends HttpComponents {
  readonly clock: Clock
  readonly locks: StoreLocks
  readonly digest: Digest
  /** Undefined where this browser keeps nothing. */
  readonly openDevice: () => Promise<StoreDevice | undefined>
}

export interface HubHostPort {
  postMessage(report: HubReport): void
  onMessage(listener: (order: HubOrder) => void): void
}

/**
 * The worker's side of {@link HubOrder}: adds one model of a hub to the store of this origin, and then waits to be ended,
 * so that what it holds is held until the page has noted it.
 */
export function createHubHost(port: HubHostPort, components: HubHostComponents): void {
  const { clock } = components
  const going = Promise.withResolvers<boolean>()
  let toldAt = -Infinity
  const tell = (progress: AddProgress): void => {
    const isEnd = progress.loadedBytes === progress.totalBytes
    if (!isEnd && clock.monotonic() - toldAt < TELL_EVERY_MS) return
    toldAt = clock.monotonic()
    port.postMessage({ kind: 'progress', progress })
  }
  async function add({ hubUrl, dtype, ...wanted }: HubWanted): Promise<void> {
    try {
      const scratch = await openScratch(components)
      const { manifest, hash, origin } = await addModel(
        { ...components, scratch, origin: createHubOrigin(components, hubUrl) },
        { ...wanted, dtype },
        {
          onProgress: tell,
          accept(offer) {
            port.postMessage({ kind: 'offer', offer })
            return going.promise
          },
        },
      )
      await scratch.tidy()
      port.postMessage({ kind: 'added', added: { manifest, hash, origin } })
    } catch (thrown) {
      port.postMessage({ kind: 'failed', error: errorToMessage(thrown) })
    }
  }
  port.onMessage((order) => {
    if (order.kind === 'add') void add(order.wanted)
    else going.resolve(true)
  })
}

async function openScratch({ openDevice, locks, digest, clock }: HubHostComponents): Promise<StoreScratch> {
  const device = await openDevice()
  if (!device) throw new InfernetError('models.store-lost')
  return new StoreScratch({ device, locks, store: new FileStore({ device, locks, digest, clock }) })
}
