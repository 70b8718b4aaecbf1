import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../../models/manifest.ts'
import { readJson, type ModelFiles } from '../../models/model-files.ts'
import type { Gpu, OrtRuntime, OrtSession, OrtSessionOptions, OrtTensor } from '../ort-runtime.ts'
import { readGraphLayout, type GraphLayout } from './graph-layout.ts'
import { readLastRow } from './last-row.ts'

/**
 * Prompts are read in segments of this many tokens: it bounds the logits of a graph that gives all positions (78 MB at
 * a vocabulary of 152,000), and it is how long a cancel may have to wait.
 */
export const PREFILL_SEGMENT = 128

export interface DecoderComponents {
  readonly ort: OrtRuntime
  readonly files: ModelFiles
  /** Undefined runs on wasm. */
  readonly gpu: Gpu | undefined
  /**
   * Lets waiting messages in between two steps. On wasm a step occupies the thread and its promise is a microtask, so
   * without this no cancel would be heard before the answer is complete.
   */
  readonly breathe: () => Promise<void>
}

/** A loaded graph. Several sequences may be open, each with its own KV cache; they take turns by the step. */
export interface Decoder {
  open(): Sequence
  close(): Promise<void>
}

/** One text being read and written: the KV cache of what it holds so far. */
export interface Sequence {
  /** Tokens read so far. */
  readonly length: number
  /**
   * Reads `tokens` (at least one) and gives the logits for what follows, one float for each token of the vocabulary.
   * Rejects with the signal's reason between two segments.
   */
  feed(tokens: readonly number[], signal: AbortSignal): Promise<Float32Array>
  /** Frees the KV cache. After it `feed` may not be called. */
  dispose(): void
}

/**
 * Starts the model's graph on the GPU or on wasm.
 *
 * @throws InfernetError `models.unsupported`, `engine.load-failed`, and what `files.read` throws
 */
export async function createOnnxDecoder(
  components: DecoderComponents,
  manifest: Manifest,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Decoder> {
  const { ort, files, gpu } = components
  const config = await readJson(files, 'config.json', { signal })
  const options = await sessionOptions(files, manifest, gpu, signal)
  const weights = await files.read(manifest.weights, { signal })
  signal?.throwIfAborted()
  const session = await createSession(ort, weights, options)
  try {
    const layout = readGraphLayout(session, config)
    return {
      open: () => createSequence(components, session, layout, manifest.vocabSize),
      close: () => session.release(),
    }
  } catch (error) {
    await session.release()
    throw error
  }
}

async function createSession(
  ort: OrtRuntime,
  weights: Uint8Array,
  options: OrtSessionOptions,
): Promise<OrtSession> {
  try {
    return await ort.InferenceSession.create(weights, options)
  } catch (cause) {
    throw new InfernetError('engine.load-failed', { reason: shortReason(cause) }, { cause })
  }
}

/** ORT's messages name sources and codes; the first plain words are enough for a page, the cause has the rest. */
function shortReason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 60)
}

async function sessionOptions(
  files: ModelFiles,
  manifest: Manifest,
  gpu: Gpu | undefined,
  signal: AbortSignal | undefined,
): Promise<OrtSessionOptions> {
  // Weights above 2 GB lie beside the graph as `<weights>_data`, `<weights>_data_1`, ...
  const parts = files.paths.filter((path) => path.startsWith(`${manifest.weights}_data`))
  const externalData = []
  for (const path of parts)
    externalData.push({ path: path.split('/').at(-1) ?? path, data: await files.read(path, { signal }) })
  return {
    ...(externalData.length > 0 ? { externalData } : {}),
    logSeverityLevel: 3,
    ...(gpu
      ? {
          executionProviders: [{ name: 'webgpu', device: gpu.device }],
          // The KV cache and the logits stay on the GPU: only the last row of the logits is read back.
          preferredOutputLocation: 'gpu-buffer',
        }
      : { executionProviders: ['wasm'] }),
  }
}

function createSequence(
  { ort, gpu, breathe }: DecoderComponents,
  session: OrtSession,
  layout: GraphLayout,
  vocabSize: number,
): Sequence {
  let length = 0
  let disposed = false
  let stepping = false
  let past = emptyCache(ort, layout)

  async function step(segment: readonly number[], wantsLogits: boolean): Promise<Float32Array | undefined> {
    const int64 = (values: BigInt64Array, dims: readonly number[]) => new ort.Tensor('int64', values, dims)
    const count = segment.length
    const total = length + count
    const feeds: Record<string, OrtTensor> = {
      ...past,
      input_ids: int64(BigInt64Array.from(segment, BigInt), [1, count]),
      attention_mask: int64(new BigInt64Array(total).fill(1n), [1, total]),
    }
    if (layout.wantsPositions)
      feeds['position_ids'] = int64(
        BigInt64Array.from(segment, (_, i) => BigInt(length + i)),
        [1, count],
      )
    if (layout.wantsLogitCount) feeds['num_logits_to_keep'] = int64(BigInt64Array.of(1n), [])
    stepping = true
    try {
      const outputs = await session.run(feeds)
      const superseded = past
      past = {}
      for (const { input, output } of layout.past) past[input] = outputs[output] as OrtTensor
      // Nothing else frees a GPU buffer: an undisposed present tensor is lost memory until the device dies.
      disposeAll(superseded)
      length = total
      const logits = outputs['logits'] as OrtTensor
      try {
        return wantsLogits ? await readLastRow(logits, vocabSize, gpu?.device) : undefined
      } finally {
        logits.dispose()
      }
    } finally {
      stepping = false
      if (disposed) disposeAll(past)
    }
  }

  return {
    get length() {
      return length
    },
    async feed(tokens, signal) {
      for (let start = 0; ; start += PREFILL_SEGMENT) {
        const end = Math.min(start + PREFILL_SEGMENT, tokens.length)
        await breathe()
        signal.throwIfAborted()
        const logits = await step(tokens.slice(start, end), end === tokens.length)
        if (logits) return logits
      }
    },
    dispose() {
      if (disposed) return
      disposed = true
      // A running step still reads the cache; it frees it when it is through.
      if (!stepping) disposeAll(past)
    },
  }
}

/** ORT takes a past of length 0 for the first read. */
function emptyCache(ort: OrtRuntime, layout: GraphLayout): Record<string, OrtTensor> {
  return Object.fromEntries(
    layout.past.map(({ input, type, heads, headDim }) => {
      const dims = [1, heads, 0, headDim]
      const empty =
        type === 'float32'
          ? new ort.Tensor('float32', new Float32Array(0), dims)
          : new ort.Tensor('float16', new Uint16Array(0), dims)
      return [input, empty]
    }),
  )
}

function disposeAll(tensors: Readonly<Record<string, OrtTensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose()
}
