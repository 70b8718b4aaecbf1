import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { openStream } from './connect.ts'

const RELAYED = '/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'

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
    await expect(open(connection)).rejects.toMatchObject({ code: 'mesh.unreachable' })
    expect(abort).not.toHaveBeenCalled()
  })
})
