import { describe, expect, it } from 'vitest'
import { modelHash, peerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { DIRECTORY_FILL_MS } from '../schedule/constants.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { HedgeBudget } from '../schedule/policy/hedge.ts'
import { ProviderRecord } from '../schedule/record/provider-record.ts'
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
  const random = { bytes: (length: number) => new Uint8Array(length) }
  return {
    node: { dial: never, getConnections: () => [] },
    clock,
    random,
    name: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
    record: new ProviderRecord({ clock }).of('text-generation'),
    hedges: new HedgeBudget(random),
    offers: new OfferMemory(),
    directFailures: new RecentPeers(clock, millis(MINUTE_MS)),
    unreachable: new RecentPeers(clock, millis(MINUTE_MS)),
    slowRelays: new RecentPeers(clock, millis(MINUTE_MS)),
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

describe('a question at relays that have just started', () => {
  /** A relay with nobody, which holds each question for 4 s and says at its end that it fills until that time. */
  function filling(clock: FakeClock, untilMs: number): DirectoryPort & { asked: number } {
    const directory = {
      relay: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9obbbbbb'),
      asked: 0,
      announce: never,
      withdraw: never,
      query: async () => {
        directory.asked++
        if (clock.monotonic() < untilMs) await sleep(clock, millis(4000))
        const left = millis(untilMs - clock.monotonic())
        return { offers: [], total: 0, ...(left > 0 && { fillingMs: left }) }
      },
      watch: () => () => undefined,
    }
    return directory
  }
  async function askAt(untilMs: number) {
    const clock = new FakeClock()
    const directory = filling(clock, untilMs)
    const reasons: string[] = []
    let endedAt = Number.NaN
    const asking = (async () => {
      const options = { signal: undefined, except: new Set<never>() }
      for await (const event of ask({ ...alone(clock), directories: () => [directory] }, prompt, options))
        if (event.type === 'waiting') reasons.push(event.reason.code)
    })().catch((thrown: unknown) => {
      endedAt = clock.monotonic()
      return (thrown as InfernetError).code
    })
    await clock.advance(60_000)
    return { code: await asking, reasons, endedAt, asked: directory.asked }
  }

  it('looks again as long as one says that it fills, says so, and then that there is nobody', async () => {
    const { code, reasons, endedAt, asked } = await askAt(12_000)
    expect([code, ...reasons]).toEqual(['schedule.no-provider', 'schedule.filling', 'schedule.filling'])
    expect(asked).toBe(3)
    expect(endedAt).toBeGreaterThanOrEqual(12_000)
  })

  it('believes none for longer than it takes, whatever it says', async () => {
    const { code, endedAt } = await askAt(Infinity)
    expect(code).toBe('schedule.no-provider')
    expect(endedAt).toBeLessThanOrEqual(4000 + DIRECTORY_FILL_MS + 5000)
  })
})

it('does not wait before its first token: whoever asks decides that', async () => {
  const asking = ask(alone(new FakeClock()), prompt, { signal: undefined, except: new Set() })
  await expect(asking.next()).resolves.toMatchObject({ value: { type: 'searching' } })
  await expect(asking.next()).rejects.toMatchObject({ code: 'schedule.no-relay' })
})
