import { Worker } from 'node:worker_threads'
import type { Backend } from '#shared/engine/engine.ts'
import type { EngineMeasure } from '#shared/engine/engine-measure.ts'
import { createWorkerClient, type WorkerEngine } from '#shared/engine/worker-client.ts'
import type { EventMessage, ResponseMessage } from '#shared/engine/worker-messages.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { Manifest } from '#shared/models/manifest.ts'

export interface NodeEngineInit {
  readonly manifest: Manifest
  /** The folder that holds the manifest's files, e.g. `web/dist/models/infernet-tiny`. */
  readonly modelFolder: string
  /** `webgpu` needs the optional npm package `webgpu`. @default 'wasm' */
  readonly backend?: Backend | undefined
  /** Requests that run at once, at most. @default as many as are measured to be worth while */
  readonly maxStreams?: number | undefined
  /** Requests that may wait beyond those. @default 8 */
  readonly maxWaiting?: number | undefined
  /** What an earlier start here found out. @default nothing */
  readonly known?: EngineMeasure | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
}

/**
 * An engine in a thread of its own, so that the relay's event loop never waits for a model.
 *
 * When the signal is aborted later, the thread ends at once, whatever it is doing.
 *
 * @throws InfernetError as `createEngine` and `loadModel`, or the signal's reason
 *
 * @example
 * const engine = await createNodeEngine({ manifest, modelFolder: 'web/public/models/infernet-tiny' })
 */
export async function createNodeEngine(
  { manifest, modelFolder, backend = 'wasm', maxStreams, maxWaiting, known, onProgress }: NodeEngineInit,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<WorkerEngine> {
  const worker = new Worker(new URL('./engine-thread.ts', import.meta.url))
  const client = createWorkerClient(
    {
      postMessage: (message) => worker.postMessage(message),
      onMessage: (listener) =>
        worker.on('message', (message: ResponseMessage | EventMessage) => listener(message)),
    },
    { onProgress, terminate: () => void worker.terminate() },
  )
  worker.on('error', (cause) =>
    client.fail(new InfernetError('engine.crashed', { reason: 'an error in its thread' }, { cause })),
  )
  worker.on('exit', (status) => client.fail(new InfernetError('engine.crashed', { status })))
  const engine = await client.load(
    { manifest, source: modelFolder, backend, maxStreams, maxWaiting, known },
    { signal },
  )
  signal?.addEventListener('abort', () => client.fail(InfernetError.from(signal.reason)), { once: true })
  return engine
}
