import { beforeAll, describe, expect, it } from 'vitest'
import { readTinyModel, wasmComponents } from '#shared/testing/tiny-model.ts'
import { modelType } from '../models/onnx/onnx-messages.ts'
import { prepareGraph, type PrepareOptions, type PreparedGraph } from '../models/onnx/prepare-graph.ts'

const LAYERS = 4
const HEADS = 2
const HEAD_DIM = 32
const VOCAB = 1024

type OrtRuntime = Awaited<ReturnType<typeof wasmComponents>>['ort']
type OrtSession = Awaited<ReturnType<OrtRuntime['InferenceSession']['create']>>
type OrtTensor = InstanceType<OrtRuntime['Tensor']>
type Outputs = Readonly<Record<string, OrtTensor>>
type Cache = Readonly<Record<string, OrtTensor>>

describe.each(['fp32', 'q4'] as const)('prepareGraph on Infernet Tiny %s', (dtype) => {
  let weights: Uint8Array<ArrayBuffer>
  let ort: OrtRuntime
  let prepared: PreparedGraph
  let original: OrtSession
  let rewritten: OrtSession

  beforeAll(async () => {
    const { files, manifest } = await readTinyModel(dtype)
    weights = await files.read(manifest.weights)
    ort = (await wasmComponents(files)).ort
    prepared = prepareGraph(weights)
    original = await ort.InferenceSession.create(weights)
    rewritten = await start(prepared)
  })

  async function start({ bytes, externalData }: PreparedGraph): Promise<OrtSession> {
    return ort.InferenceSession.create(bytes, { externalData: [...externalData] })
  }

  const int64 = (values: readonly number[], dims: readonly number[]): OrtTensor =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
  const int32 = (values: readonly number[], dims: readonly number[]): OrtTensor =>
    new ort.Tensor('int32', Int32Array.from(values), dims)

  function emptyCache(): Cache {
    return Object.fromEntries(
      cacheNames('past_key_values').map((name) => [
        name,
        new ort.Tensor('float32', new Float32Array(0), [1, HEADS, 0, HEAD_DIM]),
      ]),
    )
  }

  /** The model as it was: all positions' logits of one row. */
  async function runOriginal(tokens: readonly number[], past = emptyCache(), length = 0): Promise<Outputs> {
    const total = length + tokens.length
    return original.run({
      ...past,
      input_ids: int64(tokens, [1, tokens.length]),
      attention_mask: int64(Array<number>(total).fill(1), [1, total]),
      position_ids: int64(
        tokens.map((_, i) => length + i),
        [1, tokens.length],
      ),
    })
  }

  async function runRewritten(
    session: OrtSession,
    rows: readonly (readonly number[])[],
    lengths: readonly number[],
    past: Cache,
    picked: readonly number[],
  ): Promise<Outputs> {
    const count = rows[0]?.length ?? 0
    const totals = lengths.map((length) => length + count)
    return session.run({
      ...past,
      input_ids: int64(rows.flat(), [rows.length, count]),
      seqlens_k: int32(
        totals.map((total) => total - 1),
        [rows.length],
      ),
      total_sequence_length: int32([Math.max(...totals)], []),
      logit_positions: int64(picked, [picked.length]),
    })
  }

  it('has lengths and positions as inputs, and neither mask nor the nodes that read it', () => {
    expect(prepared).toMatchObject({ lengths: 'ragged', picksPositions: true, notes: [] })
    expect(rewritten.inputNames).toEqual([
      'input_ids',
      ...cacheNames('past_key_values'),
      'seqlens_k',
      'total_sequence_length',
      'logit_positions',
    ])
    const operators = new Set(modelType.decode(prepared.bytes).graph?.nodes.map(({ operator }) => operator))
    for (const gone of ['Shape', 'ReduceSum', 'Cast', 'Sub']) expect(operators).not.toContain(gone)
  })

  it('leaves the weights where they lie', () => {
    expect(prepared.bytes.length).toBeLessThan(weights.length / 4)
    expect(prepared.externalData.map(({ data }) => data.buffer)).toEqual([weights.buffer])
  })

  it('says what the model is made of', () => {
    const { facts } = prepared
    expect(facts).toMatchObject({
      largestTensorBytes: 1024 * 256 * 4,
      cacheBytesPerToken: LAYERS * 2 * HEADS * HEAD_DIM * 4,
      accuracyLevel: 0,
      hasSlidingWindow: false,
      externalFiles: [],
    })
    expect(facts.weightBytes / weights.length).toBeCloseTo(1, 1)
    expect(facts.operators.get('com.microsoft:GroupQueryAttention')).toBe(LAYERS)
  })

  it('gives the logits of any positions, and the same cache', async () => {
    const before = await runOriginal(PROMPTS[0])
    const after = await runRewritten(rewritten, [PROMPTS[0]], [0], emptyCache(), [7, 0, 3])
    expect(after['logits']?.dims).toEqual([1, 3, VOCAB])
    expect(distance(floats(after, 'logits'), pick(before, [7, 0, 3]))).toBeLessThan(1e-6)
    for (const name of cacheNames('present'))
      expect(distance(floats(after, name), floats(before, name))).toBeLessThan(1e-6)
  })

  it('reads a long prompt in segments', async () => {
    const prompt = [...PROMPTS[0], ...PROMPTS[1]]
    const whole = await runOriginal(prompt)
    const head = await runRewritten(rewritten, [PROMPTS[0]], [0], emptyCache(), [0])
    const tail = await runRewritten(rewritten, [PROMPTS[1]], [PROMPTS[0].length], pastOf(head), [4])
    expect(distance(floats(tail, 'logits'), pick(whole, [prompt.length - 1]))).toBeLessThan(1e-6)
  })

  it('steps rows of different lengths at once, whatever lies behind their ends', async () => {
    const alone: Outputs[] = []
    const caches: Cache[] = []
    const next = [17, 300, 1001]
    for (const [i, prompt] of PROMPTS.entries()) {
      const past = pastOf(await runOriginal(prompt))
      caches.push(past)
      alone.push(await runOriginal([next[i] ?? 0], past, prompt.length))
    }
    const lengths = PROMPTS.map(({ length }) => length)
    for (const filler of [0, 1e4]) {
      const past = stack(caches, lengths, 16, filler)
      const rows = next.map((token) => [token])
      const together = await runRewritten(rewritten, rows, lengths, past, [0])
      expect(together['logits']?.dims).toEqual([3, 1, VOCAB])
      const logits = floats(together, 'logits')
      for (const [i, row] of alone.entries())
        expect(distance(logits.subarray(i * VOCAB, (i + 1) * VOCAB), floats(row, 'logits'))).toBeLessThan(
          1e-5,
        )
    }
  })

  it('reads the first segments of several rows at once, padded at their ends', async () => {
    const longest = Math.max(...PROMPTS.map(({ length }) => length))
    const rows = PROMPTS.map((prompt) => [...prompt, ...Array<number>(longest - prompt.length).fill(5)])
    const past = Object.fromEntries(
      cacheNames('past_key_values').map((name) => [
        name,
        new ort.Tensor('float32', new Float32Array(0), [3, HEADS, 0, HEAD_DIM]),
      ]),
    )
    const together = await rewritten.run({
      ...past,
      input_ids: int64(rows.flat(), [3, longest]),
      seqlens_k: int32(
        PROMPTS.map(({ length }) => length - 1),
        [3],
      ),
      total_sequence_length: int32([longest], []),
      logit_positions: int64(
        PROMPTS.map(({ length }) => length - 1),
        [3],
      ),
    })
    const logits = floats(together, 'logits')
    for (const [i, prompt] of PROMPTS.entries()) {
      const last = pick(await runOriginal(prompt), [prompt.length - 1])
      const start = (i * PROMPTS.length + i) * VOCAB
      expect(distance(logits.subarray(start, start + VOCAB), last)).toBeLessThan(1e-6)
    }
  })

  it('makes the total length a constant for a cache of fixed size', async () => {
    const options: PrepareOptions = { fixedCapacity: 64 }
    const session = await start(prepareGraph(weights, options))
    expect(session.inputNames).not.toContain('total_sequence_length')
    const prompt = PROMPTS[0]
    const past = pastOf(await runOriginal(prompt))
    const expected = await runOriginal([17], past, prompt.length)
    const output = await session.run({
      ...stack([past], [prompt.length], 64, 0),
      input_ids: int64([17], [1, 1]),
      seqlens_k: int32([prompt.length], [1]),
      logit_positions: int64([0], [1]),
    })
    expect(distance(floats(output, 'logits'), floats(expected, 'logits'))).toBeLessThan(1e-6)
    await session.release()
  })

  it('does nothing to its own work', () => {
    const again = prepareGraph(prepared.bytes)
    expect(again).toMatchObject({ lengths: 'ragged', picksPositions: true, notes: [] })
    const names = (bytes: Uint8Array) => modelType.decode(bytes).graph?.inputs.map(({ name }) => name)
    expect(names(again.bytes)).toEqual(names(prepared.bytes))
    expect(modelType.decode(again.bytes).graph?.nodes.length).toBe(
      modelType.decode(prepared.bytes).graph?.nodes.length,
    )
  })

  /** Caches of single rows one under the other, each row padded with `filler` to `capacity` tokens. */
  function stack(
    caches: readonly Cache[],
    lengths: readonly number[],
    capacity: number,
    filler: number,
  ): Cache {
    return Object.fromEntries(
      cacheNames('past_key_values').map((name) => {
        const data = new Float32Array(caches.length * HEADS * capacity * HEAD_DIM).fill(filler)
        for (const [row, cache] of caches.entries()) {
          const source = cache[name]?.data as Float32Array
          const size = (lengths[row] ?? 0) * HEAD_DIM
          for (let head = 0; head < HEADS; head++)
            data.set(
              source.subarray(head * size, (head + 1) * size),
              (row * HEADS + head) * capacity * HEAD_DIM,
            )
        }
        return [name, new ort.Tensor('float32', data, [caches.length, HEADS, capacity, HEAD_DIM])]
      }),
    )
  }
})

const PROMPTS = [
  [1, 44, 390, 7, 512, 88, 13, 900],
  [1, 9, 14, 733, 21],
  [1, 600, 3],
] as const

function cacheNames(prefix: 'past_key_values' | 'present'): readonly string[] {
  return Array.from({ length: LAYERS }, (_, i) => [`${prefix}.${i}.key`, `${prefix}.${i}.value`]).flat()
}

function pastOf(outputs: Outputs): Cache {
  const names = cacheNames('present')
  return Object.fromEntries(
    names.map((name) => [name.replace('present', 'past_key_values'), outputs[name] as OrtTensor]),
  )
}

function floats(outputs: Outputs, name: string): Float32Array {
  return outputs[name]?.data as Float32Array
}

/** The logits of some positions, one after the other. */
function pick(outputs: Outputs, positions: readonly number[]): Float32Array {
  const logits = floats(outputs, 'logits')
  return Float32Array.from(
    positions.flatMap((position) => [...logits.subarray(position * VOCAB, (position + 1) * VOCAB)]),
  )
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0)
}
