import { expect, test } from 'vitest'
import { until } from '../../relay/testing/fixtures.ts'
import { startCutLine } from '../fixtures/cut-line.ts'
import { fakeEngine, TERMS, TestNetwork } from './test-network.ts'

/** The relay's address by another port. */
function through(address: string, port: number): string {
  return address.replace(/\/tcp\/\d+\//, `/tcp/${port}/`)
}

async function providerBehindLine(network: TestNetwork) {
  const relay = await network.relay()
  const [address = ''] = relay.addresses
  const line = await startCutLine(Number(new URL(relay.httpUrl).port))
  network.defer(() => line.stop())
  const provider = await network.node({ relays: [through(address, line.port)] })
  const asker = await network.node({ relays: [address] })
  await provider.joined.provide()
  const provision = provider.peer.provide(fakeEngine(), TERMS)
  await until('the offer is listed', async () => (await asker.peer.look()).offers.length === 1)
  return { line, provider, provision, state: () => provider.joined.views[0]?.state }
}

test('a provider whose socket died without a goodbye is listed again within 5 s', async () => {
  await using network = new TestNetwork()
  const { line, provider, provision, state } = await providerBehindLine(network)
  line.kill()
  const diedAt = performance.now()
  const takenBefore = provision.offerAcceptedAt ?? 0
  provider.joined.check()
  await until('it is in doubt', () => state() === 'checking', 4000)
  await until('the relay has a place for it again', () => provider.joined.views[0]?.reserved === true, 5000)
  await until('the relay took its offer again', () => (provision.offerAcceptedAt ?? 0) > takenBefore, 5000)
  expect(performance.now() - diedAt).toBeLessThan(5000)
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
