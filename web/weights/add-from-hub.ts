import { errorFromMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { AddOffer, AddProgress } from '#shared/models/origin/add-model.ts'
import type { HubAdded, HubOrder, HubReport, HubWanted } from './hub-messages.ts'

export interface AddFromHubOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: AddProgress) => void
  /** Makes room for what is about to be loaded. Nothing is loaded before it is done; what it throws ends it. */
  readonly onOffer: (offer: AddOffer) => Promise<void>
  /** Notes what is here now. Until it is done nobody deletes anything of it. */
  readonly onAdded: (added: HubAdded) => Promise<void>
}

/** One end of a worker that adds one model. */
export interface HubWorker {
  postMessage(order: HubOrder): void
  onMessage(listener: (report: HubReport) => void): void
  onError(listener: (message: string) => void): void
  terminate(): void
}

/**
 * Adds a model of a hub to the store of this origin, in a worker of its own. Ending it at any moment costs a piece or
 * two: the next attempt goes on with what is on the disk.
 *
 * @throws InfernetError what `addModel` throws, `models.store-lost` when the worker died; what `onOffer` and `onAdded`
 *   throw; or the signal's reason
 */
export async function addFromHub(
  wanted: HubWanted,
  { signal, onProgress, onOffer, onAdded }: AddFromHubOptions,
  startWorker: () => HubWorker = startHubWorker,
): Promise<HubAdded> {
  signal.throwIfAborted()
  const worker = startWorker()
  const ended = Promise.withResolvers<HubAdded>()
  const stop = (): void => ended.reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  worker.onError((message) =>
    ended.reject(new InfernetError('models.store-lost', undefined, { cause: new Error(message) })),
  )
  worker.onMessage((report) => {
    if (report.kind === 'progress') onProgress(report.progress)
    else if (report.kind === 'added') ended.resolve(report.added)
    else if (report.kind === 'failed') ended.reject(errorFromMessage(report.error))
    else onOffer(report.offer).then(() => worker.postMessage({ kind: 'go' }), ended.reject)
  })
  try {
    worker.postMessage({ kind: 'add', wanted })
    const added = await ended.promise
    await onAdded(added)
    return added
  } finally {
    signal.removeEventListener('abort', stop)
    worker.terminate()
  }
}

function startHubWorker(): HubWorker {
  const worker = new Worker(new URL('./hub-worker.ts', import.meta.url), { type: 'module', name: 'hub' })
  return {
    postMessage: (order) => worker.postMessage(order),
    onMessage: (listener) =>
      worker.addEventListener('message', ({ data }: MessageEvent<HubReport>) => listener(data)),
    onError: (listener) =>
      worker.addEventListener('error', (event) => {
        event.preventDefault()
        listener(event.message)
      }),
    terminate: () => worker.terminate(),
  }
}
