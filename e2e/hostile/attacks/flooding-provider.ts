import { STREAM_PROTOCOL } from '#shared/stream/constants.ts'
import { until } from '../../../relay/testing/fixtures.ts'
import { fakeEngine, OWN_SOCKET, TERMS, TestNetwork } from '../../peers/test-network.ts'
import type { Attack } from '../attack.ts'
import { flood } from '../tools/flood.ts'
import { pauseOrEnd } from '../tools/tell-until-end.ts'

const PROVIDERS = 2

/**
 * Providers that are listed and quote like others, and answer each job with as many heartbeats as the stream takes: whoever
 * asks reads each, and answers it.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  await using network = new TestNetwork()
  let [streams, bytes] = [0, 0]
  for (let i = 0; i < PROVIDERS; i++) {
    const joined = relays.map(({ address }) => address)
    const { node, peer } = await network.node({ listen: [OWN_SOCKET], relays: joined })
    const provision = peer.provide(fakeEngine({ tokensPerSecond: 1000 }), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    await node.handle(
      STREAM_PROTOCOL,
      (stream) => {
        streams++
        stream.addEventListener('message', () => undefined)
        void flood(stream, { type: 'beat', beat: 1, echo: false }, signal).then((sent) => {
          bytes += sent
          tell({ streams, bytes })
        })
      },
      { force: true, maxInboundStreams: 256, runOnLimitedConnection: true },
    )
  }
  tell({ keys: PROVIDERS, sockets: PROVIDERS * relays.length, addresses: 1 })
  await pauseOrEnd(signal)
}
