import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AnswerEvent } from '#shared/peer/peer.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { startCutLine } from '../fixtures/cut-line.ts'
import { fakeEngine, hear, promptOf, TERMS, TestNetwork } from './test-network.ts'

/** How soon a relay's silence is doubted, and the provider of use again: our aim is 5 s. */
const AIM_MS = 5000
/** A busy machine takes longer for what takes a fraction of a second alone. */
const GIVE_UP_MS = 15_000

/** The relay's address by another port. */
function through(address: string, port: number): string {
  return address.replace(/\/tcp\/\d+\//, `/tcp/${port}/`)
}

async function providerBehindLine(network: TestNetwork, engine = fakeEngine()) {
  const relay = await network.relay()
  const [address = ''] = relay.addresses
  const line = await startCutLine(Number(new URL(relay.httpUrl).port))
  network.defer(() => line.stop())
  const provider = await network.node({ relays: [through(address, line.port)] })
  const asker = await network.node({ relays: [address] })
  await provider.joined.provide()
  const provision = provider.peer.provide(engine, TERMS)
  await until('the offer is listed', async () => (await asker.peer.look()).offers.length === 1)
  return { line, provider, asker, provision, state: () => provider.joined.views[0]?.state }
}

test('a provider whose socket died without a goodbye is listed again and answers within 5 s', async () => {
  await using network = new TestNetwork()
  const { line, asker, provider, provision, state } = await providerBehindLine(network)
  line.kill()
  const diedAt = performance.now()
  const takenBefore = provision.offerAcceptedAt ?? 0
  provider.joined.check()
  await until('it is in doubt', () => state() === 'checking', 4000)
  await until('the relay has a place for it again', () => provider.joined.views[0]?.reserved === true, 5000)
  await until('the relay took its offer again', () => (provision.offerAcceptedAt ?? 0) > takenBefore, 5000)
  expect((await hear(asker.peer, promptOf())).tokens.length).toBeGreaterThan(0)
  const answered = performance.now() - diedAt
  console.info(`answered again after ${Math.round(answered)} ms; aim ${AIM_MS}`)
  expect(answered).toBeLessThan(AIM_MS)
})

test('a provider whose socket died notices it by itself, and its offer at the relay never names no way to it', async () => {
  await using network = new TestNetwork()
  const { line, asker, provider, provision, state } = await providerBehindLine(network)
  const named = new Set<number>()
  line.kill()
  const diedAt = performance.now()
  const takenBefore = provision.offerAcceptedAt ?? 0
  await until('it is in doubt', () => state() === 'checking', AIM_MS)
  console.info(`doubted after ${Math.round(performance.now() - diedAt)} ms; aim ${AIM_MS}`)
  await until(
    'the relay took its offer again',
    async () => {
      await sleep(300) // the relay answers five questions a second
      for (const { offer } of (await asker.peer.look()).offers) named.add(offer.addresses.length)
      return (provision.offerAcceptedAt ?? 0) > takenBefore
    },
    GIVE_UP_MS,
  )
  console.info(`listed again after ${Math.round(performance.now() - diedAt)} ms; aim ${AIM_MS}`)
  expect(provider.joined.views[0]?.reserved).toBe(true)
  expect([...named]).not.toContain(0)
})

test('who asks on after a silence does not wait for the connection that led nowhere', async () => {
  await using network = new TestNetwork()
  const engine = fakeEngine({ tokensPerSecond: 20 })
  const { line, asker, provider } = await providerBehindLine(network, engine)
  const standing = () => asker.node.getConnections(provider.node.peerId).length
  const stop = new AbortController()
  const atSeam: number[] = []
  const onEvent = ({ type }: AnswerEvent, count: number): void => {
    if (type === 'tokens' && count === 5) line.cut()
    if (type !== 'seam') return
    atSeam.push(standing())
    stop.abort()
  }
  await expect(hear(asker.peer, promptOf(), { onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'stream.cancelled',
  })
  expect(atSeam).toEqual([0])
})

test('a relay that only said nothing for long is dialled again at once when the network is back', async () => {
  await using network = new TestNetwork()
  const { line, provider, state } = await providerBehindLine(network)
  line.cut()
  provider.joined.check()
  await until('it is given up', () => state() === 'down', 5000)
  // A dial goes into the dead line now, and would wait for its whole deadline.
  await until('a dial hangs in the dead line', () => line.stuckMs > 1500)
  line.mend()
  const backAt = performance.now()
  provider.joined.check()
  await until('the relay has a place for it again', () => provider.joined.views[0]?.reserved === true, 5000)
  expect(performance.now() - backAt).toBeLessThan(5000)
})

test('a relay that answers is not dialled again, however often it is asked', async () => {
  await using network = new TestNetwork()
  const relay = await network.relay()
  const { node, joined } = await network.node({ relays: relay.addresses.slice(0, 1) })
  const [before] = node.getConnections()
  for (let i = 0; i < 20; i++) joined.check()
  await expect.poll(() => joined.views[0]?.rttMs).toBeGreaterThan(0)
  expect(node.getConnections().map(({ id }) => id)).toEqual([before?.id])
  expect(joined.views[0]?.state).toBe('up')
})
