import { performance } from 'node:perf_hooks'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { DIRECT_PATH_DEADLINE_MS } from '#shared/peer/connect-limits.ts'
import { pathOf } from '#shared/peer/connect.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  unbroken,
  type TestPeerNode,
} from './test-network.ts'

/** What a node gives a dial; the rest is the machine's. */
const DIAL_LIMIT_MS = DIRECT_PATH_DEADLINE_MS + 2500

describe('a provider that only a relay can reach', () => {
  let network: TestNetwork

  beforeEach(() => {
    network = new TestNetwork()
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const provide = async (who: TestPeerNode, engine = fakeEngine()) => {
    await until('it has a place', () =>
      who.node.getMultiaddrs().some((own) => own.toString().includes('/p2p-circuit')),
    )
    const provision = who.peer.provide(engine, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { provision, engine, name: peerName(who.node.peerId.toString()) }
  }

  it('answers over the relay within the byte budget', async () => {
    const relay = await network.relay()
    const provider = await network.node({ listen: relay.addresses.map(circuit), relays: relay.addresses })
    const { engine, name, provision } = await provide(provider)
    const consumer = await network.node({ relays: relay.addresses })
    const { tokens, summary, events } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (count === 10) expect(provision.jobs).toMatchObject([{ path: 'relayed' }])
      },
    })
    expect(tokens).toEqual(await unbroken(engine.requests[0]))
    expect(events.some(({ type }) => type === 'seam')).toBe(false)
    expect(summary?.segments).toMatchObject([
      { provider: name, path: 'relayed', tokens: 80, signedTokens: 80 },
    ])
  })

  it('never sees the address of a peer that hides, though it could be dialled directly', async () => {
    const relay = await network.relay()
    const listen = [OWN_SOCKET, ...relay.addresses.map(circuit)]
    const provider = await network.node({ listen, relays: relay.addresses })
    const { name } = await provide(provider)
    const consumer = await network.node({ relays: relay.addresses, hides: true })
    const { summary } = await hear(consumer.peer, promptOf(), {
      onEvent: () => {
        const seen = provider.node.getConnections(consumer.node.peerId).map(pathOf)
        expect(seen.every((path) => path === 'relayed')).toBe(true)
      },
    })
    expect(summary?.segments).toMatchObject([{ provider: name, path: 'relayed', tokens: 80 }])
    const open = await network.node({ relays: relay.addresses })
    expect((await hear(open.peer, promptOf())).summary?.segments).toMatchObject([{ path: 'websocket' }])
  })

  it('is not asked by a peer that hides when its own socket is the only way to it', async () => {
    const relay = await network.relay()
    const provider = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = provider.peer.provide(fakeEngine(), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    const consumer = await network.node({ relays: relay.addresses, hides: true })
    await expect(hear(consumer.peer, promptOf())).rejects.toMatchObject({ code: 'mesh.no-hidden-path' })
    expect(provider.node.getConnections(consumer.node.peerId)).toEqual([])
  })

  it('goes on over a new connection when the budget runs out', { timeout: 40_000 }, async () => {
    const relay = await network.relay({ relayDataLimitBytes: 20_000 })
    const provider = await network.node({ listen: relay.addresses.map(circuit), relays: relay.addresses })
    const { engine, name } = await provide(provider, fakeEngine({ answerLength: 300, tokensPerSecond: 400 }))
    const consumer = await network.node({ relays: relay.addresses })
    const { tokens, summary, events } = await hear(consumer.peer, promptOf())
    expect(tokens).toEqual(await unbroken(engine.requests[0], 300))
    expect(events.filter(({ type }) => type === 'seam').length).toBeGreaterThan(0)
    expect(new Set(summary?.segments.map((segment) => segment.provider))).toEqual(new Set([name]))
    expect(summary?.segments.reduce((sum, segment) => sum + segment.tokens, 0)).toBe(300)
    expect(summary?.due).toBe(summary?.segments.reduce((sum, { due }) => sum + due, 0n))
  })

  /**
   * Node provides over WebSockets, so its WebRTC is nobody's only way; it must not hang either. About one of three dials
   * between two Node processes fails: node-datachannel closes its connection while candidates come, and @libp2p/webrtc
   * goes on as if it stood until the dial's own timeout. Tabs do not show this; `e2e/flows` proves their direct paths.
   */
  it(
    'is dialled by WebRTC from Node in bounded time, and such an answer outlives the relay',
    { timeout: 120_000 },
    async () => {
      const relay = await network.relay()
      const listen = ['/webrtc', ...relay.addresses.map(circuit)]
      const provider = await network.node({ listen, relays: relay.addresses })
      const { engine } = await provide(provider)
      const consumer = await network.node({ listen: ['/webrtc'], relays: relay.addresses })
      const address = provider.node.getMultiaddrs().find((own) => own.toString().includes('/webrtc'))
      const hangUp = async (): Promise<void> => {
        // A connection whose other end is gone does not close in order; it is none all the same.
        const shut = (open: Connection) => open.close().catch((thrown: Error) => open.abort(thrown))
        await Promise.all(consumer.node.getConnections(provider.node.peerId).map(shut))
        await until('it is closed', () => provider.node.getConnections(consumer.node.peerId).length === 0)
      }
      let direct = 0
      for (let dial = 1; dial <= 10 && direct < 2; dial++) {
        await hangUp()
        const startedAt = performance.now()
        const connection = await consumer.node.dial(multiaddr(String(address))).catch(() => undefined)
        expect(performance.now() - startedAt, `dial ${dial}`).toBeLessThan(DIAL_LIMIT_MS)
        if (connection && pathOf(connection) === 'webrtc') direct++
      }
      expect(direct).toBe(2)
      let stopping: Promise<void> | undefined
      const { tokens, events, summary } = await hear(consumer.peer, promptOf(), {
        onEvent: (_, count) => void (count > 10 && (stopping ??= relay.stop())),
      })
      expect(tokens).toEqual(await unbroken(engine.requests[0]))
      expect(events.some(({ type }) => type === 'seam')).toBe(false)
      expect(summary?.segments).toMatchObject([{ path: 'webrtc' }])
      await stopping
    },
  )
})

function circuit(address: string): string {
  return `${address}/p2p-circuit`
}
