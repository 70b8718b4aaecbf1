import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine, FinishReason, GenerateRequest } from '../engine/engine.ts'
import { halfToFloat } from '../engine/score/half.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'

export interface ComplianceSetup {
  /** A fresh engine with a queue of two. */
  readonly create: () => Promise<Engine>
  /** A prompt whose greedy answer has at least twelve tokens. */
  readonly promptTokens: readonly number[]
}

interface Answer {
  readonly tokens: readonly number[]
  readonly finish: FinishReason | undefined
  readonly sketches: Uint16Array
}

/** How many may wait in the engines under test. */
export const COMPLIANCE_MAX_WAITING = 2

/**
 * What every {@link Engine} promises, run against the one in this process, the one behind a worker and the fake: code
 * that works with one works with the others.
 */
export function runEngineCompliance(name: string, setup: ComplianceSetup): void {
  describe(`${name} keeps the engine's promises`, () => {
    let engine: Engine
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
    const sampled: GenerateRequest = {
      promptTokens: setup.promptTokens,
      priorTokens: [],
      sampler: { temperature: 0.8, topP: 0.95 },
      seed,
      maxTokens: 12,
    }
    const greedy: GenerateRequest = { ...sampled, sampler: { temperature: 0, topP: 1 } }

    beforeAll(async () => {
      engine = await setup.create()
    }, 60_000)
    afterAll(() => engine.close())

    it('gives the same greedy answer each time', async () => {
      const first = await collect(engine, greedy)
      expect(first.tokens).toHaveLength(12)
      expect(await collect(engine, greedy)).toEqual(first)
    })

    it('gives the same sampled answer for the same seed and another for another', async () => {
      const request = { ...sampled, sampler: { temperature: 1.5, topP: 1 } }
      const first = await collect(engine, request)
      expect(await collect(engine, request)).toEqual(first)
      const other = await collect(engine, { ...request, seed: seed.map((byte) => byte ^ 0x55) })
      expect(other.tokens).not.toEqual(first.tokens)
    })

    it.each([1, 4, 11])('goes on after %d tokens of someone else as if they were its own', async (at) => {
      const whole = await collect(engine, sampled)
      const priorTokens = whole.tokens.slice(0, at)
      const rest = await collect(engine, { ...sampled, priorTokens, maxTokens: 12 - at })
      expect([...priorTokens, ...rest.tokens]).toEqual(whole.tokens)
      expect(rest.finish).toBe(whole.finish)
    })

    it('sketches each token where it is asked to, and scores the same sketches and margins of 0', async () => {
      for (const request of [sampled, greedy, { ...sampled, sampler: { temperature: 0.8, topP: 1 } }]) {
        const { tokens, sketches } = await collect(engine, { ...request, sketches: true })
        const { promptTokens, sampler } = request
        expect(tokens).toEqual((await collect(engine, request)).tokens)
        for (const at of [0, 5]) {
          const text = { priorTokens: tokens.slice(0, at), outputTokens: tokens.slice(at) }
          const scores = await engine.score({ promptTokens, ...text, sampler, seed })
          expect(Math.max(...scores.map(({ margin }) => margin))).toBeLessThan(1e-3)
          const own = scores.flatMap(({ sketch }) => [...sketch].map(halfToFloat))
          expect(own).toHaveLength((tokens.length - at) * SKETCH_SIZE)
          const theirs = [...sketches.slice(at * SKETCH_SIZE)].map(halfToFloat)
          const distance = own.map((value, i) => Math.abs(value - (theirs[i] ?? NaN)))
          // Half precision of logits below 16: 2^-7, and the two ways to read differ by less than that.
          expect(Math.max(...distance)).toBeLessThan(0.02)
        }
      }
    })

    it('goes on sketching after tokens of someone else', async () => {
      const whole = await collect(engine, { ...sampled, sketches: true })
      const request = { ...sampled, priorTokens: whole.tokens.slice(0, 4), maxTokens: 8, sketches: true }
      const rest = await collect(engine, request)
      const expected = [...whole.sketches.slice(4 * SKETCH_SIZE)].map(halfToFloat)
      expect(rest.sketches).toHaveLength(8 * SKETCH_SIZE)
      for (const [i, half] of rest.sketches.entries())
        expect(Math.abs(halfToFloat(half) - (expected[i] ?? NaN))).toBeLessThan(0.02)
    })

    it('gives no sketches that nobody asked for', async () => {
      for await (const batch of engine.generate(greedy)) expect(batch).not.toHaveProperty('sketches')
    })

    it('refuses to score beyond its context, what was written before included', async () => {
      const { contextLength } = engine.info
      const priorTokens = Array.from({ length: contextLength }, () => 5)
      const request = { ...greedy, priorTokens, outputTokens: [5] }
      await expect(engine.score(request)).rejects.toMatchObject({ code: 'engine.context-full' })
      await expect(engine.score({ ...request, priorTokens: [-1] })).rejects.toMatchObject({
        code: 'engine.bad-token',
      })
    })

    it('stops at the most tokens that are allowed and says so', async () => {
      const answer = await collect(engine, { ...greedy, maxTokens: 3 })
      expect(answer.tokens).toHaveLength(3)
      expect(answer.finish).toBe('length')
    })

    it('stops when the context is full and says so', async () => {
      const { contextLength } = engine.info
      const promptTokens = Array.from({ length: contextLength - 2 }, (_, i) => 3 + (i % 90))
      const answer = await collect(engine, { ...greedy, promptTokens, maxTokens: 50 })
      expect(answer.tokens.length).toBeLessThanOrEqual(2)
      expect(answer.finish).toBeDefined()
    })

    it('refuses a prompt that leaves no room for an answer', async () => {
      const promptTokens = Array.from({ length: engine.info.contextLength }, () => 5)
      await expect(collect(engine, { ...greedy, promptTokens })).rejects.toMatchObject({
        code: 'engine.context-full',
        facts: { tokens: engine.info.contextLength, contextLength: engine.info.contextLength },
      })
    })

    it.each([-1, 1.5, NaN, 1e9])(
      'refuses the token %d in the prompt and in what was written',
      async (token) => {
        for (const bad of [{ promptTokens: [5, token] }, { priorTokens: [token] }])
          await expect(collect(engine, { ...greedy, ...bad })).rejects.toMatchObject({
            code: 'engine.bad-token',
          })
      },
    )

    it('refuses parameters out of range', async () => {
      for (const bad of [
        { sampler: { temperature: 3, topP: 1 } },
        { sampler: { temperature: 1, topP: -1 } },
        { maxTokens: 0 },
        { promptTokens: [] },
        { seed: new Uint8Array(3) },
      ])
        await expect(collect(engine, { ...sampled, ...bad })).rejects.toMatchObject({
          code: 'prompt.bad-parameters',
        })
    })

    it('ends with the reason of the signal, and at once when it is aborted already', async () => {
      const reason = new Error('enough')
      const request = collect(engine, greedy, { signal: AbortSignal.abort(reason) })
      await expect(request).rejects.toThrow('enough')
    })

    it('stops within a batch of a cancel', async () => {
      const controller = new AbortController()
      const stream = engine.generate({ ...greedy, maxTokens: 500 }, { signal: controller.signal })
      await stream.next()
      controller.abort(new Error('enough'))
      await expect(stream.next()).rejects.toThrow('enough')
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    })

    it('frees its place when the consumer leaves', async () => {
      for (let i = 0; i < 5; i++) {
        const stream = engine.generate(greedy)
        await stream.next()
        await stream.return()
        expect(await stream.next()).toEqual({ done: true, value: undefined })
      }
      expect((await collect(engine, { ...greedy, maxTokens: 1 })).tokens).toHaveLength(1)
    })

    it('lets a consumer leave while it waits for the next token', async () => {
      const stream = engine.generate(greedy)
      await stream.next()
      const pending = stream.next()
      await stream.return()
      await pending
      expect((await collect(engine, { ...greedy, maxTokens: 1 })).tokens).toHaveLength(1)
    })

    it('frees its place with the last batch, whether or not it is pulled again', async () => {
      const stream = engine.generate({ ...greedy, maxTokens: 1 })
      expect((await stream.next()).value).toMatchObject({ finish: 'length' })
      expect((await collect(engine, { ...greedy, maxTokens: 1 })).tokens).toHaveLength(1)
    })

    it('runs requests one after the other and refuses those beyond its queue', async () => {
      const running = engine.generate(greedy)
      await running.next()
      const waiting = Array.from({ length: COMPLIANCE_MAX_WAITING }, () =>
        collect(engine, { ...greedy, maxTokens: 2 }),
      )
      await letMessagesThrough()
      await expect(collect(engine, greedy)).rejects.toMatchObject({
        code: 'engine.queue-full',
        facts: { limit: COMPLIANCE_MAX_WAITING },
      })
      await running.return()
      const answers = await Promise.all(waiting)
      expect(answers.map(({ tokens }) => tokens.length)).toEqual(waiting.map(() => 2))
    })

    it('lets a waiting request give up its place', async () => {
      const running = engine.generate(greedy)
      await running.next()
      const controller = new AbortController()
      const waiting = collect(engine, greedy, { signal: controller.signal })
      await letMessagesThrough()
      controller.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      await running.return()
      expect((await collect(engine, { ...greedy, maxTokens: 1 })).tokens).toHaveLength(1)
    })

    it('ends what runs and what waits when it is closed', async () => {
      const closing = await setup.create()
      const running = closing.generate(greedy)
      await running.next()
      const waiting = collect(closing, greedy)
      await letMessagesThrough()
      const ended = expect(waiting).rejects.toMatchObject({ code: 'engine.closed' })
      await closing.close()
      await ended
      await expect(running.next()).rejects.toMatchObject({ code: 'engine.closed' })
      await expect(collect(closing, greedy)).rejects.toMatchObject({ code: 'engine.closed' })
      await closing.close()
    }, 60_000)
  })
}

/** Drains an answer. */
export async function collect(
  engine: Pick<Engine, 'generate'>,
  request: GenerateRequest,
  options: { signal?: AbortSignal } = {},
): Promise<Answer> {
  const tokens: number[] = []
  const sketches: number[] = []
  let finish: FinishReason | undefined
  for await (const batch of engine.generate(request, options)) {
    tokens.push(...batch.tokens)
    sketches.push(...(batch.sketches ?? []))
    finish = batch.finish
  }
  return { tokens, finish, sketches: Uint16Array.from(sketches) }
}

async function letMessagesThrough(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
}
