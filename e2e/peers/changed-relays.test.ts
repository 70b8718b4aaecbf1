import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, test } from 'vitest'
import { MAX_KNOWN_RELAYS } from '#shared/mesh/constants.ts'
import { until } from '../../relay/testing/fixtures.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { TestNetwork } from './test-network.ts'

function nameOf({ addresses }: Relay): string | undefined {
  return addresses[0]?.split('/p2p/')[1]
}

test.concurrent('a relay that came back under another name at the same address is found again', async () => {
  await using network = new TestNetwork()
  const before = await network.relay()
  const port = Number(new URL(before.httpUrl).port)
  let listed = before.addresses.slice(0, 1)
  const { joined } = await network.node({ relays: listed, readRelays: async () => listed })
  await joined.provide()
  await before.stop()
  await until('it is down', () => joined.views[0]?.state === 'down')
  const after = await network.relay({ port })
  listed = after.addresses.slice(0, 1)
  expect(nameOf(after)).not.toBe(nameOf(before))
  await until('the new one is up', () =>
    joined.views.some(({ state, reserved }) => state === 'up' && reserved),
  )
  expect(joined.views.map(({ relay }) => String(relay))).toEqual([nameOf(after)])
})

test.concurrent(
  'every relay that is known is tried while fewer than two answer, and let go when the first ones are back',
  async () => {
    await using network = new TestNetwork()
    const privateKey = await generateKeyPair('Ed25519')
    const first = await network.relay({}, privateKey)
    const [second, third] = [await network.relay(), await network.relay()]
    const known = [first, second, third].flatMap(({ addresses }) => addresses.slice(0, 1))
    const { joined } = await network.node({ relays: known })
    const up = (): string[] =>
      joined.views.flatMap(({ relay, state }) => (state === 'up' ? [String(relay)] : []))
    expect(up()).toEqual([nameOf(first), nameOf(second)])
    const port = Number(new URL(first.httpUrl).port)
    await first.stop()
    await until('the third stands in', () => up().join() === [nameOf(second), nameOf(third)].join())
    await network.relay({ port }, privateKey)
    await until(
      'the first two are kept again',
      () => joined.views.map(({ relay }) => String(relay)).join() === [nameOf(first), nameOf(second)].join(),
    )
  },
)

test.concurrent('a list of relays that is rubbish, endless or not to be had harms nothing', async () => {
  await using network = new TestNetwork()
  const relay = await network.relay()
  const [address = ''] = relay.addresses
  const endless = Array.from({ length: 500 }, (_, i) => address.replace(/\/tcp\/\d+\//, `/tcp/${i + 1}/`))
  const listed = ['', 'nonsense', '/p2p/', '/ip4/127.0.0.1/tcp/1/ws/p2p/nobody', ...endless]
  let asked = 0
  const readRelays = async (): Promise<readonly string[]> => {
    if (asked++ === 0) throw new Error('not to be had')
    return listed
  }
  const { joined } = await network.node({ relays: [address], readRelays })
  await relay.stop()
  await until('they are tried', () => joined.views.length > 2)
  expect(asked).toBeGreaterThanOrEqual(2)
  // As many as may be known, and the one that was kept before.
  expect(joined.views.length).toBeLessThanOrEqual(MAX_KNOWN_RELAYS + 1)
  expect(joined.views.every(({ address: tried }) => endless.includes(tried) || tried === address)).toBe(true)
})
