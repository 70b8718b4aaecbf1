import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../../models/manifest.ts'
import { openBeside } from '../decoder/beside-files.ts'
import { createSession, type DecoderComponents } from '../decoder/load-decoder.ts'
import type { OrtRuntime, OrtSession, OrtTensor } from '../ort-runtime.ts'
import type { Encoder } from './encoder.ts'

/** What the graph gives: one vector for each text. The hub's exports of sentence-transformers call it so. */
const OUTPUT = 'sentence_embedding'
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const

/**
 * Starts an encoder's graph, as it is, on the GPU or on wasm.
 *
 * @throws InfernetError `models.unsupported`, `models.corrupt`, `engine.load-failed`, and what `files.read` throws
 */
export async function loadEncoder(
  { ort, files, gpu }: DecoderComponents,
  manifest: Manifest,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Encoder> {
  const { encoder } = manifest
  if (!encoder) throw new InfernetError('models.unsupported', { reason: 'its manifest names no dimensions' })
  const bytes = await files.read(manifest.weights, { signal })
  const session = await startGraph({ ort, files, gpu }, manifest, bytes, signal)
  try {
    expectKnown(session)
  } catch (error) {
    await session.release()
    throw error
  }
  return createOrtEncoder(ort, session, encoder.dimensions)
}

async function startGraph(
  { ort, files, gpu }: DecoderComponents,
  manifest: Manifest,
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
): Promise<OrtSession> {
  const beside = await openBeside(files, manifest, bytes, signal)
  try {
    signal?.throwIfAborted()
    // The vectors are read at once, so they need not stay on the GPU.
    return await createSession(ort, { bytes }, beside.files, { gpu, outputs: 'cpu' })
  } finally {
    await beside.close()
  }
}

/** @throws InfernetError `models.unsupported` */
function expectKnown({ inputNames, outputNames }: OrtSession): void {
  const known: readonly string[] = INPUTS
  const strange = inputNames.find((name) => !known.includes(name))
  if (strange !== undefined || !inputNames.includes('input_ids'))
    throw new InfernetError('models.unsupported', {
      reason: `its graph has another input than ${known.join(', ')}`,
    })
  if (!outputNames.includes(OUTPUT))
    throw new InfernetError('models.unsupported', { reason: `its graph has no output ${OUTPUT}` })
}

function createOrtEncoder(ort: OrtRuntime, session: OrtSession, dimensions: number): Encoder {
  return {
    dimensions,
    async run(texts) {
      const feeds = feedsOf(ort, session, texts)
      const answer = await session.run(feeds, [OUTPUT])
      const tensor = answer[OUTPUT]
      try {
        return await readVectors(tensor, texts.length * dimensions)
      } finally {
        tensor?.dispose()
        for (const feed of Object.values(feeds)) feed.dispose()
      }
    },
    close: () => session.release(),
  }
}

/** Texts side by side, as long as the longest: what is padding says the mask. */
function feedsOf(
  ort: OrtRuntime,
  { inputNames }: OrtSession,
  texts: readonly (readonly number[])[],
): Record<string, OrtTensor> {
  const longest = Math.max(...texts.map(({ length }) => length))
  const size = texts.length * longest
  const values = {
    input_ids: new BigInt64Array(size),
    attention_mask: new BigInt64Array(size),
    token_type_ids: new BigInt64Array(size),
  }
  texts.forEach((text, row) => {
    text.forEach((token, i) => {
      values.input_ids[row * longest + i] = BigInt(token)
      values.attention_mask[row * longest + i] = 1n
    })
  })
  const wanted = INPUTS.filter((name) => inputNames.includes(name))
  return Object.fromEntries(
    wanted.map((name) => [name, new ort.Tensor('int64', values[name], [texts.length, longest])]),
  )
}

async function readVectors(tensor: OrtTensor | undefined, size: number): Promise<Float32Array> {
  const data = await tensor?.getData()
  if (!(data instanceof Float32Array) || data.length !== size || !data.every(Number.isFinite))
    throw new InfernetError('engine.bad-logits')
  return data.slice()
}
