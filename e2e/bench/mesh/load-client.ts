/**
 * A process of cheap nodes for the relay to hold: `load-client.ts <relay address> <count>`, forked by `LoadClients`.
 *
 * Each is a tab's node without WebRTC: the same services, monitor and reservation, and for offers the real provision
 * over an engine without a model.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { peerName } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { createPeer } from '#shared/peer/create-peer.ts'
import { OFFER_RENEW_MS, SCHEDULE_PROTOCOL } from '#shared/schedule/constants.ts'
import { DirectoryClient } from '#shared/schedule/directory-client.ts'
import { createFakeEngine } from '#shared/testing/fake-engine.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { TAB_PING_MS } from './tab-pings.ts'

export type LoadOrder = 'offer'
export type LoadReport = 'reserved' | 'offered'

interface LoadNode {
  readonly node: Libp2p
  readonly key: PrivateKey
  readonly connection: Connection
}

const PRICE = { promptPerMillion: baseUnits(1n), outputPerMillion: baseUnits(1n) }

const [address = '', count = '0'] = process.argv.slice(2)
const nodes: LoadNode[] = []
// One after the other: a burst of dials would time out on a small machine.
while (nodes.length < Number(count)) nodes.push(await join())
report('reserved')
process.on('message', () => void offerAll().then(() => report('offered')))
process.on('disconnect', () => process.exit(0))

async function join(): Promise<LoadNode> {
  const key = await generateKeyPair('Ed25519')
  const node = await startLocalNode({
    key,
    listen: [`${address}/p2p-circuit`],
    monitorPingMs: TAB_PING_MS,
  })
  return { node, key, connection: await node.dial(multiaddr(address)) }
}

/** Tabs do not begin to provide in the same moment: they are spread over one renewal. */
async function offerAll(): Promise<void> {
  const gapMs = OFFER_RENEW_MS / nodes.length
  await Promise.all(
    nodes.map(async (each, i) => {
      await new Promise((resolve) => setTimeout(resolve, i * gapMs))
      await offer(each)
    }),
  )
}

function offer({ node, key, connection }: LoadNode): Promise<void> {
  const openStream = ({ signal }: { signal: AbortSignal }) =>
    connection.newStream(SCHEDULE_PROTOCOL, { signal })
  const directory = new DirectoryClient(peerName(connection.remotePeer.toString()), {
    clock: realClock,
    openStream,
  })
  const relays = { directories: [directory], views: [], onChange: () => () => undefined }
  const peer = createPeer({ node, key, clock: realClock, random: realRandom, relays }, { kind: 'tab' })
  const engine = createFakeEngine({ clock: realClock })
  const provision = peer.provide(engine, { price: PRICE, selfTest: { right: 1, total: 1 } })
  return new Promise((resolve) => {
    const stop = provision.onChange(() => {
      if (provision.offerAcceptedAt === undefined) return
      stop()
      resolve()
    })
  })
}

function report(done: LoadReport): void {
  process.send?.(done)
}
