import type { Backend } from '#shared/engine/engine.ts'
import type { SelfTest } from '#shared/engine/self-test.ts'
import { createWorkerClient, type WorkerEngine } from '#shared/engine/worker-client.ts'
import type { EventMessage, LoadRequest, ResponseMessage } from '#shared/engine/worker-messages.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-model.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { inspectGpu } from './inspect-gpu.ts'

export interface WebEngineInit {
  readonly manifest: Manifest
  /** Where the manifest's files lie, relative to the page or absolute; ends in a slash. */
  readonly baseUrl: string
  /** `auto` takes the GPU when it is a real one and passes the self-test, and the processor otherwise. */
  readonly backend: Backend | 'auto'
  /** Requests that run at once, at most. @default as many as are measured to be worth while */
  readonly maxStreams?: number | undefined
  /** Requests that may wait beyond those. @default 8 */
  readonly maxWaiting?: number | undefined
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Once a second from the worker, also while the tab is hidden. */
  readonly onTick?: ((monotonicMs: number) => void) | undefined
}

export interface WebEngine {
  readonly engine: WorkerEngine
  readonly selfTest: SelfTest
  /** What the engine runs on, for people: the GPU's name, or `cpu`. */
  readonly adapter: string
  /** Why the GPU was not taken although `auto` would have liked to. */
  readonly fellBackFrom: InfernetError | undefined
}

/** Failures that are the GPU's and not the model's: the same model may well run on the processor. */
const GPU_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'mesh.insecure-page',
  'engine.no-webgpu',
  'engine.no-adapter',
  'engine.software-adapter',
  'engine.limits',
  'engine.self-test-failed',
  'engine.device-lost',
  'engine.crashed',
  'engine.shader-failed',
  'engine.out-of-memory',
  'engine.bad-logits',
  'engine.load-failed',
])

/**
 * Loads a model into a worker of this tab.
 *
 * Each attempt has a worker of its own: the first GPU device wins for a whole realm, and a lost one leaves it useless.
 * When the signal is aborted later, the worker ends at once, whatever it is doing.
 *
 * @throws InfernetError everything that loading and starting throw, or the signal's reason
 *
 * @example
 * const { engine, adapter } = await createWebEngine({ manifest, baseUrl: '/models/infernet-tiny/', backend: 'auto' })
 */
export async function createWebEngine(
  init: WebEngineInit,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<WebEngine> {
  if (init.backend !== 'auto') return present(await start(init, init.backend, signal))
  const { problem } = await inspectGpu(init.manifest)
  if (problem) return present(await start(init, 'wasm', signal), problem)
  try {
    return present(await start(init, 'webgpu', signal))
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof InfernetError) || !GPU_FAILURES.has(error.code)) throw error
    return present(await start(init, 'wasm', signal), error)
  }
}

function present(engine: WorkerEngine, fellBackFrom?: InfernetError): WebEngine {
  return { engine, selfTest: engine.selfTest, adapter: engine.info.adapter, fellBackFrom }
}

async function start(
  { manifest, baseUrl, maxStreams, maxWaiting, share, onProgress, onTick }: WebEngineInit,
  backend: Backend,
  signal: AbortSignal | undefined,
): Promise<WorkerEngine> {
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engine' })
  const client = createWorkerClient(
    {
      postMessage: (message) => worker.postMessage(message),
      onMessage: (listener) =>
        worker.addEventListener('message', ({ data }: MessageEvent<ResponseMessage | EventMessage>) =>
          listener(data),
        ),
    },
    { onProgress, onTick, terminate: () => worker.terminate() },
  )
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    client.fail(
      new InfernetError('engine.crashed', { reason: 'an error in its worker' }, { cause: event.error }),
    )
  })
  // The worker's own address is not the page's, so what is relative is meant from here.
  const source = new URL(baseUrl, document.baseURI).href
  const request: LoadRequest = { manifest, source, backend, maxStreams, maxWaiting, share }
  const engine = await client.load(request, { signal })
  signal?.addEventListener('abort', () => client.fail(InfernetError.from(signal.reason)), { once: true })
  return engine
}
