import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../models/manifest.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { createEngine } from '../create-engine.ts'
import type { GenerateRequest } from '../engine.ts'
import { readTinyModel } from '../../testing/tiny-model.ts'
import type { OrtRuntime } from '../ort-runtime.ts'
import { PREFILL_SEGMENT, type Decoder, type Sequence } from './decoder.ts'
import { loadDecoder } from './load-decoder.ts'

const VOCAB = 8
const tiny = await readTinyModel('fp32')
/** Any true graph will do: the fake runtime below tells its own inputs and outputs. */
const graph = await tiny.files.read(tiny.manifest.weights)
const manifest: Manifest = {
  format: 'infernet/model/1',
  id: 'fake',
  name: 'Fake',
  task: 'text-generation',
  dtype: 'fp32',
  weights: 'onnx/model.onnx',
  contextLength: 1000,
  vocabSize: VOCAB,
  files: [],
}
const files: ModelFiles = {
  paths: ['config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'],
  read: async (path) => (path === 'config.json' ? new TextEncoder().encode('{"eos_token_id":7}') : graph),
}

interface FakeTensor {
  readonly type: string
  readonly data: ArrayLike<number | bigint>
  readonly dims: readonly number[]
  readonly location: string
  dispose(): void
}

/** An ORT of two layers that says token (length mod 5), counts its tensors, and fails when told to. */
function createFakeOrt() {
  const alive = new Set<FakeTensor>()
  const runs: { readonly feeds: Record<string, FakeTensor> }[] = []
  const created: unknown[] = []
  let failure: Error | undefined
  let logit: (v: number, total: number) => number = (v, total) => (v === total % 5 ? 5 : 0)

  class Tensor implements FakeTensor {
    readonly location = 'cpu'
    readonly type: string
    readonly data: ArrayLike<number | bigint>
    readonly dims: readonly number[]
    constructor(type: string, data: ArrayLike<number | bigint>, dims: readonly number[]) {
      this.type = type
      this.data = data
      this.dims = dims
      if (type === 'float32') alive.add(this)
    }
    dispose(): void {
      if (!alive.delete(this) && this.type === 'float32') throw new Error('disposed twice')
    }
  }
  const names = [0, 1].flatMap((i) => ['key', 'value'].map((part) => `${i}.${part}`))
  const shape = ['batch_size', 2, 'past_sequence_length', 4]
  const input = (name: string, type = 'int64') => ({ name, isTensor: true, type, shape: ['batch_size', 'n'] })
  const session = {
    inputMetadata: [
      ...['input_ids', 'attention_mask', 'position_ids'].map((name) => input(name)),
      ...names.map((name) => ({ ...input(`past_key_values.${name}`, 'float32'), shape })),
    ],
    outputMetadata: [
      { name: 'logits', isTensor: true, type: 'float32', shape: [] },
      ...names.map((name) => ({ ...input(`present.${name}`, 'float32'), shape })),
    ],
    released: false,
    async run(feeds: Record<string, FakeTensor>) {
      if (failure) throw failure
      runs.push({ feeds })
      const count = feeds['input_ids']?.dims[1] ?? 0
      const total = feeds['attention_mask']?.dims[1] ?? 0
      const row = Array.from({ length: VOCAB }, (_, v) => logit(v, total))
      const logits = Float32Array.from([...Array<number>((count - 1) * VOCAB).fill(99), ...row])
      return Object.fromEntries([
        ['logits', new Tensor('float32', logits, [1, count, VOCAB])],
        ...names.map((name) => [
          `present.${name}`,
          new Tensor('float32', new Float32Array(0), [1, 2, total, 4]),
        ]),
      ]) as Record<string, FakeTensor>
    },
    async release() {
      session.released = true
    },
  }
  const ort = {
    Tensor,
    InferenceSession: {
      create: async (...args: unknown[]) => {
        created.push(args[1])
        return session
      },
    },
  }
  return {
    ort: ort as unknown as OrtRuntime,
    alive,
    runs,
    created,
    session,
    failWith: (error: Error) => (failure = error),
    setLogits: (to: typeof logit) => (logit = to),
  }
}

