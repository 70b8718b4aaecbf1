/** `provider.ts socket|place <relay address> ...`: an honest provider of the fake model, at a pace of its own. Started by Ground. */
import { until } from '../../relay/testing/fixtures.ts'
import { fakeEngine, OWN_SOCKET, TERMS, TestNetwork } from '../peers/test-network.ts'
import type { ProviderAddresses } from './attack.ts'

/** The first token takes 50 ms: long enough that a ratio of such times is not one of the machine's own noise. */
const TOKENS_PER_SECOND = 20
const ANSWER_TOKENS = 12

const [reach, ...relays] = process.argv.slice(2)
const network = new TestNetwork()
const listen = reach === 'place' ? relays.map((relay) => `${relay}/p2p-circuit`) : [OWN_SOCKET]
const { node, peer } = await network.node({ listen, relays })
await until('it can be reached', () => node.getMultiaddrs().length > 0)
const engine = fakeEngine({ tokensPerSecond: TOKENS_PER_SECOND, answerLength: ANSWER_TOKENS })
const provision = peer.provide(engine, TERMS)
await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
const ready: ProviderAddresses = {
  name: node.peerId.toString(),
  addresses: node.getMultiaddrs().map((address) => address.toString()),
}
process.send?.({ ready })
process.on('disconnect', () => process.exit(0))
