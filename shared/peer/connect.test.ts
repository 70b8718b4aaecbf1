import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { peerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { connect, openStream } from './connect.ts'
import { RecentPeers } from './recent-peers.ts'

const RELAYED = '/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'

/** What stands already, what the offer names, and where a dial arrives. */
interface Scene {
  readonly standing?: Connection[]
  readonly addresses?: readonly string[]
  readonly reached?: string
}

/** A connection on which every stream fails: what stands there when nobody has told this side of its end. */
function failing(
  address: string,
  thrown: Error,
): { connection: Connection; abort: ReturnType<typeof vi.fn> } {
  const abort = vi.fn()
  const connection: Partial<Connection> = {
    remoteAddr: multiaddr(address),
    newStream: () => Promise.reject(thrown),
    abort,
  }
  return { connection: connection as Connection, abort }
}

describe('a stream that does not open', () => {
  const open = (connection: Connection): Promise<unknown> =>
    openStream({ clock: new FakeClock() }, connection, '/infernet/prompt/1')

  it.each([
    ['relayed', RELAYED],
    ['WebRTC', `${RELAYED}/webrtc`],
  ])(
    'ends a %s connection, as nobody is at its other end any more, and may be tried on a new one',
    async (_, address) => {
      const { connection, abort } = failing(address, new Error('reset'))
      await expect(open(connection)).rejects.toMatchObject({ code: 'wire.closed' })
      expect(abort).toHaveBeenCalledOnce()
    },
  )

  it('leaves a socket alone, which may be the one to a relay', async () => {
    const { connection, abort } = failing('/ip4/127.0.0.1/tcp/1/ws', new Error('reset'))
    await expect(open(connection)).rejects.toMatchObject({ code: 'mesh.unreachable' })
    expect(abort).not.toHaveBeenCalled()
  })

  it('leaves a connection to a peer that does not speak the protocol', async () => {
    const refusal = Object.assign(new Error('no'), { name: 'UnsupportedProtocolError' })
    const { connection, abort } = failing(RELAYED, refusal)
    await expect(open(connection)).rejects.toMatchObject({ code: 'wire.other-version' })
    expect(abort).not.toHaveBeenCalled()
  })
})

describe('a connection of a peer that hides', () => {
  const provider = peerName('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK')
  const relay = RELAYED.slice(0, RELAYED.indexOf('/p2p-circuit'))
  const offered = [
    `/ip4/203.0.113.7/tcp/1/ws/p2p/${provider}`,
    `${relay}/p2p-circuit/webrtc/p2p/${provider}`,
    `${relay}/p2p-circuit/p2p/${provider}`,
  ]
  const at = (address: string): Connection => {
    const connection: Partial<Connection> = { status: 'open', remoteAddr: multiaddr(address) }
    return connection as Connection
  }

  async function dialled(
    hasTurn: boolean,
    { standing = [], addresses = offered, reached = RELAYED }: Scene = {},
  ) {
    const dials: string[] = []
    const clock = new FakeClock()
    const node = {
      getConnections: () => standing,
      dial: async (to: unknown) => {
        dials.push(...(to as unknown[]).map(String))
        return at(reached)
      },
    }
    const directFailures = new RecentPeers(clock, millis(1000))
    const hiding = { hasTurn, relays: () => [relay] }
    const { path } = await connect({ node, clock, directFailures, hiding }, provider, addresses)
    return { path, dials }
  }
  it('goes over the relay at once where there is no TURN server', async () => {
    expect(await dialled(false)).toEqual({ path: 'relayed', dials: [offered[2]] })
  })

  it('goes through TURN where there is one, and says so', async () => {
    expect(await dialled(true, { reached: offered[1]! })).toEqual({ path: 'turn', dials: [offered[1]] })
    expect(await dialled(true, { standing: [at(offered[1]!)] })).toEqual({ path: 'turn', dials: [] })
  })

  it('is refused by name to whom it would show the address, though a socket stands already', async () => {
    await expect(dialled(true, { addresses: [offered[0]!] })).rejects.toMatchObject({
      code: 'mesh.no-hidden-path',
    })
    await expect(dialled(true, { standing: [at(offered[0]!)] })).rejects.toMatchObject({
      code: 'mesh.no-hidden-path',
    })
    await expect(dialled(false, { reached: offered[0]! })).rejects.toMatchObject({
      code: 'mesh.no-hidden-path',
    })
  })
})
