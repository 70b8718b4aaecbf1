import { InfernetError } from '#shared/errors/infernet-error.ts'
import { WeightsClient } from './weights-client.ts'
import type { WeightsResponse } from './weights-messages.ts'

let opening: Promise<WeightsClient | undefined> | undefined

/**
 * The model files that this browser keeps, for this page; undefined where it keeps nothing. The worker starts at the
 * first call, and again at the next one after it died.
 */
export function openWeights(): Promise<WeightsClient | undefined> {
  opening ??= start(() => (opening = undefined))
  return opening
}

async function start(onDeath: () => void): Promise<WeightsClient | undefined> {
  if (typeof Worker === 'undefined') return undefined
  // A window that keeps nothing mostly says so at once, and no worker is started for it.
  const isKeeping = await (async () => navigator.storage.getDirectory())().then(
    () => true,
    () => false,
  )
  if (!isKeeping) return undefined
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'weights' })
  const client = new WeightsClient({
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) =>
      worker.addEventListener('message', ({ data }: MessageEvent<WeightsResponse>) => listener(data)),
  })
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    worker.terminate()
    onDeath()
    client.fail(new InfernetError('models.store-lost', undefined, { cause: new Error(event.message) }))
  })
  // Where even that fails nothing is kept, and a model is loaded without.
  if (await client.isOpen().catch(() => false)) return client
  worker.terminate()
  return undefined
}
