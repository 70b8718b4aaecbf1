import { beforeAll, describe, expect, it } from 'vitest'
import { COMPLIANCE_MAX_WAITING, collect, runEngineCompliance } from '../testing/engine-compliance.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '../testing/tiny-model.ts'
import { createEngine, type TestedEngine } from './create-engine.ts'
import { PREFILL_SEGMENT } from './decoder/decoder.ts'
import type { GenerateRequest } from './engine.ts'
import { goldenPath } from '../models/manifest.ts'
import type { OrtRuntime } from './ort-runtime.ts'

const tiny = await readTinyModel('fp32')
const story = tiny.tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a cat.' }])

runEngineCompliance('the engine in this process (fp32, wasm)', {
  create: async () =>
    createEngine(await wasmComponents(tiny.files), {
      manifest: tiny.manifest,
      maxStreams: 1,
      maxWaiting: COMPLIANCE_MAX_WAITING,
    }),
  promptTokens: story,
})

const greedy: GenerateRequest = {
  promptTokens: story,
  priorTokens: [],
  sampler: { temperature: 0, topP: 1 },
  seed: new Uint8Array(0),
  maxTokens: 60,
}

it('holds texts as long as its memory for the cache allows, and says so', async () => {
  const long = { ...tiny.manifest, contextLength: 4096 }
  const bytes = long.memory!.cacheBytesPerToken
  const components = await wasmComponents(tiny.files)
  const engine = await createEngine(components, { manifest: long, cacheBytes: 1100 * bytes, maxStreams: 1 })
  expect(engine.info.contextLength).toBe(1100)
  await engine.close()
  const { memory, ...without } = long // the graph tells what the manifest does not
  expect(memory).toBeDefined()
  const other = await createEngine(components, { manifest: without, cacheBytes: 1100 * bytes, maxStreams: 1 })
  expect(other.info.contextLength).toBe(1100)
  await other.close()
})

describe.each(['fp32', 'q4'] as const)('createEngine with Infernet Tiny %s', (dtype) => {
  let model: TinyModel
  let engine: TestedEngine
  beforeAll(async () => {
    model = await readTinyModel(dtype)
    engine = await createEngine(await wasmComponents(model.files), { manifest: model.manifest })
    return () => engine.close()
  }, 60_000)

  it('passes its self-test and tells how fast it is', () => {
    expect(engine.selfTest.total).toBeGreaterThan(8)
    expect(engine.selfTest.right).toBe(engine.selfTest.total)
    expect(engine.info).toMatchObject({
      backend: 'wasm',
      adapter: 'cpu',
      dtype,
      contextLength: 1024,
      vocabSize: 1024,
    })
    expect(engine.info.decodeTokensPerSecond).toBeGreaterThan(1)
    expect(engine.info.prefillTokensPerSecond).toBeGreaterThan(1)
  })

  it('answers in words and ends by itself', async () => {
    const question = model.tokenizer.encodeChat([{ role: 'user', content: 'What is 3 plus 4?' }])
    const answer = await collect(engine, { ...greedy, promptTokens: question })
    expect(answer.finish).toBe('stop')
    expect(model.tokenizer.decode(answer.tokens)).toMatch(/^3 plus 4 is \d+\.$/)
  })

  it('reads a prompt longer than a segment as it reads it token by token', async () => {
    const long = Array.from({ length: PREFILL_SEGMENT + 40 }, (_, i) => story[i % story.length] ?? 0)
    const whole = await collect(engine, { ...greedy, promptTokens: long, maxTokens: 4 })
    const split = await collect(engine, {
      ...greedy,
      promptTokens: long.slice(0, 100),
      priorTokens: long.slice(100),
      maxTokens: 4,
    })
    expect(split).toEqual(whole)
  })

  it('adds nothing to an answer that has ended already', async () => {
    const eos = [...model.tokenizer.eosTokens][0] ?? 0
    expect(await collect(engine, { ...greedy, priorTokens: [70, eos] })).toMatchObject({
      tokens: [],
      finish: 'stop',
    })
  })
})

