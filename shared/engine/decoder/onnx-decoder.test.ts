import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../models/manifest.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { createEngine } from '../create-engine.ts'
import type { GenerateRequest } from '../engine.ts'
import type { OrtRuntime } from '../ort-runtime.ts'
import { PREFILL_SEGMENT, createOnnxDecoder } from './onnx-decoder.ts'

const VOCAB = 8
const never = new AbortController().signal
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
  read: async (path) => new TextEncoder().encode(path === 'config.json' ? '{"eos_token_id":7}' : 'weights'),
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
  const device = Object.assign(events, { lost: promise }) as unknown as GPUDevice
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

describe('createOnnxDecoder', () => {
  it('keeps one cache a sequence alive and frees it, tensor by tensor', async () => {
    const fake = createFakeOrt()
    const decoder = await createOnnxDecoder(parts(fake), manifest)
    const [a, b] = [decoder.open(), decoder.open()]
    for (let i = 0; i < 5; i++) await Promise.all([a.feed([1], never), b.feed([2, 3], never)])
    expect(fake.alive.size).toBe(8)
    a.dispose()
    a.dispose()
    expect(fake.alive.size).toBe(4)
    b.dispose()
    expect(fake.alive.size).toBe(0)
  })

  it('frees the cache of a step that was running when it was disposed', async () => {
    const fake = createFakeOrt()
    const sequence = (await createOnnxDecoder(parts(fake), manifest)).open()
    const feeding = sequence.feed([1], never)
    await Promise.resolve()
    sequence.dispose()
    await feeding
    expect(fake.alive.size).toBe(0)
  })

  it('reads a long prompt in segments, with positions and mask that go on', async () => {
    const fake = createFakeOrt()
    const sequence = (await createOnnxDecoder(parts(fake), manifest)).open()
    await sequence.feed(Array<number>(PREFILL_SEGMENT + 2).fill(1), never)
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

  it('gives the logits of the last position', async () => {
    const sequence = (await createOnnxDecoder(parts(createFakeOrt()), manifest)).open()
    expect([...(await sequence.feed([1, 2, 3], never))]).toEqual([0, 0, 0, 5, 0, 0, 0, 0])
  })

  it('stops between two segments when the signal says so', async () => {
    const fake = createFakeOrt()
    const controller = new AbortController()
    const stopAfterTwo = async () => {
      if (fake.runs.length === 2) controller.abort(new Error('enough'))
    }
    const decoder = await createOnnxDecoder({ ...parts(fake), breathe: stopAfterTwo }, manifest)
    const reading = decoder.open().feed(Array<number>(900).fill(1), controller.signal)
    await expect(reading).rejects.toThrow('enough')
    expect(fake.runs).toHaveLength(2)
  })

  it('hands over weights that lie beside the graph', async () => {
    const fake = createFakeOrt()
    await createOnnxDecoder(parts(fake), manifest)
    expect(fake.created[0]).toMatchObject({
      executionProviders: ['wasm'],
      externalData: [{ path: 'model.onnx_data' }],
    })
  })

  it.each([
    ['an input that we do not know', { name: 'pixel_values', isTensor: true, type: 'float32', shape: [] }],
    ['a cache of integers', { name: 'past_key_values.2.key', isTensor: true, type: 'int8', shape: [] }],
  ])('refuses a graph with %s, and lets it go', async (_, extra) => {
    const fake = createFakeOrt()
    fake.session.inputMetadata.push(extra)
    await expect(createOnnxDecoder(parts(fake), manifest)).rejects.toMatchObject({
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
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code: 'internal' })
    expect(await engine.lost).toMatchObject({ code: 'internal' })
  })

  it('refuses numbers that are not numbers and serves the next request', async () => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest })
    fake.setLogits(() => NaN)
    await expect(engine.generate(request).next()).rejects.toMatchObject({ code: 'engine.bad-logits' })
    fake.setLogits((v, total) => (v === total % 5 ? 5 : 0))
    expect((await engine.generate(request).next()).value).toMatchObject({ tokens: [3] })
  })

  it('runs nothing between two pulls and only the first token in the first', async () => {
    const fake = createFakeOrt()
    const engine = await createEngine(parts(fake), { manifest, batchMs: 60_000 })
    const stream = engine.generate(request)
    const before = fake.runs.length
    await stream.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.runs.length - before).toBe(1)
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
