import { MessageChannel } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InfernetError } from '../../errors/infernet-error.ts'
import { readReference } from './make-encoder.ts'
import { openSentenceEncoder } from './open-encoder.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { wasmComponents } from '../../testing/tiny-model.ts'
import type { ProvenEngine } from '../../engine/create-engine.ts'
import type { OrtRuntime, OrtSession, OrtSessionOptions } from '../../engine/ort-runtime.ts'
import { createWorkerClient } from '../../engine/worker-client.ts'
import { createWorkerHost } from '../../engine/worker-host.ts'
import { createEncoderEngine } from '../../engine/encoder/create-encoder-engine.ts'
import { vectorFromHex } from '../../engine/encoder/golden-vectors.ts'
import { distance, VECTOR_BOUNDS } from '../../engine/encoder/test-encoder.ts'

const { manifest, files } = await openSentenceEncoder()
const reference = await readReference()
const texts = reference.map(({ tokens }) => tokens)
const wanted = reference.map(({ vector }) => vectorFromHex(vector))
let engine: ProvenEngine
beforeAll(async () => {
  engine = await createEncoderEngine(await wasmComponents(files), { manifest })
})
afterAll(() => engine.close())

const worst = (vectors: Float32Array, of: readonly Float32Array[]): number =>
  Math.max(...of.map((each, i) => distance(vectors.slice(i * 512, (i + 1) * 512), each)))

describe('the encoder on wasm', () => {
  it('gives the vectors of the original, within 1e-5', async () => {
    expect(VECTOR_BOUNDS.wasm).toBe(1e-5)
    expect(worst(await engine.embed({ texts }), wanted)).toBeLessThan(1e-5)
    for (const [i, text] of texts.entries())
      expect(worst(await engine.embed({ texts: [text] }), wanted.slice(i, i + 1))).toBeLessThan(1e-5)
  })

  it('has passed its self-test and says what it is', () => {
    expect(engine.selfTest).toMatchObject({ right: 6, total: 6 })
    expect(engine.selfTest.prefillTokensPerSecond).toBeGreaterThan(0)
    expect(engine.info).toMatchObject({
      ...{ task: 'feature-extraction', backend: 'wasm', adapter: 'cpu' },
      ...{ dimensions: 512, contextLength: 128, vocabSize: 8000 },
    })
  })

  it('gives each of many requests its own vectors, whatever shares a step with them', async () => {
    const many = Array.from({ length: 12 }, (_, i) => texts[i % texts.length]!)
    const requests = many.map((text, i) => engine.embed({ texts: [text, many[0]!], client: `${i % 3}` }))
    for (const [i, vectors] of (await Promise.all(requests)).entries())
      expect(worst(vectors, [wanted[i % texts.length]!, wanted[0]!])).toBeLessThan(1e-5)
  })

  it('refuses what the model cannot read, by name', async () => {
    const cases = [
      [[], 'prompt.bad-parameters'],
      [[[]], 'prompt.bad-parameters'],
      [Array.from({ length: 257 }, () => [1]), 'prompt.bad-parameters'],
      [[Array.from({ length: 129 }, () => 1)], 'engine.context-full'],
      [[[8002]], 'engine.bad-token'],
    ] as const
    for (const [texts, code] of cases) await expect(engine.embed({ texts })).rejects.toMatchObject({ code })
  })

  it('refuses to write and to score, by name', async () => {
    const refused: unknown = expect.objectContaining({ code: 'engine.other-task' })
    const sampler = { temperature: 0, topP: 1 }
    const request = { promptTokens: [1], sampler, seed: new Uint8Array(32) }
    const answer = engine.generate({ ...request, priorTokens: [], maxTokens: 1 })
    await expect(answer.next()).rejects.toEqual(refused)
    await expect(engine.score({ ...request, outputTokens: [1] })).rejects.toEqual(refused)
  })

  it('takes a text of the longest length', async () => {
    const vector = await engine.embed({ texts: [Array.from({ length: 128 }, (_, i) => i)] })
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  })
})

describe('behind a worker', () => {
  it('gives the same vectors, and ends what is cancelled', async () => {
    const { port1, port2 } = new MessageChannel()
    createWorkerHost(
      {
        postMessage: (message) => port1.postMessage(message),
        onMessage: (listener) => port1.on('message', listener),
      },
      { load: async () => ({ engine, kept: true }) },
    )
    const client = createWorkerClient(
      {
        postMessage: (message) => port2.postMessage(message),
        onMessage: (listener) => port2.on('message', listener),
      },
      { terminate: () => port2.close() },
    )
    const there = await client.load({ manifest, source: '', backend: 'wasm' })
    expect(worst(await there.embed({ texts }), wanted)).toBeLessThan(1e-5)
    const stop = new AbortController()
    const long = Array.from({ length: 200 }, () => Array.from({ length: 100 }, (_, i) => i))
    const cancelled = there.embed({ texts: long }, { signal: stop.signal })
    stop.abort(new InfernetError('stream.cancelled'))
    await expect(cancelled).rejects.toMatchObject({ code: 'stream.cancelled' })
    await expect(there.embed({ texts: [[9000]] })).rejects.toMatchObject({ code: 'engine.bad-token' })
    port2.close()
  })
})

describe('a broken encoder', () => {
  const changed = (path: string, change: (text: string) => string): ModelFiles => ({
    ...files,
    read: async (each) => {
      const bytes = await files.read(each)
      return each === path ? Uint8Array.from(Buffer.from(change(Buffer.from(bytes).toString()))) : bytes
    },
  })

  it('does not pass its self-test when a vector is wrong', async () => {
    // The lowest bits of the first number of the first vector.
    const wrong = changed('golden.fp32.json', (text) => text.replace('"vector":"b9f2', '"vector":"b902'))
    const starting = createEncoderEngine(await wasmComponents(wrong), { manifest })
    await expect(starting).rejects.toMatchObject({
      code: 'engine.self-test-failed',
      facts: { wrong: 1, total: 6 },
    })
  })

  it('is refused when its manifest names another size of vector', async () => {
    const other = { ...manifest, encoder: { dimensions: 256 } }
    const starting = createEncoderEngine(await wasmComponents(files), { manifest: other })
    await expect(starting).rejects.toMatchObject({ code: 'engine.bad-logits' })
  })

  it('hands over why a step failed, and is lost where nothing after it can be trusted', async () => {
    const components = await wasmComponents(files)
    let fails = false
    const create = async (bytes: Uint8Array, options: OrtSessionOptions): Promise<OrtSession> => {
      const session = await components.ort.InferenceSession.create(bytes, options)
      const run = session.run.bind(session) as (...given: readonly unknown[]) => Promise<unknown>
      const orFail = async (...given: readonly unknown[]): Promise<unknown> => {
        if (fails) throw new WebAssembly.RuntimeError('unreachable')
        return run(...given)
      }
      return Object.assign(session, { run: orFail })
    }
    const ort = { ...components.ort, InferenceSession: { create } } as unknown as OrtRuntime
    const dying = await createEncoderEngine({ ...components, ort }, { manifest })
    fails = true
    await expect(dying.embed({ texts })).rejects.toMatchObject({ code: 'engine.crashed' })
    await expect(dying.lost).resolves.toMatchObject({ code: 'engine.crashed' })
    await expect(dying.embed({ texts })).rejects.toMatchObject({ code: 'engine.crashed' })
  })
})
