import { until } from '../../../relay/testing/fixtures.ts'
import { fakeEngine, OWN_SOCKET, TERMS, TestNetwork } from '../../peers/test-network.ts'
import type { Attack } from '../attack.ts'

/** A token in twelve days. */
const NEVER = 1e-6
const SPEED = 1e6

/**
 * A provider that is the fastest of all by its own word, takes each job and answers every sign of life, and writes nothing.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const network = new TestNetwork()
  const { peer } = await network.node({ listen: [OWN_SOCKET], relays: relays.map(({ address }) => address) })
  const info = {
    prefillTokensPerSecond: SPEED,
    decodeTokensPerSecond: SPEED,
    batchTokensPerSecond: SPEED,
    streams: 64,
  }
  const engine = fakeEngine({ tokensPerSecond: NEVER, info })
  const provision = peer.provide(engine, TERMS)
  await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
  tell({ keys: 1, addresses: 1, sockets: 1, requests: 0 })
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    tell({ requests: engine.requests.length })
  }
}
