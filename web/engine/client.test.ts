import { readFileSync } from 'node:fs'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import type { EngineMeasure, KeptMeasure } from '#shared/engine/engine-measure.ts'
import { ORT_VERSION } from '#shared/engine/ort-runtime.ts'
import type { SubgroupResult, ResultStore } from '#shared/engine/subgroup-trial.ts'
import { createWorkerHost, type HostComponents } from '#shared/engine/worker-host.ts'
import type { HostPort } from '#shared/engine/worker-messages.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { collect } from '#shared/testing/engine-compliance.ts'
import { createFakeEngine } from '#shared/testing/fake-engine.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { createWebEngine, type MeasuresInit, type WebEngineInit } from './client.ts'

const { manifest } = await readTinyModel('fp32')
const init: WebEngineInit = { manifest, baseUrl: '/models/infernet-tiny/', backend: 'auto' }
const limits = { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 }
const info = { vendor: 'acme', architecture: 'rocket', device: '', description: '', isFallbackAdapter: false }
const gpuWith = (adapter: object | null) => ({ gpu: { requestAdapter: async () => adapter } })

/** Workers that were started: what they were asked to load, and whether they were ended. */
let workers: {
  backend: string
  source: string
  subgroups: boolean
  known: EngineMeasure | undefined
  ended: boolean
}[]
/** Fails a load on that backend, or with subgroups. */
let failures: Partial<Record<string, Error>>

