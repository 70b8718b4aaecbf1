import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../relay/testing/fixtures.ts'
import type { Relay } from '../../relay/create-relay.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  type TestPeerNode,
} from './test-network.ts'

let network: TestNetwork
let relay: Relay
let consumer: TestPeerNode
beforeEach(async () => {
  network = new TestNetwork()
  relay = await network.relay()
  consumer = await network.node({ relays: relay.addresses })
})
afterEach(() => network[Symbol.asyncDispose]())

async function provider(contextLength: number, decodeTokensPerSecond: number) {
  const engine = fakeEngine({ info: { contextLength, decodeTokensPerSecond }, tokensPerSecond: 400 })
  const who = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
  const provision = who.peer.provide(engine, TERMS)
  await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
  return { ...who, engine, provision }
}

const promptOfLength = (length: number) =>
  promptOf({ promptTokens: Array.from({ length }, (_, i) => 3 + (i % 900)) })

it('carries a long text, and what was written of it to the next provider', async () => {
  const [a, b] = [await provider(32_768, 1000), await provider(32_768, 999)]
  let broken = false
  const { tokens, summary } = await hear(consumer.peer, promptOfLength(30_000), {
    onEvent: (_, count) => {
      if (broken || count < 8) return
      broken = true
      for (const { engine } of [a, b]) if (engine.active > 0) engine.breakDown(new Error('gone'))
    },
  })
  expect(tokens).toHaveLength(80)
  expect(summary?.segments).toHaveLength(2)
})

it('asks only those whose offer says that they hold it', async () => {
  const small = await provider(1024, 1e6)
  const large = await provider(32_768, 1)
  await until('both are known', async () => (await consumer.peer.look()).offers.length === 2)
  expect((await hear(consumer.peer, promptOfLength(2000))).tokens).toHaveLength(80)
  expect([small.engine.requests.length, large.engine.requests.length]).toEqual([0, 1])
})

it('refuses what nobody holds by its name, asks nobody and blames nobody', async () => {
  const { engine } = await provider(1024, 1000)
  await expect(hear(consumer.peer, promptOfLength(1024))).rejects.toMatchObject({
    code: 'prompt.too-long',
    facts: { tokens: 1024, maxTokens: 1023 },
  })
  await expect(hear(consumer.peer, promptOfLength(40_000))).rejects.toMatchObject({
    code: 'prompt.too-long',
    facts: { tokens: 40_000, maxTokens: 32_767 },
  })
  expect(engine.requests).toEqual([])
  expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
})
