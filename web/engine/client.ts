import type { Clock } from '#shared/base/clock.ts'
import { epochMillis } from '#shared/base/units.ts'
import type { Backend } from '#shared/engine/engine.ts'
import {
  isMeasureTrusted,
  measureKey,
  type EngineMeasure,
  type MeasureStore,
} from '#shared/engine/engine-measure.ts'
import { ORT_VERSION } from '#shared/engine/ort-runtime.ts'
import type { SelfTest } from '#shared/engine/self-test.ts'
import {
  startByTrial,
  trialKey,
  type SubgroupResult,
  type ResultStore,
} from '#shared/engine/subgroup-trial.ts'
import { createWorkerClient, type WorkerEngine } from '#shared/engine/worker-client.ts'
import type { EventMessage, LoadRequest, ResponseMessage } from '#shared/engine/worker-messages.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { inspectGpu, type GpuInspection } from './inspect-gpu.ts'

export interface WebEngineInit {
  readonly manifest: Manifest
  /** Where the manifest's files lie, relative to the page or absolute; ends in a slash. */
  readonly baseUrl: string
  /** Where else they lie, the best first. @default nowhere */
  readonly otherUrls?: readonly string[] | undefined
  /** `auto` takes the GPU when it is a real one and passes the self-test, and the processor otherwise. */
  readonly backend: Backend | 'auto'
  /** Requests that run at once, at most. @default as many as are measured to be worth while */
  readonly maxStreams?: number | undefined
  /** Requests that may wait beyond those. @default 8 */
  readonly maxWaiting?: number | undefined
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number | undefined
  /** Tries the `subgroups` feature and keeps what it found. @default it is left alone */
  readonly trial?: TrialInit | undefined
  /** Keeps what a start found out, and tells the next one. @default everything is found out anew */
  readonly measures?: MeasuresInit | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Once a second from the worker, also while the tab is hidden. */
  readonly onTick?: ((monotonicMs: number) => void) | undefined
}

export interface TrialInit {
  readonly clock: Clock
  readonly store: ResultStore
  /** Also on software rendering, where nobody gains from it. @default false */
  readonly onSoftware?: boolean | undefined
}

export interface MeasuresInit {
  readonly clock: Clock
  readonly store: MeasureStore
}

export interface WebEngine {
  readonly engine: WorkerEngine
  readonly selfTest: SelfTest
  /** What the engine runs on, for people: the GPU's name, or `cpu`. */
  readonly adapter: string
  /** Why the GPU was not taken although `auto` would have liked to. */
  readonly fellBackFrom: InfernetError | undefined
  /** What is known of the `subgroups` feature here; undefined where the GPU has none of it, or none is used. */
  readonly subgroups: SubgroupResult | undefined
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
  if (init.backend === 'wasm') return present(await startOnProcessor(init, signal))
  const inspection = await inspectGpu(init.manifest)
  if (init.backend === 'webgpu') return startOnGpu(init, inspection, signal)
  if (inspection.problem) return present(await startOnProcessor(init, signal), inspection.problem)
  try {
    return await startOnGpu(init, inspection, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof InfernetError) || !GPU_FAILURES.has(error.code)) throw error
    return present(await startOnProcessor(init, signal), error)
  }
}

async function startOnGpu(
  init: WebEngineInit,
  { info, subgroups, software }: GpuInspection,
  signal: AbortSignal | undefined,
): Promise<WebEngine> {
  const { trial, manifest, share = 1 } = init
  // What is measured is the device, whatever share of it the visitor allows.
  const begin = (withSubgroups: boolean, allowed: number): Promise<WorkerEngine> =>
    withMeasure(init, { backend: 'webgpu', subgroups: withSubgroups, adapter: info }, (known) =>
      start({ ...init, share: allowed }, { backend: 'webgpu', subgroups: withSubgroups, known }, signal),
    )
  if (!trial || !info || !subgroups || (software && !trial.onSoftware))
    return present(await begin(false, share))
  const { engine, result } = await startByTrial(
    {
      ...trial,
      key: trialKey({
        adapter: info,
        browser: navigator.userAgent,
        runtime: ORT_VERSION,
        model: hashManifest(manifest),
      }),
      start: (withSubgroups) => begin(withSubgroups, 1),
    },
    { signal },
  )
  engine.setShare(share)
  return { ...present(engine), subgroups: result }
}

function startOnProcessor(init: WebEngineInit, signal: AbortSignal | undefined): Promise<WorkerEngine> {
  return withMeasure(init, { backend: 'wasm', subgroups: false, adapter: undefined }, (known) =>
    start(init, { backend: 'wasm', subgroups: false, known }, signal),
  )
}

/** Starts with what is known of this device, and keeps what is not. */
async function withMeasure(
  { manifest, measures }: WebEngineInit,
  on: Pick<Parameters<typeof measureKey>[0], 'backend' | 'subgroups' | 'adapter'>,
  start: (known: EngineMeasure | undefined) => Promise<WorkerEngine>,
): Promise<WorkerEngine> {
  if (!measures) return start(undefined)
  const { clock, store } = measures
  const key = measureKey({
    ...on,
    processors: navigator.hardwareConcurrency,
    isIsolated: crossOriginIsolated,
    browser: navigator.userAgent,
    model: hashManifest(manifest),
  })
  const kept = await store.read(key)
  const known = kept && isMeasureTrusted(kept, clock) ? kept : undefined
  const engine = await start(known)
  const { measure } = engine
  const isNew = measure && (measure.rows !== known?.rows || measure.gain !== known.gain)
  if (isNew) await store.write(key, { ...measure, at: epochMillis(clock.now()) })
  return engine
}

function present(engine: WorkerEngine, fellBackFrom?: InfernetError): WebEngine {
  const { selfTest, info } = engine
  return { engine, selfTest, adapter: info.adapter, fellBackFrom, subgroups: undefined }
}

async function start(
  { manifest, baseUrl, otherUrls = [], maxStreams, maxWaiting, share, onProgress, onTick }: WebEngineInit,
  { backend, subgroups, known }: Pick<LoadRequest, 'backend' | 'subgroups' | 'known'>,
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
      // The error itself stays in the worker; its words and place come over.
      new InfernetError(
        'engine.crashed',
        { reason: 'an error in its worker' },
        { cause: new Error(`${event.message} (${event.filename}:${event.lineno}:${event.colno})`) },
      ),
    )
  })
  // The worker's own address is not the page's, so what is relative is meant from here.
  const [source = '', ...otherSources] = [baseUrl, ...otherUrls].map(
    (url) => new URL(url, document.baseURI).href,
  )
  const files = { manifest, source, otherSources }
  const request: LoadRequest = { ...files, backend, subgroups, maxStreams, maxWaiting, known, share }
  const engine = await client.load(request, { signal })
  signal?.addEventListener('abort', () => client.fail(InfernetError.from(signal.reason)), { once: true })
  return engine
}
