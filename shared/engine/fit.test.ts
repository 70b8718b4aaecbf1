import { describe, expect, it } from 'vitest'
import { MIB } from '../base/units.ts'
import { BUNDLED_MODELS } from '../models/catalogue/bundled.ts'
import type { Manifest } from '../models/manifest.ts'
import { USUAL_CACHE_BYTES } from '../models/text-limit.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { checkFits } from './check-fits.ts'
import { limitProblem, memoryNeeds, roughNeeds } from './fit.ts'

const { manifest: tiny } = await readTinyModel('fp32')
const file = (path: string, size: number) => ({ path, size, sha256: '0'.repeat(64), pieces: [] })
/** A model of 900 MB in two files, whose largest tensor has 260 MB. */
const large: Manifest = {
  ...tiny,
  dtype: 'fp16',
  weights: 'onnx/model.onnx',
  contextLength: 4096,
  memory: { largestTensorBytes: 260 * MIB, cacheBytesPerToken: 16_384 },
  files: [
    file('config.json', 999),
    file('onnx/model.onnx', 100 * MIB),
    file('onnx/model.onnx_data', 800 * MIB),
  ],
}

interface FakeGpu {
  readonly maxBufferMb?: number
  readonly features?: readonly string[]
  /** Memory that there is, and how much of it a driver promises. */
  readonly freeMb?: number
  readonly promisesMb?: number
  readonly dies?: boolean
}

/** A device that has so much memory: what of WebGPU the probe uses, with its rules for errors. */
function device({
  maxBufferMb = 1024,
  features = ['shader-f16'],
  freeMb = 1e6,
  promisesMb = 0,
  dies,
}: FakeGpu) {
  let takenMb = 0
  let most = 0
  const scopes: { filter: string; error: unknown }[] = []
  const raise = (filter: string): void => {
    const scope = scopes.findLast((each) => each.filter === filter && !each.error)
    if (scope) scope.error = new Error(filter)
  }
  const fake = {
    limits: { maxBufferSize: maxBufferMb * MIB, maxStorageBufferBindingSize: maxBufferMb * MIB },
    features: new Set(features),
    lost: dies ? Promise.resolve({ message: 'gone' }) : new Promise(() => undefined),
    pushErrorScope: (filter: string) => scopes.push({ filter, error: null }),
    popErrorScope: async () => scopes.pop()?.error ?? null,
    createBuffer: ({ size }: { size: number }) => {
      const isValid = takenMb + size / MIB <= Math.max(freeMb, promisesMb)
      if (!isValid) raise('out-of-memory')
      takenMb += size / MIB
      most = Math.max(most, takenMb)
      return { isValid, destroy: () => (takenMb -= size / MIB) }
    },
    createCommandEncoder: () => ({
      clearBuffer: ({ isValid }: { isValid: boolean }) => {
        if (!isValid) raise('validation')
        else if (takenMb > freeMb) raise('out-of-memory')
      },
      finish: () => undefined,
    }),
    queue: {
      submit: () => undefined,
      onSubmittedWorkDone: () => (dies ? new Promise(() => undefined) : Promise.resolve()),
    },
  }
  return {
    gpu: fake as unknown as GPUDevice,
    get takenMb() {
      return takenMb
    },
    get mostMb() {
      return Math.round(most)
    },
  }
}

describe('memoryNeeds', () => {
  it('adds weights, the cache of the longest text and headroom, by the facts of the manifest', () => {
    expect(memoryNeeds(large)).toEqual({
      weightBytes: 900 * MIB,
      cacheBytes: 64 * MIB,
      largestBufferBytes: 260 * MIB,
      totalBytes: (900 + 64 + 128) * MIB,
      halfPrecision: true,
    })
  })

  it('counts the cache that a device keeps, not the one that the whole context would take', () => {
    // Qwen3-0.6B in q4: 28 layers x 2 x 8 heads of 128 floats, and a context of 40,960.
    const memory = { largestTensorBytes: 622 * 1e6, cacheBytesPerToken: 28 * 2 * 8 * 128 * 4 }
    const qwen = { ...large, contextLength: 40_960, memory }
    expect(memoryNeeds(qwen).cacheBytes).toBe(1170 * memory.cacheBytesPerToken)
    expect(memoryNeeds(qwen, 1024 * MIB).cacheBytes).toBe(4681 * memory.cacheBytesPerToken)
    expect(limitProblem(memoryNeeds(qwen), undefined)).toBeUndefined()
  })

  it('guesses the largest tensor where the manifest has no facts', () => {
    const { memory, ...without } = large
    expect(memory).toBeDefined()
    expect(memoryNeeds(without)).toMatchObject({ largestBufferBytes: 450 * MIB, cacheBytes: 0 })
  })

  it('knows the facts of the bundled model', () => {
    // 1024 x 256 floats of embedding; 4 layers x 2 x 2 heads of 32 floats.
    expect(tiny.memory).toEqual({
      largestTensorBytes: 1024 * 256 * 4,
      cacheBytesPerToken: 4 * 2 * 2 * 32 * 4,
    })
  })
})

