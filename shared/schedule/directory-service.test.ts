import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import {
  connectedStreams,
  makePeer,
  signOffer,
  someModel,
  someOffer,
  type TestPeer,
} from '../testing/peers.ts'
import { someAddress } from '../testing/payments.ts'
import { encode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { sign } from '../wire/signed.ts'
import { ANSWER_DEADLINE_MS } from '../wire/limits.ts'
import { DIRECTORY_FILL_MS, MAX_BESIDES, FILLING_QUERY_MS } from './constants.ts'
import { DemandDesk } from './demand/demand-desk.ts'
import { DemandMeter } from './demand/demand-meter.ts'
import { openDemand } from './demand/demand-record.ts'
import { Directory } from './directory.ts'
import { directoryReplySchema } from './messages.ts'
import { DirectoryClient } from './directory-client.ts'
import { DirectoryService } from './directory-service.ts'

describe('DirectoryService with DirectoryClient', () => {
  const relay = 'relay' as TestPeer['name']
  let service: DirectoryService
  let directory: Directory
  let peer: TestPeer
  let gossiped: Uint8Array[]
  const clients: DirectoryClient[] = []

  beforeEach(async () => {
    gossiped = []
    directory = new Directory({ clock: realClock, random: realRandom })
    service = new DirectoryService({
      clock: realClock,
      directory,
      gossip: (message) => gossiped.push(message),
    })
    peer = await makePeer()
  })
  afterEach(() => clients.splice(0).forEach((client) => client.close()))

  const clientOf = (who: TestPeer): DirectoryClient => {
    const openStream = async () => {
      const { ours, theirs, connection } = await connectedStreams(who)
      void service.handle(theirs, connection)
      return ours
    }
    const client = new DirectoryClient(relay, { clock: realClock, openStream })
    clients.push(client)
    return client
  }
  const offerOf = async (who: TestPeer) => (await signOffer(who, someOffer(realClock.now()))).offer

  it('takes an offer, names it to others, tells the other relays and withdraws it', async () => {
    const provider = clientOf(peer)
    await provider.announce(await offerOf(peer))
    const consumer = clientOf(await makePeer())
    expect(await consumer.query(someModel(), 4)).toMatchObject({
      offers: [{ provider: peer.name }],
      total: 1,
    })
    expect(gossiped).toHaveLength(1)
    await provider.withdraw(
      await sign('drain', { model: fromHex(someModel()), sequence: 1, issuedAt: realClock.now() }, peer.key),
    )
    expect(await consumer.query(undefined, 4)).toMatchObject({ total: 0 })
    expect(gossiped).toHaveLength(2)
  })

  it('lets a question wait for the first offer while it fills, on the very stream that brings it too', async () => {
    service = new DirectoryService({ clock: realClock, directory }, { fillMs: 60_000 })
    const both = clientOf(peer)
    const asked = both.query(someModel(), 4)
    expect(await both.query(undefined, 4), 'a question for all is answered at once').toMatchObject({
      total: 0,
    })
    await both.announce(await offerOf(peer))
    expect(await asked).toMatchObject({ offers: [{ provider: peer.name }], total: 1 })
    service.peerGone(peer.name)
    expect(await both.query(someModel(), 4), 'who left is gone').toMatchObject({ total: 0 })
  })

  it('answers a question that waited with nobody before its asker gives up, and at once when it is filled', async () => {
    const clock = new FakeClock()
    service = new DirectoryService({ clock, directory }, { fillMs: DIRECTORY_FILL_MS })
    const client = clientOf(peer)
    const asked = client.query(someModel(), 4)
    await client.query(undefined, 4) // answered after the other one was read
    await clock.advance(FILLING_QUERY_MS)
    // And says how long it is worth asking again.
    expect(await asked).toEqual({ offers: [], total: 0, fillingMs: DIRECTORY_FILL_MS - FILLING_QUERY_MS })
    expect(FILLING_QUERY_MS).toBeLessThan(ANSWER_DEADLINE_MS)
    await clock.advance(DIRECTORY_FILL_MS)
    expect(await client.query(someModel(), 4)).toEqual({ offers: [], total: 0 })
  })

  it('gives its signed word on what is wanted to who looks at all models, and to nobody else', async () => {
    const clock = new FakeClock()
    const meter = new DemandMeter(clock)
    const desk = new DemandDesk({ clock, key: peer.key, meter, directory })
    service = new DirectoryService({ clock: realClock, directory, demand: () => desk.record() })
    const client = clientOf(peer)
    expect((await client.query(undefined, 4)).demand, 'nothing was settled').toBeUndefined()
    meter.settled({ payer: someAddress('a1'), model: someModel(), shares: 0.5 })
    const told = async () => {
      const { demand } = await client.query(undefined, 4)
      return demand && (await openDemand(demand, { relay: peer.name, now: clock.now() }))
    }
    expect(await told()).toEqual([{ model: someModel(), quarter: 0.5, day: 0.5, loaded: 0 }])
    expect((await client.query(someModel(), 4)).demand).toBeUndefined()
    await client.announce(await offerOf(peer))
    const shelved = await makePeer()
    const onDisk = someOffer(realClock.now(), { tier: 'disk' })
    await clientOf(shelved).announce((await signOffer(shelved, onDisk)).offer)
    expect((await told())?.[0]?.loaded, 'made anew once a minute').toBe(0)
    await clock.advance(60_000)
    expect((await told())?.[0]?.loaded, 'one has it loaded, the other on disk').toBe(1)
  })

  it('says nothing of what is wanted to a peer that does not ask for it, and could not read it', async () => {
    service = new DirectoryService({ clock: realClock, directory, demand: async () => new Uint8Array(9) })
    const { ours, theirs, connection } = await connectedStreams(peer)
    void service.handle(theirs, connection)
    const frames = new FramedStream(ours, directoryReplySchema, realClock)
    await frames.send({ type: 'query', id: 1, model: null, limit: 4 })
    expect(await frames.receive()).toEqual({ type: 'offers', id: 1, offers: [], total: 0 })
    frames.abort(new Error('over'))
  })

  it('names others on the next page, until there are none', async () => {
    for (let i = 0; i < 5; i++) {
      const provider = await makePeer()
      await clientOf(provider).announce(await offerOf(provider))
    }
    const consumer = clientOf(await makePeer())
    const met: TestPeer['name'][] = []
    const sizes: number[] = []
    do {
      const { offers, total } = await consumer.query(someModel(), 2, { besides: met })
      expect(total, 'those that are known count').toBe(5)
      sizes.push(offers.length)
      met.push(...offers.map(({ provider }) => provider))
    } while (sizes.at(-1) !== 0)
    expect(sizes).toEqual([2, 2, 1, 0])
    expect(new Set(met).size).toBe(5)
  })

  it('understands a question of as many known peers as one may name, and of more the last ones', async () => {
    await clientOf(peer).announce(await offerOf(peer))
    const strangers = await Promise.all(Array.from({ length: MAX_BESIDES }, makePeer))
    const names = strangers.map(({ name }) => name)
    const consumer = clientOf(await makePeer())
    const found = async (besides: TestPeer['name'][]) =>
      (await consumer.query(undefined, 4, { besides })).offers.length
    expect(await found(names)).toBe(1)
    expect(await found([...names, peer.name])).toBe(0)
    expect(await found([peer.name, ...names])).toBe(1)
  })

  it('refuses by name an offer that its bringer did not sign', async () => {
    const stranger = await makePeer()
    await expect(clientOf(stranger).announce(await offerOf(peer))).rejects.toMatchObject({
      code: 'wire.bad-signature',
    })
    expect(directory.size).toBe(0)
  })

  it('tells those who watch a peer that it is gone, and drops its offers', async () => {
    await clientOf(peer).announce(await offerOf(peer))
    const gone = Promise.withResolvers<void>()
    const watcher = clientOf(await makePeer())
    watcher.watch(peer.name, () => gone.resolve())
    await watcher.query(someModel(), 1) // answers come in order, so the watch stands by now
    service.peerGone(peer.name)
    await gone.promise
    expect(await watcher.query(someModel(), 4)).toMatchObject({ total: 0 })
  })

  it('answers what is within the rate, refuses the rest by name, and cuts a flood', async () => {
    const client = clientOf(peer)
    const answers = await Promise.allSettled(Array.from({ length: 200 }, () => client.query(someModel(), 1)))
    const codes = new Set(
      answers.map((answer) =>
        answer.status === 'fulfilled' ? 'ok' : (answer.reason as { code: string }).code,
      ),
    )
    expect(codes).toContain('ok')
    expect(codes).toContain('schedule.rate-limited')
    expect(answers.at(-1)?.status).toBe('rejected')
    await expect.poll(() => service.sessions).toBe(0)
  })

  it.each([
    ['rubbish', new Uint8Array([3, 0xff, 0xff, 0xff])],
    ['an unknown request', framed({ type: 'steal', id: 1 })],
    ['a request with a field too many', framed({ type: 'watch', id: 1, peers: [], more: 1 })],
    [
      'half a name among the known ones',
      framed({ type: 'query', id: 1, model: null, limit: 1, optional: { besides: 'abc' } }),
    ],
    ['a frame larger than the limit', new Uint8Array([0xff, 0xff, 0xff, 0x7f])],
  ])('ends the session at %s without an answer', async (_, bytes) => {
    const { ours, theirs, connection } = await connectedStreams(peer)
    const served = service.handle(theirs, connection)
    ours.send(bytes)
    await served
    expect(theirs.status).not.toBe('open')
    expect(service.sessions).toBe(0)
  })
})

function framed(message: unknown): Uint8Array {
  const body = encode(message)
  return Uint8Array.from([body.length, ...body])
}
