import { describe, expect, it } from 'vitest'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { TURN_SERVER } from './internet.ts'
import { reasonForNoNats } from './namespaces.ts'
import { startNatNetwork, type NatNetworkInit } from './nat-network.ts'

const reason = reasonForNoNats()
if (reason) console.log(`no NATs: ${reason}`)

/** Handshakes come to less, an answer to more. */
const ANSWER_BYTES = 4000

interface Measured {
  readonly path: string | undefined
  readonly ttftMs: number
  /** Bytes that came to the asker's household from the provider's, and from the TURN server. */
  readonly direct: number
  readonly turned: number
}

async function answerBehind(init: NatNetworkInit): Promise<Measured> {
  await using network = await startNatNetwork(init)
  const { urls, provider, asker } = network
  const [url] = urls
  for (const address of [provider.router.address, TURN_SERVER]) asker.router.countUdpFrom(address)
  await openProvider(provider.browser, url)
  const consumer = await openConsumer(asker.browser, url)
  await consumer.ask('Tell me a story about a fox and a lantern.')
  await consumer.waitForState('done')
  const { segments, ttftMs } = await consumer.record()
  expect(segments).toHaveLength(1)
  const measured = {
    path: segments[0]?.path,
    ttftMs: Math.round(ttftMs ?? Infinity),
    direct: asker.router.udpBytesFrom(provider.router.address),
    turned: asker.router.udpBytesFrom(TURN_SERVER),
  }
  console.info(JSON.stringify({ ...init, ...measured }))
  return measured
}

describe.skipIf(reason)('an answer between two households, each behind its NAT', () => {
  it('goes straight through NATs that keep their mapping', async () => {
    const { path, direct, turned } = await answerBehind({ nat: 'cone' })
    expect(path).toBe('webrtc')
    expect(direct).toBeGreaterThan(ANSWER_BYTES)
    expect(turned).toBeLessThan(ANSWER_BYTES)
  })

  it('goes through the TURN server between symmetric NATs, and says so', async () => {
    const { path, direct, turned } = await answerBehind({ nat: 'symmetric' })
    expect(direct).toBe(0)
    expect(turned).toBeGreaterThan(ANSWER_BYTES)
    expect(path).toBe('turn')
  })

  it('goes over the relay where no UDP goes through', async () => {
    const { path, direct, turned } = await answerBehind({ nat: 'cone', isUdpBlocked: true })
    expect({ path, direct, turned }).toEqual({ path: 'relayed', direct: 0, turned: 0 })
  })
})
