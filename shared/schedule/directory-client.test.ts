import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName } from '../base/ids.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { connectedStreams, makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { ANSWER_DEADLINE_MS } from '../wire/limits.ts'
import { FLOOD_REST_MS, UNASKED_RATE } from './constants.ts'
import { Directory } from './directory.ts'
import { DirectoryClient } from './directory-client.ts'
import { directoryRequestSchema } from './messages.ts'
import { DirectoryService } from './directory-service.ts'

describe('DirectoryClient', () => {
  let peer: TestPeer
  let service: DirectoryService
  let client: DirectoryClient
  let opened: Stream[]
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    opened = []
    peer = await makePeer()
    service = new DirectoryService({
      clock: realClock,
      directory: new Directory({ clock: realClock, random: realRandom }),
    })
    client = new DirectoryClient(peerName('relay'), { clock: realClock, openStream })
  })
  afterEach(async () => {
    client.close()
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  const openStream = async (): Promise<Stream> => {
    const { ours, theirs, connection } = await connectedStreams(peer)
    void service.handle(theirs, connection)
    opened.push(ours)
    return ours
  }
  const ask = () => client.query(someModel(), 4)

  it('asks everything on one stream', async () => {
    await Promise.all(Array.from({ length: 10 }, ask))
    expect(opened).toHaveLength(1)
  })

  it('probes on the same stream, and the relay goes on telling of lost peers', async () => {
    const gone = Promise.withResolvers<void>()
    client.watch(peer.name, () => gone.resolve())
    await client.probe()
    expect(opened).toHaveLength(1)
    expect(client.rttMs).toBeGreaterThanOrEqual(0)
    service.peerGone(peer.name)
    await gone.promise
  })

  it('opens a new stream after its end, whoever ended it, and the old one’s end fails nobody on the new one', async () => {
    await ask()
    client.close()
    const [first, second] = await Promise.all([ask(), ask()])
    expect([first.total, second.total]).toEqual([0, 0])
    expect(opened).toHaveLength(2)
    opened[1]?.abort(new Error('the relay went away'))
    expect((await ask()).total).toBe(0)
    expect(opened).toHaveLength(3)
    await expect.poll(() => service.sessions).toBe(1)
  })

  it('fails those who wait when the stream ends', async () => {
    await ask()
    const waiting = ask()
    opened[0]?.abort(new Error('the relay went away'))
    await expect(waiting).rejects.toMatchObject({ name: 'InfernetError' })
  })

  it('says that there is no relay when none can be reached, and tries again the next time', async () => {
    let isUp = false
    client = new DirectoryClient(peerName('relay'), {
      clock: realClock,
      openStream: () => (isUp ? openStream() : Promise.reject(new Error('connection refused'))),
    })
    await expect(ask()).rejects.toMatchObject({ code: 'schedule.no-relay' })
    isUp = true
    expect((await ask()).total).toBe(0)
  })

  it('waits for a relay that does not answer no longer than the deadline', async () => {
    const clock = new FakeClock()
    const silent = new DirectoryClient(peerName('relay'), {
      clock,
      openStream: async () => (await connectedStreams(peer)).ours,
    })
    const waiting = silent.query(undefined, 1)
    waiting.catch(() => undefined)
    await clock.advance(ANSWER_DEADLINE_MS)
    await expect(waiting).rejects.toMatchObject({ code: 'wire.timeout' })
    silent.close()
  })

  describe('of a relay that sends what nobody asked for', () => {
    const clock = new FakeClock()
    let relays: FramedStream<typeof directoryRequestSchema>[]

    beforeEach(() => {
      relays = []
      client = new DirectoryClient(peerName('relay'), {
        clock,
        openStream: async () => {
          const { ours, theirs } = await connectedStreams(peer)
          relays.push(new FramedStream(theirs, directoryRequestSchema, realClock))
          opened.push(ours)
          return ours
        },
      })
    })
    /** Sends until the stream is cut, or that many. */
    const flood = async (message: (i: number) => unknown, count: number): Promise<number> => {
      const relay = relays.at(-1)
      for (let sent = 0; sent < count; sent++)
        if (
          !relay?.isOpen ||
          !(await relay.send(message(sent)).then(
            () => true,
            () => false,
          ))
        )
          return sent
      return count
    }
    const goneOf = () => ({ type: 'gone', peer: peer.name })

    it.each([
      ['word of lost peers', () => ({ type: 'gone', peer: peer.name })],
      ['answers to what was never asked', (i: number) => ({ type: 'done', id: 1000 + i, until: 1 })],
      ['one answer again and again', () => ({ type: 'done', id: 0, until: 1 })],
    ])(
      'cuts the stream over too much %s, leaves it alone for a minute, and asks it again then',
      async (_, said) => {
        let told = 0
        const asking = client.probe()
        client.watch(peer.name, () => told++)
        await expect.poll(() => relays.length).toBe(1)
        await relays[0]?.send({ type: 'done', id: 0, until: 1 })
        await asking
        expect(await flood(said, 100_000)).toBeLessThan(10_000)
        await expect.poll(() => opened[0]?.status).not.toBe('open')
        expect(told).toBeLessThanOrEqual(UNASKED_RATE.burst)
        await expect(client.probe()).rejects.toMatchObject({ code: 'schedule.flooded' })
        await clock.advance(FLOOD_REST_MS - 1)
        await expect(ask()).rejects.toMatchObject({ code: 'schedule.flooded' })
        expect(opened).toHaveLength(1)
        await clock.advance(1)
        void ask().catch(() => undefined)
        await expect.poll(() => opened.length).toBe(2)
      },
    )

    it('hears of two whole lists at once, and of one peer a second', async () => {
      let told = 0
      client.watch(peer.name, () => told++)
      await expect.poll(() => relays.length).toBe(1)
      for (const count of [UNASKED_RATE.burst, 1, 1, 1]) {
        const before = told
        await flood(goneOf, count)
        await expect.poll(() => told).toBe(before + count)
        await clock.advance(1000)
      }
      expect(opened[0]?.status).toBe('open')
    })
  })

  it('tells who watches when the relay lost a peer, also over a stream that came later', async () => {
    const gone: string[] = []
    const stop = client.watch(peerName(peer.name), () => gone.push('a'))
    await ask()
    client.close()
    await ask()
    service.peerGone(peer.name)
    await expect.poll(() => gone).toEqual(['a'])
    stop()
    await ask()
    service.peerGone(peer.name)
    await ask()
    expect(gone).toEqual(['a'])
  })
})
