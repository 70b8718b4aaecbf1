import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GenerateRequest } from '#shared/engine/engine.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { collect } from '#shared/testing/engine-compliance.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { nodeClock } from '../base/node-clock.ts'
import { createNodeEngine } from './node-engine.ts'

const modelFolder = fileURLToPath(new URL('../../web/public/models/infernet-tiny/', import.meta.url))
const { manifest, tokenizer } = await readTinyModel('fp32')
const story: GenerateRequest = {
  promptTokens: tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a cat.' }]),
  priorTokens: [],
  sampler: { temperature: 0.9, topP: 0.95 },
  seed: Uint8Array.from({ length: 32 }, (_, i) => i * 3),
  maxTokens: 48,
}

/** The threads of the engines under test, as Node starts them. */
const threads: Worker[] = []
const onWorker = (worker: Worker): void => void threads.push(worker)
beforeEach(() => {
  threads.length = 0
  process.on('worker', onWorker)
})
afterEach(() => void process.off('worker', onWorker))

const start = (signal: AbortSignal) => createNodeEngine({ manifest, modelFolder }, { signal })

describe('an engine in a thread that is killed', () => {
  it('answers to the last token as if nothing had happened', async () => {
    const engine = await createStandingEngine({ clock: nodeClock, start })
    const undisturbed = await collect(engine, story)
    expect(undisturbed.tokens.length).toBeGreaterThan(30)

    const tokens: number[] = []
    let finish: unknown
    let kills = 0
    for await (const batch of engine.generate(story)) {
      tokens.push(...batch.tokens)
      finish = batch.finish
      if (kills < 2 && tokens.length > 10 * (kills + 1)) {
        kills++
        await threads.at(-1)?.terminate()
      }
    }
    expect(kills).toBe(2)
    expect(threads).toHaveLength(3)
    expect(undisturbed).toMatchObject({ tokens, finish })
    await engine.close()
  }, 60_000)

  it('keeps all the answers that run at once', async () => {
    const engine = await createStandingEngine({ clock: nodeClock, start })
    const requests = [1, 2, 3].map((n) => ({
      ...story,
      seed: story.seed.map((byte) => byte + n),
      maxTokens: 40,
    }))
    const undisturbed = []
    for (const request of requests) undisturbed.push(await collect(engine, request))
    const [request = story, ...others] = requests
    const stream = engine.generate(request)
    const first = await stream.next()
    const answers = Promise.all(others.map((request) => collect(engine, request)))
    await threads.at(-1)?.terminate()
    const rest = await Array.fromAsync(stream)
    const tokens = [first.value, ...rest].flatMap((batch) => batch?.tokens ?? [])
    const whole = { ...undisturbed[0], tokens, finish: rest.at(-1)?.finish }
    expect([whole, ...(await answers)]).toEqual(undisturbed)
    expect(threads).toHaveLength(2)
    await engine.close()
  }, 60_000)

  it('scores a text to its end', async () => {
    const engine = await createStandingEngine({ clock: nodeClock, start })
    const { tokens } = await collect(engine, story)
    const { promptTokens, sampler, seed } = story
    const text = { promptTokens, sampler, seed, outputTokens: tokens }
    const undisturbed = await engine.score(text)
    const scores = engine.score(text)
    await threads.at(-1)?.terminate()
    expect(await scores).toEqual(undisturbed)
    expect(threads).toHaveLength(2)
    await engine.close()
  }, 60_000)

  it('ends its thread at once when its start is called off afterwards, as for one that hangs', async () => {
    const life = new AbortController()
    const engine = await start(life.signal)
    const ended = new Promise((resolve) => threads[0]?.on('exit', resolve))
    life.abort(new Error('enough'))
    await ended
    await expect(collect(engine, story)).rejects.toMatchObject({ code: 'internal' })
  }, 60_000)
})
