import { describe, expect, it } from 'vitest'
import { modelHash, peerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { ProviderMemory } from '../schedule/policy/provider-memory.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { ask } from './ask.ts'
import type { AnswerEvent } from './peer.ts'
import { RecentPeers } from './recent-peers.ts'

const MINUTE_MS = 60_000
const prompt: Prompt = {
  task: 'text-generation',
  model: modelHash('a1'.repeat(32)),
  promptTokens: [1, 2, 3],
  sampler: { temperature: 1, topP: 1 },
  maxTokens: 64,
  maxOutputPrice: undefined,
}
const begun = { tokens: [4, 5], seed: new Uint8Array(32), segments: [] }

/** An asker whom no relay answers. */
function alone(clock: FakeClock) {
  const memory = new ProviderMemory(clock)
  return {
    node: { dial: never, getConnections: () => [] },
    clock,
    random: { bytes: (length: number) => new Uint8Array(length) },
    name: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
    memory,
    trust: memory,
    offers: new OfferMemory(),
    directFailures: new RecentPeers(clock, millis(MINUTE_MS)),
    directories: () => [],
  }
}
const never = () => Promise.reject(new Error('nobody is dialled'))

describe('an answer that has begun', () => {
  it('waits for somebody as long as it is let, with pauses of 5 s at most', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const events: AnswerEvent[] = []
    const asking = (async () => {
      const options = { signal: stop.signal, except: new Set<never>(), begun }
      for await (const event of ask(alone(clock), prompt, options)) events.push(event)
    })()
    const ended = asking.then(
      () => 'done',
      (thrown: unknown) => (thrown as InfernetError).code,
    )
    await clock.advance(10 * MINUTE_MS)
    const waits = events.filter(({ type }) => type === 'waiting')
    expect(waits.length).toBeGreaterThan(100)
    expect(waits.length).toBeLessThan(130)
    stop.abort()
    expect(await ended).toBe('stream.cancelled')
  })
})

it('does not wait before its first token: whoever asks decides that', async () => {
  const asking = ask(alone(new FakeClock()), prompt, { signal: undefined, except: new Set() })
  await expect(asking.next()).resolves.toMatchObject({ value: { type: 'searching' } })
  await expect(asking.next()).rejects.toMatchObject({ code: 'schedule.no-relay' })
})