describe('many streams of Infernet Tiny', () => {
  let engine: TestedEngine
  const tales = ['cat', 'dog', 'bird', 'fox', 'owl']
  const ask = (i: number): GenerateRequest => ({
    promptTokens: tiny.tokenizer.encodeChat([
      { role: 'user', content: `Tell me a story about a ${tales[i % tales.length] ?? ''}.` },
    ]),
    priorTokens: [],
    sampler: { temperature: 0.9, topP: i % 2 === 0 ? 1 : 0.9 },
    seed: new Uint8Array(32).fill(i + 1),
    maxTokens: 10 + ((i * 13) % 40),
  })
  beforeAll(async () => {
    const components = await wasmComponents(tiny.files)
    engine = await createEngine(components, { manifest: tiny.manifest, maxStreams: 4, maxWaiting: 16 })
    return () => engine.close()
  }, 60_000)

  it('gives each stranger what he would get alone', async () => {
    const together = await Promise.all(Array.from({ length: 12 }, (_, i) => collect(engine, ask(i))))
    for (const [i, answer] of together.entries()) expect(answer).toEqual(await collect(engine, ask(i)))
  }, 60_000)

  it('serves the seventeenth of sixteen before most of those who came first', async () => {
    const order: string[] = []
    const run = async (client: string, i: number): Promise<void> => {
      await collect(engine, { ...ask(i), client })
      order.push(client)
    }
    const many = Array.from({ length: 16 }, (_, i) => run('much', i))
    await Promise.all([...many, run('little', 2)])
    expect(order).toHaveLength(17)
    expect(order.indexOf('little')).toBeLessThan(9)
  }, 60_000)

  it('scores its own writing at margin 0 and finds a swapped token', async () => {
    const { tokens } = await collect(engine, ask(3))
    const { promptTokens, sampler, seed } = ask(3)
    const scores = await engine.score({ promptTokens, outputTokens: tokens, sampler, seed })
    expect(Math.max(...scores.map(({ margin }) => margin))).toBeLessThan(1e-3)
    expect(scores.every(({ sketch }) => sketch.length === 16)).toBe(true)
    const swapped = tokens.with(5, tokens[5] === 300 ? 301 : 300)
    const [, , , , , found] = await engine.score({ promptTokens, outputTokens: swapped, sampler, seed })
    expect(found?.margin).toBeGreaterThan(0.1)
  })

  it('writes what a schema asks for, and scores it with the same mask', async () => {
    const properties = { animal: { enum: ['cat', 'dog'] }, legs: { type: 'integer' } }
    const schema = JSON.stringify({ type: 'object', properties, required: ['animal', 'legs'] })
    const grammar = { kind: 'json-schema', schema } as const
    const request = { ...ask(4), sampler: { temperature: 0.7, topP: 1, grammar }, maxTokens: 200 }
    const { tokens, finish } = await collect(engine, request)
    expect(finish).toBe('stop')
    const value = JSON.parse(tiny.tokenizer.decode(tokens)) as { animal: string; legs: number }
    expect(['cat', 'dog']).toContain(value.animal)
    expect(Number.isInteger(value.legs)).toBe(true)
    const scores = await engine.score({ ...request, outputTokens: tokens })
    expect(Math.max(...scores.map(({ margin }) => margin))).toBeLessThan(1e-3)
  })

  it('stops a scoring that is called off, and frees its place', async () => {
    const controller = new AbortController()
    const { promptTokens, sampler, seed } = ask(0)
    const outputTokens = Array.from({ length: 900 }, (_, i) => 5 + (i % 50))
    const scoring = engine.score({ promptTokens, outputTokens, sampler, seed }, { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 20)
    await expect(scoring).rejects.toThrow('enough')
    expect((await collect(engine, { ...ask(1), maxTokens: 2 })).tokens).toHaveLength(2)
  })
})

describe('createEngine', () => {
  it('hears a cancel while it computes, within a token', async () => {
    const engine = await createEngine(await wasmComponents(tiny.files), {
      manifest: tiny.manifest,
      batchMs: 60_000,
    })
    const controller = new AbortController()
    const stream = engine.generate({ ...greedy, maxTokens: 500 }, { signal: controller.signal })
    await stream.next()
    const pending = stream.next()
    setTimeout(() => controller.abort(new Error('enough')), 30)
    const begun = performance.now()
    await expect(pending).rejects.toThrow('enough')
    expect(performance.now() - begun).toBeLessThan(1500)
    await engine.close()
  }, 60_000)

  it('searches and proves nothing again that it is told, but runs the golden prompts', async () => {
    const components = await wasmComponents(tiny.files)
    let runs = 0
    const { InferenceSession } = components.ort
    const ort = {
      ...components.ort,
      InferenceSession: {
        create: async (...args: Parameters<typeof InferenceSession.create>) => {
          const session = await InferenceSession.create(...args)
          const run = session.run.bind(session) as (...all: unknown[]) => unknown
          return Object.assign(session, { run: (...all: unknown[]) => (runs++, run(...all)) })
        },
      },
    } as unknown as OrtRuntime
    const first = await createEngine({ ...components, ort }, { manifest: tiny.manifest })
    const firstRuns = runs
    await first.close()
    runs = 0
    const init = { manifest: tiny.manifest, known: first.measure }
    const second = await createEngine({ ...components, ort }, init)
    expect(runs).toBeGreaterThan(3)
    expect(runs).toBeLessThan(firstRuns / 3)
    expect(second.measure).toEqual(first.measure)
    expect(second.info).toEqual(first.info)
    expect(second.selfTest).toEqual(first.selfTest)
    await second.close()
  }, 60_000)

  it('refuses to lend when a golden token is wrong, whatever was known', async () => {
    const golden = { format: 'infernet/golden/1', cases: [{ prompt: [...story], tokens: [3, 3] }] }
    const files = {
      ...tiny.files,
      read: async (path: string) =>
        path === goldenPath('fp32')
          ? new TextEncoder().encode(JSON.stringify(golden))
          : tiny.files.read(path),
    }
    const measure = { rows: 8, gain: 2, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
    for (const known of [undefined, measure, { ...measure, rows: 1 }])
      await expect(
        createEngine(await wasmComponents(files), { manifest: tiny.manifest, known }),
      ).rejects.toMatchObject({
        code: 'engine.self-test-failed',
        facts: { wrong: 2, total: 2 },
      })
  })

  it('says that it is not tested when the model brings no golden tokens', async () => {
    const paths = tiny.files.paths.filter((path) => path !== goldenPath('fp32'))
    const components = await wasmComponents({ ...tiny.files, paths })
    const engine = await createEngine(components, { manifest: tiny.manifest })
    expect(engine.selfTest).toMatchObject({ right: 0, total: 0 })
    await engine.close()
  })

  it.each([
    ['random bytes', Uint8Array.from({ length: 5000 }, (_, i) => (i * 97) % 251), 'models.corrupt'],
    ['nothing', new Uint8Array(0), 'models.corrupt'],
  ])('names the failure when the graph is %s', async (_, graph, code) => {
    const files = {
      ...tiny.files,
      read: async (path: string) => (path === tiny.manifest.weights ? graph : tiny.files.read(path)),
    }
    await expect(
      createEngine(await wasmComponents(files), { manifest: tiny.manifest }),
    ).rejects.toMatchObject({ code })
  })
})
