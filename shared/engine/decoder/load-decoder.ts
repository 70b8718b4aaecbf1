import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../../models/manifest.ts'
import { readJson, type ModelFiles } from '../../models/model-files.ts'
import type { ExternalFile } from '../../models/onnx/external-weights.ts'
import { prepareGraph, type PreparedGraph } from '../../models/onnx/prepare-graph.ts'
import { nameOrtFailure } from '../engine-failure.ts'
import type { Gpu, OrtRuntime, OrtSession, OrtSessionOptions } from '../ort-runtime.ts'
import { openBeside } from './beside-files.ts'
import type { Decoder } from './decoder.ts'
import { createGpuDecoder } from './gpu/gpu-decoder.ts'
import { readGraphLayout } from './graph-layout.ts'
import { createOrtDecoder } from './ort-decoder.ts'

export interface DecoderComponents {
  readonly ort: OrtRuntime
  readonly files: ModelFiles
  /** Undefined runs on wasm. */
  readonly gpu: Gpu | undefined
}

/**
 * Rewrites the model's graph and starts it on the GPU or on wasm.
 *
 * @param options `maxLength`: the longest text that is asked for, in tokens
 *
 * @throws InfernetError `models.unsupported`, `models.corrupt`, `engine.load-failed`, and what `files.read` throws
 */
export async function loadDecoder(
  components: DecoderComponents,
  manifest: Manifest,
  {
    signal,
    maxLength = manifest.contextLength,
  }: { signal?: AbortSignal | undefined; maxLength?: number | undefined } = {},
): Promise<Decoder> {
  const { ort, files, gpu } = components
  const config = await readJson(files, 'config.json', { signal })
  const weights = await files.read(manifest.weights, { signal })
  const beside = await openBeside(files, manifest, weights, signal)
  try {
    const graph = prepareGraph(weights, { maxLength: manifest.contextLength, beside: beside.files })
    signal?.throwIfAborted()
    return await startGraph({ ort, gpu }, { graph, beside: beside.files, config, manifest, maxLength })
  } finally {
    await beside.close()
  }
}

interface GraphToStart {
  readonly graph: PreparedGraph
  readonly beside: readonly ExternalFile[]
  readonly config: Readonly<Record<string, unknown>>
  readonly manifest: Manifest
  readonly maxLength: number
}

async function startGraph(
  { ort, gpu }: Omit<DecoderComponents, 'files'>,
  { graph, beside, config, manifest: { vocabSize }, maxLength }: GraphToStart,
): Promise<Decoder> {
  if (gpu && graph.lengths === 'ragged' && graph.picksPositions)
    try {
      const model = { graph, externalData: beside, config, vocabSize, maxLength }
      return await createGpuDecoder({ ort, gpu }, model)
    } catch (error) {
      // A graph that keeps the size of its logits to itself runs as well, only slower.
      if (!(error instanceof InfernetError) || error.code !== 'models.unsupported') throw error
    }
  const session = await createSession(ort, graph, [...graph.externalData, ...beside], {
    gpu,
    // The KV cache and the logits stay on the GPU: only the wanted rows of the logits are read back.
    outputs: 'gpu-buffer',
  })
  try {
    const layout = readGraphLayout(session, config)
    return createOrtDecoder({ ort, session, layout, vocabSize, device: gpu?.device })
  } catch (error) {
    await session.release()
    throw error
  }
}

/**
 * A graph on the GPU, or on wasm where `gpu` is undefined; `outputs` says where the GPU leaves what it computes.
 *
 * @throws InfernetError `engine.load-failed`, `engine.out-of-memory`, `engine.device-lost` and others of its kind
 */
export async function createSession(
  ort: OrtRuntime,
  graph: Pick<PreparedGraph, 'bytes'>,
  externalData: readonly ExternalFile[],
  { gpu, outputs }: { gpu: Gpu | undefined; outputs: 'cpu' | 'gpu-buffer' },
): Promise<OrtSession> {
  const options: OrtSessionOptions = {
    ...(externalData.length > 0 ? { externalData: [...externalData] } : {}),
    logSeverityLevel: 3,
    ...(gpu
      ? {
          executionProviders: [{ name: 'webgpu', device: gpu.device }],
          preferredOutputLocation: outputs,
        }
      : { executionProviders: ['wasm'] }),
  }
  try {
    return await ort.InferenceSession.create(graph.bytes, options)
  } catch (cause) {
    throw (
      nameOrtFailure(cause) ??
      new InfernetError('engine.load-failed', { reason: shortReason(cause) }, { cause })
    )
  }
}

/** ORT's messages name sources and codes; the first plain words are enough for a page, the cause has the rest. */
function shortReason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 60)
}
