import { beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import type { OrtRuntime, OrtSession, OrtTensor } from '#shared/engine/ort-runtime.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
import { readJson } from '../../models/model-files.ts'
import type { Dtype } from '../../models/manifest.ts'
import { withSmallTensorsInside, type ExternalFile } from '../../models/onnx/external-weights.ts'
import { modelType } from '../../models/onnx/onnx-messages.ts'
import { prepareGraph, type PreparedGraph } from '../../models/onnx/prepare-graph.ts'
import { operatorName } from '../../models/onnx/tensor-values.ts'
import { FAMILIES } from './families.ts'
import type { Family } from './family.ts'
import { makeFamilyModel, type MadeModel } from './make-family.ts'

const DTYPES = ['fp32', 'fp16', 'q4', 'q4f16'] as const
const CASES = FAMILIES.flatMap((model) => DTYPES.map((dtype) => ({ model, dtype, name: model.family.id })))

/**
 * What the WebGPU provider of ORT 1.30 has kernels for, as far as these graphs need it: graph capture asks that no node
 * runs elsewhere.
 */
const ON_GPU = new Set([
  'Add',
  'Cast',
  'Div',
  'Gather',
  'Gelu',
  'MatMul',
  'Mul',
  'Reshape',
  'Sigmoid',
  'SimplifiedLayerNormalization',
  'Tanh',
  'Transpose',
  'com.microsoft:GroupQueryAttention',
  'com.microsoft:MatMulNBits',
  'com.microsoft:RotaryEmbedding',
  'com.microsoft:SkipSimplifiedLayerNormalization',
])

/** Half floats end at the third digit, and the two graphs may add in another order. */
const TOLERANCE: Readonly<Record<Dtype, number>> = { fp32: 1e-5, q4: 1e-5, fp16: 0.05, q4f16: 0.05 }

describe.each(CASES)('$name in $dtype, with random weights', ({ model, dtype }) => {
  const { family } = model
  let made: MadeModel
  beforeAll(() => {
    made = makeFamilyModel(model, dtype)
  })

  it('loads and answers', async () => {
    const { manifest, files } = made
    const tokenizer = createChatTokenizer({
      tokenizerJson: await readJson(files, 'tokenizer.json'),
      tokenizerConfig: await readJson(files, 'tokenizer_config.json'),
      generationConfig: await readJson(files, 'generation_config.json'),
      contextLength: manifest.contextLength,
    })
    const promptTokens = tokenizer.encodeChat([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Grüß Gott! 1 + 1?' },
    ])
    const engine = await createEngine(await wasmComponents(files), { manifest })
    const tokens: number[] = []
    const request = {
      promptTokens,
      priorTokens: [],
      sampler: { temperature: 0, topP: 1 },
      seed: new Uint8Array(0),
      maxTokens: 12,
    }
    let finish
    for await (const batch of engine.generate(request)) {
      tokens.push(...batch.tokens)
      finish = batch.finish
    }
    await engine.close()
    expect(finish).toMatch(/^(stop|length)$/)
    expect(tokens.length).toBe(finish === 'length' ? 12 : tokens.length)
    expect(new Set(tokens).size).toBeGreaterThan(1)
    expect(tokenizer.eosTokens.size).toBe(model.eos.length)
  })

  it('gives the same logits after the rewrite', async () => {
    const { ort } = await wasmComponents(made.files)
    const weights = await made.files.read(made.manifest.weights)
    const beside = await externalOf(made)
    const prepared = prepareGraph(weights, { maxLength: made.manifest.contextLength, beside })
    const isGenai = model.exporter === 'genai'
    expect(prepared.lengths).toBe(isGenai ? 'ragged' : 'mask')
    expect(prepared.picksPositions).toBe(true)
    expect(prepared.facts).toMatchObject({
      accuracyLevel: 0,
      hasSlidingWindow: family.window !== undefined,
      cacheBytesPerToken:
        family.layers * 2 * family.kvHeads * family.headDim * (dtype.endsWith('16') ? 2 : 4),
    })
    if (isGenai) {
      const { graph } = modelType.decode(prepared.bytes)
      for (const node of graph?.nodes ?? []) expect(ON_GPU).toContain(operatorName(node))
      expect(graph?.inputs.map(({ name }) => name)).not.toContain('attention_mask')
    }

    const before = await ort.InferenceSession.create(loadable(weights, beside), { externalData: beside })
    const after = await ort.InferenceSession.create(prepared.bytes, {
      externalData: [...beside, ...prepared.externalData],
    })
    const runner = createRunner(ort, family, dtype)
    const [prompt, rest] = [PROMPT.slice(0, 12), PROMPT.slice(12)]
    const whole = await runner.original(before, PROMPT)
    const head = await runner.prepared(after, prepared, prompt, undefined, [0])
    const tail = await runner.prepared(after, prepared, rest, { outputs: head, length: 12 }, [2, 0])
    expect(tail['logits']?.dims).toEqual([1, 2, family.vocab])
    const expected = [14, 12].flatMap((position) => runner.logitsAt(whole, position))
    expect(distance(runner.floats(tail['logits']), expected)).toBeLessThan(TOLERANCE[dtype])
    // The logits must be worth comparing.
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(1)
    await before.release()
    await after.release()
  })
})

it('reads a rope switch as one sequence at a time where texts may become long', async () => {
  const model = FAMILIES.find(({ family }) => family.longRope)
  if (!model) throw new Error('no family with two rope caches')
  const made = makeFamilyModel(model, 'fp32')
  const { files, manifest } = made
  const weights = await files.read(manifest.weights)
  const { lengths, picksPositions, notes } = prepareGraph(weights, {
    maxLength: manifest.contextLength + 1,
    beside: await externalOf(made),
  })
  expect(lengths).toBe('mask')
  expect(picksPositions).toBe(true)
  expect(notes).toEqual(['one row at a time: it has branches'])
})

const PROMPT = [5, 80, 33, 256, 7, 112, 9, 250, 31, 44, 45, 46, 200, 3, 19]

type Outputs = Readonly<Record<string, OrtTensor>>
interface Read {
  readonly outputs: Outputs
  readonly length: number
}

/** Runs graphs of one family, as they come and rewritten, one row at a time. */
function createRunner(ort: OrtRuntime, family: Family, dtype: Dtype) {
  const { layers, kvHeads, headDim, vocab } = family
  const isHalf = dtype === 'fp16' || dtype === 'q4f16'
  const int64 = (values: readonly number[], dims: readonly number[]): OrtTensor =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
  const int32 = (value: number, dims: readonly number[]): OrtTensor =>
    new ort.Tensor('int32', Int32Array.of(value), dims)

  function feeds(session: OrtSession, tokens: readonly number[], before: Read | undefined): Outputs {
    const length = before?.length ?? 0
    const total = length + tokens.length
    const empty = (): OrtTensor =>
      isHalf
        ? new ort.Tensor('float16', new Uint16Array(0), [1, kvHeads, 0, headDim])
        : new ort.Tensor('float32', new Float32Array(0), [1, kvHeads, 0, headDim])
    const all: Record<string, OrtTensor> = {
      input_ids: int64(tokens, [1, tokens.length]),
      attention_mask: int64(Array<number>(total).fill(1), [1, total]),
      position_ids: int64(
        tokens.map((_, i) => length + i),
        [1, tokens.length],
      ),
      num_logits_to_keep: int64([tokens.length], []),
      seqlens_k: int32(total - 1, [1]),
      total_sequence_length: int32(total, []),
    }
    for (let i = 0; i < layers; i++)
      for (const part of ['key', 'value'])
        all[`past_key_values.${i}.${part}`] = before?.outputs[`present.${i}.${part}`] ?? empty()
    return Object.fromEntries(Object.entries(all).filter(([name]) => session.inputNames.includes(name)))
  }

  const floats = (tensor: OrtTensor | undefined): readonly number[] => {
    const data = tensor?.data
    if (data instanceof Float32Array) return [...data]
    // Where the platform has Float16Array the runtime uses it, else it gives the bits.
    return data instanceof Uint16Array ? [...data].map(fromHalf) : [...(data as unknown as Float32Array)]
  }

  return {
    floats,
    original: (session: OrtSession, tokens: readonly number[]): Promise<Outputs> =>
      session.run(feeds(session, tokens, undefined)),
    prepared: (
      session: OrtSession,
      graph: PreparedGraph,
      tokens: readonly number[],
      before: Read | undefined,
      picked: readonly number[],
    ): Promise<Outputs> =>
      session.run({
        ...feeds(session, tokens, before),
        ...(graph.picksPositions ? { logit_positions: int64(picked, [picked.length]) } : {}),
      }),
    logitsAt: (outputs: Outputs, position: number): readonly number[] =>
      floats(outputs['logits']).slice(position * vocab, (position + 1) * vocab),
  }
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** ORT's web builds cannot read the shapes of an export whose small numbers lie beside it; nothing else is changed. */
function loadable(weights: Uint8Array, beside: readonly ExternalFile[]): Uint8Array {
  const model = modelType.decode(weights)
  if (!model.graph) throw new Error('no graph')
  return modelType.encode({ ...model, graph: withSmallTensorsInside(model.graph, beside) })
}

async function externalOf({ files, manifest }: MadeModel): Promise<ExternalFile[]> {
  const paths = files.paths.filter((path) => path.startsWith(`${manifest.weights}_data`))
  return Promise.all(
    paths.map(async (path) => ({ path: path.replace('onnx/', ''), data: await files.read(path) })),
  )
}

function distance(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0)
}
