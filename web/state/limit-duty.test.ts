import { expect, it } from 'vitest'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { tokenId } from '#shared/base/ids.ts'
import type { Engine, GenerateRequest, TokenBatch } from '#shared/engine/engine.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { limitDuty } from './limit-duty.ts'

const REQUEST = {} as GenerateRequest

/** An engine that computes for `stepMs` before each of `steps` tokens. */
function slowEngine(clock: FakeClock, steps: number, stepMs: number): Engine {
  return {
    info: {} as Engine['info'],
    lost: new Promise(() => undefined),
    close: async () => undefined,
    score: async () => [],
    async *generate(): AsyncGenerator<TokenBatch, void, void> {
      for (let i = 0; i < steps; i++) {
        await sleep(clock, millis(stepMs))
        yield { tokens: [tokenId(i)], finish: i === steps - 1 ? 'stop' : undefined }
      }
    },
  }
}

async function drain(engine: Engine, clock: FakeClock): Promise<{ tokens: number; ms: number }> {
  const begun = clock.monotonic()
  let tokens = 0
  for await (const batch of engine.generate(REQUEST)) tokens += batch.tokens.length
  return { tokens, ms: clock.monotonic() - begun }
}

it('lets everything through at full share', async () => {
  const clock = new FakeClock()
  const done = drain(
    limitDuty(slowEngine(clock, 10, 20), { clock }, () => 1),
    clock,
  )
  await clock.advance(1000)
  expect(await done).toEqual({ tokens: 10, ms: 200 })
})

it('rests as long as it works at half share', async () => {
  const clock = new FakeClock()
  const done = drain(
    limitDuty(slowEngine(clock, 10, 20), { clock }, () => 0.5),
    clock,
  )
  await clock.advance(2000)
  const { tokens, ms } = await done
  expect(tokens).toBe(10)
  expect(ms).toBeGreaterThanOrEqual(380)
  expect(ms).toBeLessThanOrEqual(400)
})

it('holds the share over all answers together, not for each', async () => {
  const clock = new FakeClock()
  const engine = limitDuty(slowEngine(clock, 40, 20), { clock }, () => 0.5)
  const both = Promise.all([drain(engine, clock), drain(engine, clock)])
  await clock.advance(10_000)
  for (const { ms } of await both) expect(ms).toBeGreaterThanOrEqual(1400)
})

it('ends the engine’s own answer when the reader leaves', async () => {
  const clock = new FakeClock()
  let returned = false
  const inner = slowEngine(clock, 5, 1)
  const engine: Engine = {
    ...inner,
    async *generate(request, options) {
      try {
        yield* inner.generate(request, options)
      } finally {
        returned = true
      }
    },
  }
  const reading = (async () => {
    for await (const _ of limitDuty(engine, { clock }, () => 0.5).generate(REQUEST)) break
  })()
  await clock.advance(100)
  await reading
  expect(returned).toBe(true)
})