function createFakeGpu() {
  const { promise, resolve } = Promise.withResolvers<GPUDeviceLostInfo>()
  const events = new EventTarget()
  const device = Object.assign(events, { lost: promise, features: new Set() }) as unknown as GPUDevice
  const lose = (): void => resolve({ reason: 'unknown', message: 'reset' } as GPUDeviceLostInfo)
  return { gpu: { device, label: 'fake gpu' }, events, lose }
}

type FakeOrt = ReturnType<typeof createFakeOrt>
const breathe = async (): Promise<void> => {}
const parts = (fake: FakeOrt) => ({
  ort: fake.ort,
  files,
  gpu: undefined,
  breathe,
  now: () => performance.now(),
})
const request: GenerateRequest = {
  promptTokens: [1, 2, 3],
  priorTokens: [],
  sampler: { temperature: 0, topP: 1 },
  seed: new Uint8Array(0),
  maxTokens: 10,
}

async function open(fake: FakeOrt): Promise<{ decoder: Decoder; sequence: Sequence }> {
  const decoder = await loadDecoder(parts(fake), manifest)
  return { decoder, sequence: decoder.open() }
}

describe('a decoder over a graph with a mask', () => {
  it('keeps one cache a sequence alive and frees it, tensor by tensor', async () => {
    const fake = createFakeOrt()
    const { decoder, sequence: a } = await open(fake)
    const b = decoder.open()
    for (let i = 0; i < 5; i++) {
      await decoder.prefill(a, [1])
      await decoder.prefill(b, [2, 3])
    }
    expect(fake.alive.size).toBe(8)
    a.dispose()
    a.dispose()
    expect(fake.alive.size).toBe(4)
    b.dispose()
    expect(fake.alive.size).toBe(0)
  })

  it('goes on where it stopped, in positions and mask', async () => {
    const fake = createFakeOrt()
    const { decoder, sequence } = await open(fake)
    await decoder.prefill(sequence, Array<number>(PREFILL_SEGMENT).fill(1))
    await decoder.prefill(sequence, [1, 1])
    const seen = fake.runs.map(({ feeds }) => [
      feeds['input_ids']?.dims,
      feeds['position_ids']?.data[0],
      feeds['attention_mask']?.dims,
      feeds['past_key_values.1.value']?.dims,
    ])
    expect(seen).toEqual([
      [[1, 128], 0n, [1, 128], [1, 2, 0, 4]],
      [[1, 2], 128n, [1, 130], [1, 2, 128, 4]],
    ])
    expect(sequence.length).toBe(130)
  })

  it('gives the logits of the last position, and of all from one on', async () => {
    const { decoder, sequence } = await open(createFakeOrt())
    const { values } = await decoder.prefill(sequence, [1, 2, 3], { hint: undefined })
    expect([...values]).toEqual([0, 0, 0, 5, 0, 0, 0, 0])
    const rows: [number, number][] = []
    await decoder.score(sequence, [4, 5, 6], 1, (logits, index) => rows.push([index, logits[0] ?? NaN]))
    expect(rows).toEqual([
      [1, 99],
      [2, 0],
    ])
  })

  it('has one row, because a mask cannot tell rows of different lengths', async () => {
    expect((await open(createFakeOrt())).decoder.maxRows).toBe(1)
  })

  it('hands over weights that lie beside the graph', async () => {
    const fake = createFakeOrt()
    await loadDecoder(parts(fake), manifest)
    const { externalData = [] } = fake.created[0] as { externalData?: { path: string }[] }
    expect(externalData.map(({ path }) => path)).toContain('model.onnx_data')
  })

  it.each([
    ['an input that we do not know', { name: 'pixel_values', isTensor: true, type: 'float32', shape: [] }],
    ['a cache of integers', { name: 'past_key_values.2.key', isTensor: true, type: 'int8', shape: [] }],
  ])('refuses a graph with %s, and lets it go', async (_, extra) => {
    const fake = createFakeOrt()
    fake.session.inputMetadata.push(extra)
    await expect(loadDecoder(parts(fake), manifest)).rejects.toMatchObject({
      code: 'models.unsupported',
    })
    expect(fake.session.released).toBe(true)
  })
})