describe('checkFits', () => {
  it('takes all that the model needs and gives it back', async () => {
    const world = device({ freeMb: 1100 })
    await checkFits(large, world.gpu)
    expect([world.mostMb, world.takenMb]).toEqual([1092, 0])
  })

  it.each<[string, FakeGpu, string]>([
    [
      'a piece that is too large for one buffer',
      { maxBufferMb: 256 },
      'The GPU allows 256 MB of memory in one piece; the model needs 260 MB.',
    ],
    [
      'half precision where there is none',
      { features: [] },
      'The GPU has no half precision; the model needs it.',
    ],
    [
      'memory that is not there',
      { freeMb: 700 },
      "The model needs 1092 MB of the GPU's memory; about 516 MB are free.",
    ],
    [
      'memory that the driver only promises',
      { freeMb: 700, promisesMb: 1e6 },
      "The model needs 1092 MB of the GPU's memory; about 516 MB are free.",
    ],
    ['a device that goes away meanwhile', { dies: true }, 'The GPU was reset or taken away.'],
  ])('refuses %s, in words', async (_, gpu, message) => {
    const world = device(gpu)
    await expect(checkFits(large, world.gpu)).rejects.toMatchObject({ message })
    if (!gpu.dies) expect(world.takenMb).toBe(0)
  })

  it('counts what lies in several files beyond 2 GB, and says so', async () => {
    const parts = [file('onnx/model.onnx_data', 2100 * MIB), file('onnx/model.onnx_data_1', 2000 * MIB)]
    const memory = { largestTensorBytes: 2050 * MIB, cacheBytesPerToken: 16_384 }
    const twoParts = { ...large, memory, files: [...large.files.slice(0, 2), ...parts] }
    expect(memoryNeeds(twoParts)).toMatchObject({ weightBytes: 4200 * MIB, totalBytes: 4392 * MIB })
    await expect(checkFits(twoParts, undefined)).rejects.toMatchObject({
      message: 'The processor allows 3584 MB of memory; the model needs 4392 MB.',
    })
    await expect(checkFits(twoParts, device({ maxBufferMb: 2047 }).gpu)).rejects.toMatchObject({
      message: 'The GPU allows 2047 MB of memory in one piece; the model needs 2050 MB.',
    })
    const short = device({ maxBufferMb: 4095, freeMb: 4300 })
    await expect(checkFits(twoParts, short.gpu)).rejects.toMatchObject({ code: 'engine.out-of-memory' })
    const world = device({ maxBufferMb: 4095, freeMb: 4400 })
    await checkFits(twoParts, world.gpu)
    expect([world.mostMb, world.takenMb]).toEqual([4392, 0])
  })

  it('tells how much cache there is room for: more where there is more memory', async () => {
    const memory = { largestTensorBytes: 260 * MIB, cacheBytesPerToken: 65_536 }
    const long = { ...large, contextLength: 131_072, memory } // the longest text takes 2 GiB
    expect(await checkFits(large, device({}).gpu)).toBe(256 * MIB)
    expect(await checkFits(long, device({}).gpu)).toBe(1024 * MIB)
    // 900 of weights, 128 of headroom, and the cache twice, since it is copied where it grows.
    const middling = device({ freeMb: 900 + 128 + 2 * 512 })
    expect(await checkFits(long, middling.gpu)).toBe(512 * MIB)
    expect(middling.takenMb).toBe(0)
    expect(await checkFits(long, device({ freeMb: 900 + 128 + 256 }).gpu)).toBe(256 * MIB)
    await expect(checkFits(long, device({ freeMb: 900 + 128 + 255 }).gpu)).rejects.toMatchObject({
      code: 'engine.out-of-memory',
    })
    await expect(checkFits(long, device({ dies: true }).gpu)).rejects.toMatchObject({
      code: 'engine.device-lost',
    })
    expect(await checkFits(long, undefined)).toBe(1024 * MIB)
    const heavy = { ...long, files: [file('onnx/model.onnx', 3000 * MIB)] }
    expect(await checkFits(heavy, undefined)).toBe(256 * MIB)
  })

  it('asks wasm for no more than it can address', async () => {
    await checkFits(large, undefined)
    const huge = { ...large, files: [file('onnx/model.onnx', 3500 * MIB)] }
    await expect(checkFits(huge, undefined)).rejects.toMatchObject({
      code: 'engine.limits',
      message: 'The processor allows 3584 MB of memory; the model needs 3692 MB.',
    })
    expect(limitProblem(memoryNeeds(huge), undefined)?.fix).toBe('Choose a smaller model.')
  })
})

describe('the memory that the bundled catalogue tells', () => {
  it('is what Infernet Tiny takes', async () => {
    const entry = BUNDLED_MODELS.find(({ id }) => id === tiny.id)
    for (const { dtype, memoryBytes } of entry?.precisions ?? [])
      expect([dtype, memoryBytes]).toEqual([
        dtype,
        memoryNeeds((await readTinyModel(dtype)).manifest).totalBytes,
      ])
  })

  it('has of each other model room for a cache, the same in each precision, and no more than is ever given', () => {
    for (const { id, precisions, task } of BUNDLED_MODELS) {
      const caches = new Set(precisions.map((each) => Math.round(roughNeeds(each).cacheBytes / 1e6)))
      expect([id, caches.size]).toEqual([id, 1])
      for (const cache of caches) {
        expect(cache).toBeLessThanOrEqual(Math.round(USUAL_CACHE_BYTES / 1e6))
        if (task === 'text-generation') expect(cache).toBeGreaterThan(0)
      }
    }
  })
})