/** A Worker whose inside is a host with a fake engine, over a real message channel. */
class FakeWorker extends EventTarget {
  readonly #port: MessagePort
  readonly #seen = {
    backend: '',
    source: '',
    subgroups: false,
    known: undefined as EngineMeasure | undefined,
    ended: false,
  }

  constructor() {
    super()
    const { port1, port2 } = new MessageChannel()
    this.#port = port2
    workers.push(this.#seen)
    const load: HostComponents['load'] = async ({ backend, source, subgroups = false, known }) => {
      Object.assign(this.#seen, { backend, source, subgroups, known })
      const failure = failures[subgroups ? 'subgroups' : backend]
      if (failure) throw failure
      const adapter = backend === 'wasm' ? 'cpu' : 'acme rocket'
      const fake = createFakeEngine({ clock: realClock, info: { backend, adapter } })
      const selfTest = { right: 3, total: 3, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
      const measure = known ?? { rows: 4, gain: 2, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
      return { engine: { ...fake, selfTest, measure }, kept: true }
    }
    const port: HostPort = {
      postMessage: (message) => port1.postMessage(message),
      onMessage: (listener) => port1.on('message', listener),
    }
    createWorkerHost(port, { load })
    port2.on('message', (data: unknown) => this.dispatchEvent(new MessageEvent('message', { data })))
  }
  postMessage(message: unknown): void {
    this.#port.postMessage(message)
  }
  terminate(): void {
    this.#seen.ended = true
    this.#port.close()
  }
}

beforeEach(() => {
  workers = []
  failures = {}
  vi.stubGlobal('Worker', FakeWorker)
  vi.stubGlobal('document', { baseURI: 'https://page.example/app/' })
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('navigator', gpuWith({ info, limits, features: new Set() }))
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const request = {
  promptTokens: [5],
  priorTokens: [],
  sampler: { temperature: 0, topP: 1 },
  seed: new Uint8Array(0),
  maxTokens: 3,
}

it('the version that results hang on is the one that is installed', () => {
  const { dependencies } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as {
    dependencies: Record<string, string>
  }
  expect(ORT_VERSION).toBe(dependencies['onnxruntime-web'])
})

describe('createWebEngine', () => {
  it('takes a real GPU and answers through it', async () => {
    const { engine, adapter, selfTest, fellBackFrom } = await createWebEngine(init)
    expect({ adapter, fellBackFrom }).toEqual({ adapter: 'acme rocket', fellBackFrom: undefined })
    expect(selfTest.right).toBe(3)
    expect((await collect(engine, request)).tokens).toHaveLength(3)
    await engine.close()
    const source = 'https://page.example/models/infernet-tiny/'
    expect(workers).toEqual([{ backend: 'webgpu', source, subgroups: false, known: undefined, ended: true }])
  })

  it('falls back to the processor in a fresh worker when the GPU fails its test, and says why', async () => {
    failures['webgpu'] = new InfernetError('engine.self-test-failed', { wrong: 5, total: 15 })
    const { engine, adapter, fellBackFrom } = await createWebEngine(init)
    expect(adapter).toBe('cpu')
    expect(fellBackFrom).toMatchObject({ code: 'engine.self-test-failed', facts: { wrong: 5, total: 15 } })
    expect(workers.map(({ backend, ended }) => [backend, ended])).toEqual([
      ['webgpu', true],
      ['wasm', false],
    ])
    await engine.close()
  })

  it.each([
    ['mesh.insecure-page', () => vi.stubGlobal('isSecureContext', false)],
    ['engine.no-webgpu', () => vi.stubGlobal('navigator', {})],
    ['engine.no-adapter', () => vi.stubGlobal('navigator', gpuWith(null))],
    [
      'engine.software-adapter',
      () =>
        vi.stubGlobal(
          'navigator',
          gpuWith({ info: { ...info, isFallbackAdapter: true }, limits, features: new Set() }),
        ),
    ],
    [
      'engine.limits',
      () =>
        vi.stubGlobal(
          'navigator',
          gpuWith({ info, limits: { ...limits, maxBufferSize: 1e6 }, features: new Set() }),
        ),
    ],
  ])('does not even start the GPU when there is %s', async (code, arrange) => {
    arrange()
    const { engine, fellBackFrom } = await createWebEngine(init)
    expect(fellBackFrom).toMatchObject({ code })
    expect(workers.map(({ backend }) => backend)).toEqual(['wasm'])
    await engine.close()
  })

  describe('with measures that are kept', () => {
    const kept = new Map<string, KeptMeasure>()
    let at = 0
    const measures: MeasuresInit = {
      clock: { ...realClock, now: () => epochMillis(at) },
      store: {
        read: async (key) => kept.get(key),
        write: async (key, measure) => void kept.set(key, measure),
      },
    }
    const start = async (more: Partial<WebEngineInit> = {}): Promise<EngineMeasure | undefined> => {
      await (await createWebEngine({ ...init, measures, ...more })).engine.close()
      return workers.at(-1)?.known
    }
    beforeEach(() => {
      kept.clear()
      at = 1e12
      vi.stubGlobal('crossOriginIsolated', true)
      const navigator = { userAgent: 'Browser/1', hardwareConcurrency: 8 }
      vi.stubGlobal('navigator', { ...gpuWith({ info, limits, features: new Set() }), ...navigator })
    })

    it('tells the next start what the last one found out, on that device and backend alone', async () => {
      expect(await start()).toBeUndefined()
      expect(await start()).toMatchObject({ rows: 4, gain: 2 })
      expect(await start({ backend: 'wasm' })).toBeUndefined()
      expect(await start({ backend: 'wasm' })).toMatchObject({ rows: 4 })
      vi.stubGlobal('navigator', { ...navigator, userAgent: 'Browser/2' })
      expect(await start({ backend: 'wasm' })).toBeUndefined()
      expect(kept.size).toBe(3)
    })

    it('finds it out anew after a month, counted from when it was found', async () => {
      await start()
      at += 20 * 86_400_000
      expect(await start()).toBeDefined()
      at += 11 * 86_400_000
      expect(await start()).toBeUndefined()
      expect(await start()).toBeDefined()
    })
  })

  describe('with a trial of the subgroups feature', () => {
    const kept = new Map<string, SubgroupResult>()
    const store: ResultStore = {
      read: async (key) => kept.get(key),
      write: async (key, result) => void kept.set(key, result),
    }
    const trial = { clock: realClock, store }
    const features = new Set(['subgroups'])
    const started = (): unknown => workers.map(({ backend, subgroups }) => `${backend} ${subgroups}`)
    beforeEach(() => {
      kept.clear()
      vi.stubGlobal('navigator', { ...gpuWith({ info, limits, features }), userAgent: 'Browser/1' })
    })

    it('leaves it alone where it is wrong, lends without it, and knows that the next time', async () => {
      const operators = 'GroupQueryAttention'
      failures['subgroups'] = new InfernetError('engine.self-test-failed', { wrong: 9, total: 15, operators })
      const first = await createWebEngine({ ...init, trial })
      expect(first.subgroups).toMatchObject({ on: false, why: 'wrong', operators })
      expect(first.fellBackFrom).toBeUndefined()
      expect(started()).toEqual(['webgpu true', 'webgpu false'])
      expect([...kept.keys()]).toEqual([
        JSON.stringify(['acme', 'rocket', '', '', 'Browser/1', ORT_VERSION, hashManifest(manifest)]),
      ])
      await first.engine.close()
      const second = await createWebEngine({ ...init, trial })
      expect(second.subgroups).toEqual(first.subgroups)
      expect(started()).toEqual(['webgpu true', 'webgpu false', 'webgpu false'])
      await second.engine.close()
    })

    it('compares the speed where it is right, and leaves one worker', async () => {
      const { engine, subgroups } = await createWebEngine({ ...init, backend: 'webgpu', trial })
      expect(subgroups?.gain).toBeGreaterThan(0)
      expect(workers.filter(({ ended }) => !ended)).toHaveLength(1)
      expect(workers.at(-1)?.subgroups).toBe(subgroups?.on)
      await engine.close()
    })

    it.each([
      ['the adapter has none of it', { ...info }, new Set<string>()],
      ['the adapter is software', { ...info, isFallbackAdapter: true }, features],
    ])('tries nothing when %s', async (_, info, features) => {
      vi.stubGlobal('navigator', { ...gpuWith({ info, limits, features }), userAgent: 'Browser/1' })
      const { engine, subgroups } = await createWebEngine({ ...init, backend: 'webgpu', trial })
      expect(subgroups).toBeUndefined()
      expect(started()).toEqual(['webgpu false'])
      await engine.close()
    })

    it('falls back to the processor when the GPU is wrong without it as well', async () => {
      const failure = new InfernetError('engine.self-test-failed', { wrong: 9, total: 15 })
      Object.assign(failures, { subgroups: failure, webgpu: failure })
      const { engine, fellBackFrom } = await createWebEngine({ ...init, trial })
      expect(fellBackFrom).toMatchObject({ code: 'engine.self-test-failed' })
      expect(started()).toEqual(['webgpu true', 'webgpu false', 'wasm false'])
      await engine.close()
    })
  })

  it('does not fall back from what the processor could not do either', async () => {
    failures['webgpu'] = new InfernetError('models.corrupt', { path: 'a' })
    await expect(createWebEngine(init)).rejects.toMatchObject({ code: 'models.corrupt' })
    expect(workers).toHaveLength(1)
  })

  it('does as it is told when a backend is named', async () => {
    failures['webgpu'] = new InfernetError('engine.no-adapter')
    await expect(createWebEngine({ ...init, backend: 'webgpu' })).rejects.toMatchObject({
      code: 'engine.no-adapter',
    })
    const { engine, fellBackFrom } = await createWebEngine({ ...init, backend: 'wasm' })
    expect(fellBackFrom).toBeUndefined()
    await engine.close()
  })

  it('starts nothing when it is called off already', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(createWebEngine({ ...init, backend: 'wasm' }, { signal })).rejects.toThrow('enough')
    expect(workers).toEqual([])
  })
})