describe('createEngine, when the runtime fails', () => {
  it.each([
    ['engine.out-of-memory', new Error('failed to allocate a buffer of size 1024: std::bad_alloc')],
    ['engine.device-lost', new Error('mapAsync failed: the device is lost')],
    ['internal', new Error('something else')],
    ['internal', new RangeError('offset is out of bounds')],
  ])('names it %s, keeps the cause and frees everything', async (code, failure) => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest })
    fake.failWith(failure)
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code, cause: failure })
    expect(fake.alive.size).toBe(0)
    if (code === 'engine.device-lost') expect(await engine.lost).toMatchObject({ code })
  })

  it('reports a lost device to the running request, even when run() hangs, and to whoever watches', async () => {
    const fake = createFakeOrt()
    const { gpu, lose } = createFakeGpu()
    const engine = await createEngine({ ...parts(fake), gpu }, { manifest })
    expect(engine.info).toMatchObject({ backend: 'webgpu', adapter: 'fake gpu' })
    fake.session.run = () => new Promise(() => {})
    const running = engine.generate(request).next()
    lose()
    await expect(running).rejects.toMatchObject({ code: 'engine.device-lost' })
    expect(await engine.lost).toMatchObject({ code: 'engine.device-lost' })
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code: 'engine.device-lost' })
  })

  it('trusts no answer after a GPU command has failed', async () => {
    class GPUOutOfMemoryError {}
    for (const [error, code] of [
      [new GPUOutOfMemoryError(), 'engine.out-of-memory'],
      [{}, 'engine.device-lost'],
    ] as const) {
      const { gpu, events } = createFakeGpu()
      const engine = await createEngine({ ...parts(createFakeOrt()), gpu }, { manifest })
      const stream = engine.generate(request)
      await stream.next()
      events.dispatchEvent(Object.assign(new Event('uncapturederror'), { error }))
      await expect(stream.next()).rejects.toMatchObject({ code })
      expect(await engine.lost).toMatchObject({ code })
    }
  })

  it('ends for good when the wasm heap is in an unknown state', async () => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest })
    fake.failWith(new WebAssembly.RuntimeError('unreachable'))
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code: 'engine.crashed' })
    expect(await engine.lost).toMatchObject({ code: 'engine.crashed' })
  })

  it('refuses numbers that are not numbers and serves the next request', async () => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest })
    fake.setLogits(() => NaN)
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code: 'engine.bad-logits' })
    fake.setLogits((v, total) => (v === total % 5 ? 5 : 0))
    expect((await engine.generate(request).next()).value).toMatchObject({ tokens: [3] })
  })

  it('gives the first token alone and writes only a little ahead of the pulls', async () => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest, batchMs: 60_000 })
    const stream = engine.generate(request)
    const before = fake.runs.length
    await stream.next()
    // Eight tokens that nobody has pulled, beside the first one.
    await expect.poll(() => fake.runs.length - before).toBe(1 + 8)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.runs.length - before, 'and no more').toBe(1 + 8)
    expect((await stream.next()).value).toMatchObject({ finish: 'length' })
    expect(fake.runs.length - before).toBe(10)
  })

  it('ends at an end token of config.json when there is no generation config', async () => {
    const fake = createFakeOrt()
    fake.setLogits((v, total) => (v === (total > 5 ? 7 : 1) ? 5 : 0))
    const engine = await createEngine(parts(fake), { manifest, batchMs: 60_000 })
    const stream = engine.generate(request)
    await stream.next()
    expect((await stream.next()).value).toEqual({ tokens: [1, 1, 7], finish: 'stop' })
  })
})
