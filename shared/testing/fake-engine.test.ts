import { describe, expect, it } from 'vitest'
import { epochMillis, millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { COMPLIANCE_MAX_WAITING, collect, runEngineCompliance } from './engine-compliance.ts'
import { FAKE_EOS, createFakeEngine } from './fake-engine.ts'

const clock = {
  now: () => epochMillis(Date.now()),
  monotonic: () => millis(performance.now()),
  schedule(delay: number, callback: () => void) {
    const timer = setTimeout(callback, delay)
    return { stop: () => clearTimeout(timer) }
  },
}
const request = {
  promptTokens: [5, 6, 7],
  priorTokens: [],
  sampler: { temperature: 0, topP: 1 },
  seed: new Uint8Array(0),
  maxTokens: 100,
}

runEngineCompliance('the fake engine', {
  create: async () => createFakeEngine({ clock, maxWaiting: COMPLIANCE_MAX_WAITING }),
  promptTokens: [5, 6, 7],
})

describe('createFakeEngine', () => {
  it('says a given answer and its end', async () => {
    const engine = createFakeEngine({ clock, answer: [10, 11] })
    expect(await collect(engine, request)).toMatchObject({ tokens: [10, 11, FAKE_EOS], finish: 'stop' })
  })

  it('breaks down on demand', async () => {
    const engine = createFakeEngine({ clock, tokensPerSecond: 100 })
    const answer = collect(engine, request)
    engine.breakDown(new InfernetError('engine.device-lost'))
    await expect(answer).rejects.toMatchObject({ code: 'engine.device-lost' })
    expect(await engine.lost).toMatchObject({ code: 'engine.device-lost' })
    expect(engine.active).toBe(0)
  })
})
