import type { Stream } from '@libp2p/interface'
import { beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../../base/ids.ts'
import { epochMillis, millis, SECOND_MS, type Millis } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { realRandom } from '../../testing/real-clock.ts'
import { connectedStreams, countingRandom, makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import type { Signed } from '../../wire/signed.ts'
import { MAX_FOUND_SEEDERS, SEEDS_LIFE_MS, SEEDS_RATE } from './constants.ts'
import { SeedBook } from './seed-book.ts'
import { openSeeds, signSeeds, type SeedRecord, type SignedSeeds } from './seed-record.ts'
import { findSeeders, RemoteSeeds, type SeedsPort } from './seeds-port.ts'
import { SeedsService } from './seeds-service.ts'

describe('who seeds what', () => {
  let clock: FakeClock
  let book: SeedBook
  let service: SeedsService
  let peer: TestPeer
  const model = someModel('a')

  beforeEach(async () => {
    clock = new FakeClock()
    book = new SeedBook({ clock, random: countingRandom() }, { maxSeeders: 20 })
    service = new SeedsService({ clock, book })
    peer = await makePeer()
  })

  const record = (changes: Partial<SeedRecord> = {}): SeedRecord => ({
    models: [{ model, held: 3, pieces: 8 }],
    addresses: ['/ip4/127.0.0.1/tcp/1/ws'],
    sequence: 1,
    issuedAt: clock.now(),
    expiresAt: epochMillis(clock.now() + SEEDS_LIFE_MS),
    ...changes,
  })
  const announce = async (changes: Partial<SeedRecord> = {}, who = peer): Promise<SeedRecord> =>
    book.announce({ peer: who.name, seeds: await signSeeds(record(changes), who.key) })
  const found = (of = model): PeerName[] => book.find(of, MAX_FOUND_SEEDERS).seeders.map((each) => each.peer)
  const portOf = (who: TestPeer): SeedsPort =>
    new RemoteSeeds({
      ...{ clock, relay: peerName('relay') },
      openStream: async (): Promise<Stream> => {
        const { ours, theirs, connection } = await connectedStreams(who)
        void service.handle(theirs, connection)
        return ours
      },
    })

  it('lists a peer for each model of its newest record, and for no other', async () => {
    const other = someModel('b')
    await announce()
    expect([found(), found(other)]).toEqual([[peer.name], []])
    await announce({ sequence: 2, models: [{ model: other, held: 1, pieces: 1 }] })
    expect([found(), found(other)]).toEqual([[], [peer.name]])
    await announce({ sequence: 3, models: [] })
    expect([found(), found(other)]).toEqual([[], []])
    await expect(announce({ sequence: 2 })).rejects.toMatchObject({ code: 'schedule.seeds-stale' })
    expect(found()).toEqual([])
  })

  it('forgets a record that expires, and takes no more than it can hold until then', async () => {
    const peers = await Promise.all(Array.from({ length: 20 }, () => makePeer()))
    for (const each of peers) await announce({}, each)
    await expect(announce()).rejects.toMatchObject({ code: 'schedule.directory-full' })
    expect(book.find(model, 5)).toMatchObject({ total: 20 })
    expect(new Set(found()).size).toBe(MAX_FOUND_SEEDERS)
    await clock.advance(SEEDS_LIFE_MS)
    expect(found()).toEqual([])
    await announce()
    expect([found(), book.size]).toEqual([[peer.name], 1])
  })

  it.each<[string, string, (signed: Signed) => Partial<Signed>, Partial<SeedRecord>]>([
    ['another’s signature', 'wire.bad-signature', () => ({ signature: new Uint8Array(64) }), {}],
    ['a life too long', 'wire.malformed', () => ({}), { expiresAt: epochMillis(1_800_009_000_000) }],
    ['more than all of a model', 'wire.malformed', () => ({}), { models: [{ model, held: 9, pieces: 8 }] }],
    [
      'models without end',
      'wire.malformed',
      () => ({}),
      { models: Array(33).fill({ model, held: 1, pieces: 1 }) },
    ],
    ['addresses without end', 'wire.malformed', () => ({}), { addresses: Array(5).fill('/ip4/1.2.3.4') }],
    [
      'a time to come',
      'schedule.seeds-expired',
      () => ({}),
      { issuedAt: epochMillis(1_800_000_100_000), expiresAt: epochMillis(1_800_000_120_000) },
    ],
    [
      'a time that is past',
      'schedule.seeds-expired',
      () => ({}),
      { issuedAt: epochMillis(1_799_999_900_000), expiresAt: epochMillis(1_800_000_000_000) },
    ],
  ])('refuses a record with %s', async (_, code, change, changes) => {
    const seeds = await signSeeds(record(changes), peer.key)
    const spoilt = { peer: peer.name, seeds: { ...seeds, ...change(seeds) } }
    await expect(openSeeds(spoilt, clock.now())).rejects.toMatchObject({ code })
    await expect(book.announce(spoilt)).rejects.toMatchObject({ code })
  })

  it('is asked and told over streams, and names the bringer by its connection', async () => {
    const thief = await makePeer()
    const seeds = await signSeeds(record(), peer.key)
    await portOf(peer).announce(seeds)
    await expect(portOf(thief).announce(seeds)).rejects.toMatchObject({ code: 'wire.bad-signature' })
    const who = await findSeeders([portOf(thief)], model, { clock })
    expect(who).toMatchObject([{ peer: peer.name, record: { models: [{ held: 3, pieces: 8 }] } }])
    service.peerGone(peer.name)
    expect(found()).toEqual([])
  })

  it('merges what relays say, and leaves out who does not answer, lies, or holds nothing', async () => {
    const announceNowhere = (): Promise<never> => Promise.reject(new Error('unsupported'))
    const old: SeedsPort = {
      announce: announceNowhere,
      find: () => Promise.reject(new Error('unsupported')),
    }
    const empty = await makePeer()
    await announce({ models: [{ model, held: 0, pieces: 8 }] }, empty)
    await announce({ sequence: 7 })
    const older = { peer: peer.name, seeds: await signSeeds(record({ sequence: 6 }), peer.key) }
    const forged = { peer: empty.name, seeds: older.seeds }
    const lying: SeedsPort = { announce: announceNowhere, find: async () => [older, forged] }
    const ports = [old, lying, portOf(peer)]
    const who = await findSeeders(ports, model, { clock })
    expect(who).toMatchObject([{ peer: peer.name, record: { sequence: 7 } }])
    expect(await findSeeders([old], model, { clock })).toEqual([])
  })

  it('goes on 250 ms after the first relay that names somebody, whatever a quick one forges', async () => {
    await announce({ sequence: 7 })
    const [lying, silent] = await Promise.all([makePeer(), makePeer()])
    const forged = { peer: lying.name, seeds: await signSeeds(record(), peer.key) }
    const relay = (who: TestPeer, afterMs: number, seeders: () => readonly SignedSeeds[]): SeedsPort => ({
      relay: who.name,
      announce: () => Promise.resolve(),
      find: async () => {
        await sleep(clock, millis(afterMs))
        return seeders()
      },
    })
    const honest = () => book.find(model, MAX_FOUND_SEEDERS).seeders
    const ports = [relay(lying, 0, () => [forged]), relay(peer, 600, honest), relay(silent, 4000, honest)]
    const slow = new Set<PeerName>()
    const from = clock.monotonic()
    const finding = findSeeders(ports, model, { clock, slow }).then((found) => ({
      found: found.map((seeder) => seeder.peer),
      tookMs: clock.monotonic() - from,
    }))
    await clock.advance(5000)
    expect(await finding).toEqual({ found: [peer.name], tookMs: 850 })
    expect([...slow]).toEqual([silent.name])
  })

  it('names one of each group before a second of any: many names of one hide nobody', async () => {
    book = new SeedBook({ clock, random: realRandom })
    const crowd = await Promise.all(Array.from({ length: 200 }, () => makePeer()))
    for (const each of crowd)
      await book.announce({ peer: each.name, seeds: await signSeeds(record(), each.key) }, 'one address')
    const honest = await Promise.all(Array.from({ length: 3 }, () => makePeer()))
    for (const [i, each] of honest.entries())
      await book.announce({ peer: each.name, seeds: await signSeeds(record(), each.key) }, `address ${i}`)
    for (let i = 0; i < 20; i++) {
      const names = found()
      expect(new Set(names).size).toBe(MAX_FOUND_SEEDERS)
      for (const each of honest) expect(names).toContain(each.name)
    }
    expect(book.find(model, 1).total).toBe(203)
    expect(
      new Set(Array.from({ length: 100 }, () => book.find(model, 1).seeders[0]?.peer)).size,
    ).toBeGreaterThan(3)
  })

  it('counts those together who come from one place', async () => {
    service = new SeedsService({ clock, book, groupOf: () => 'one address' })
    const others = await Promise.all(Array.from({ length: 3 }, () => makePeer()))
    for (const each of others) await portOf(each).announce(await signSeeds(record(), each.key))
    await announce()
    for (let i = 0; i < 20; i++)
      expect(book.find(model, 2).seeders.map((each) => each.peer)).toContain(peer.name)
  })

  it('forgets what expires also after its clock jumped back', async () => {
    let jump = 0
    const jumping = {
      now: () => epochMillis(clock.now() + jump),
      monotonic: () => clock.monotonic(),
      schedule: (delay: Millis, callback: () => void) => clock.schedule(delay, callback),
    }
    book = new SeedBook({ clock: jumping, random: countingRandom() }, { maxSeeders: 1 })
    await announce()
    jump = -3_600_000
    const at = { issuedAt: jumping.now(), expiresAt: epochMillis(jumping.now() + 1000) }
    await announce({ sequence: 2, ...at })
    await clock.advance(2000)
    const other = await makePeer()
    const next = { issuedAt: jumping.now(), expiresAt: epochMillis(jumping.now() + 1000) }
    await announce(next, other)
    expect(found()).toEqual([other.name])
  })

  it('answers no more requests of one peer than its rate', async () => {
    const port = portOf(peer)
    for (let i = 0; i < SEEDS_RATE.burst; i++) await port.find(model)
    await expect(port.find(model)).rejects.toMatchObject({ code: 'schedule.rate-limited' })
    await clock.advance(2 * SECOND_MS)
    await port.find(model)
  })

  it('sends nobody to a peer that the relay does not introduce', async () => {
    let may = true
    book = new SeedBook({ clock, random: countingRandom() }, { mayIntroduce: () => may })
    await announce()
    may = false
    expect(found()).toEqual([])
    await expect(announce({ sequence: 2 })).rejects.toMatchObject({ code: 'schedule.not-introduced' })
  })
})
