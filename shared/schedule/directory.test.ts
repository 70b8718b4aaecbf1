import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { epochMillis } from '../base/units.ts'
import { seededRandom } from '../testing/chance.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { countingRandom, makePeer, signOffer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import { encode } from '../wire/codec.ts'
import { sign } from '../wire/signed.ts'
import type { Bringer } from './bringer.ts'
import { Directory, type DirectoryInit } from './directory.ts'
import { acceptGossipedOffer } from './gossiped-offer.ts'
import { openOffer } from './offer.ts'

describe('Directory', () => {
  let clock: FakeClock
  let directory: Directory
  let provider: TestPeer

  beforeEach(async () => {
    clock = new FakeClock()
    directory = new Directory({ clock, random: countingRandom() })
    provider = await makePeer()
  })

  const announce = async (changes: Parameters<typeof someOffer>[1] = {}, who = provider) =>
    directory.announce(await signOffer(who, someOffer(clock.now(), changes)), { isLocal: true })
  const drain = (sequence: number, who = provider) =>
    sign('drain', { model: fromHex(someModel()), sequence, issuedAt: clock.now() }, who.key)

  it('gives back the exact bytes that were signed', async () => {
    const signed = await signOffer(provider, someOffer(clock.now()))
    await directory.announce(signed, { isLocal: true })
    expect(directory.query(someModel(), 4)).toEqual({ offers: [signed], total: 1 })
  })

  it('refuses an offer that someone else signed', async () => {
    const thief = await makePeer()
    const stolen = await signOffer(provider, someOffer(clock.now()))
    const promise = directory.announce({ provider: thief.name, offer: stolen.offer }, { isLocal: true })
    await expect(promise).rejects.toMatchObject({ code: 'wire.bad-signature' })
  })

  it('refuses an offer with one bit changed', async () => {
    const { offer } = await signOffer(provider, someOffer(clock.now()))
    const body = offer.body.slice()
    body[20] = (body[20] ?? 0) ^ 1
    await expect(
      directory.announce({ provider: provider.name, offer: { ...offer, body } }, { isLocal: true }),
    ).rejects.toMatchObject({ code: 'wire.bad-signature' })
  })

  it('refuses a replayed and an older offer, takes a newer one in its place', async () => {
    await announce({ sequence: 5 })
    await expect(announce({ sequence: 5 })).rejects.toMatchObject({ code: 'schedule.offer-stale' })
    await expect(announce({ sequence: 4 })).rejects.toMatchObject({ code: 'schedule.offer-stale' })
    await announce({ sequence: 6 })
    expect(directory.query(someModel(), 4).total).toBe(1)
  })

  it('refuses an expired offer, one from the future, and one that would live too long', async () => {
    const now = clock.now()
    await expect(announce({ expiresAt: now })).rejects.toMatchObject({ code: 'schedule.offer-expired' })
    const future = epochMillis(now + 60_000)
    await expect(announce({ issuedAt: future, expiresAt: epochMillis(future + 1000) })).rejects.toMatchObject(
      {
        code: 'schedule.offer-expired',
      },
    )
    await expect(announce({ expiresAt: epochMillis(now + 61_000) })).rejects.toMatchObject({
      code: 'wire.malformed',
    })
  })

  it('forgets one that expires also after its clock jumped back', async () => {
    let jump = 0
    const jumping: Clock = {
      now: () => epochMillis(clock.now() + jump),
      monotonic: () => clock.monotonic(),
      schedule: (delay, callback) => clock.schedule(delay, callback),
    }
    directory = new Directory({ clock: jumping, random: countingRandom() }, { maxOffers: 1 })
    await announce({ sequence: 1 })
    expect(directory.size).toBe(1)
    jump = -3_600_000
    const brief = () => ({ issuedAt: jumping.now(), expiresAt: epochMillis(jumping.now() + 1000) })
    await announce({ sequence: 2, ...brief() })
    await clock.advance(2000)
    await announce(brief(), await makePeer())
    expect(directory.size).toBe(1)
  })

  it('forgets an offer when it expires', async () => {
    await announce()
    await clock.advance(60_001)
    expect(directory.query(someModel(), 4)).toEqual({ offers: [], total: 0 })
    expect(directory.size).toBe(0)
  })

  it('drops a withdrawn offer and does not take it back', async () => {
    const offer = await signOffer(provider, someOffer(clock.now(), { sequence: 7 }))
    await directory.announce(offer, { isLocal: true })
    await directory.withdraw(provider.name, await drain(7))
    expect(directory.query(someModel(), 4).total).toBe(0)
    await expect(directory.announce(offer, { isLocal: false })).rejects.toMatchObject({
      code: 'schedule.offer-stale',
    })
  })

  it('refuses a withdrawal that another peer signed', async () => {
    await announce()
    const thief = await makePeer()
    await expect(directory.withdraw(provider.name, await drain(9, thief))).rejects.toMatchObject({
      code: 'wire.bad-signature',
    })
    expect(directory.query(someModel(), 4).total).toBe(1)
  })

  it('drops what a lost peer brought itself, and keeps what came by gossip', async () => {
    const other = await makePeer()
    await announce()
    await directory.announce(await signOffer(other, someOffer(clock.now())), { isLocal: false })
    directory.dropLocal(provider.name)
    directory.dropLocal(other.name)
    expect(directory.query(someModel(), 4).offers.map((offer) => offer.provider)).toEqual([other.name])
  })

  it('holds at most eight offers of one peer', async () => {
    for (const digit of '01234567') await announce({ model: someModel(digit) })
    await expect(announce({ model: someModel('8') })).rejects.toMatchObject({
      code: 'schedule.directory-full',
    })
  })

  it('says that it is full instead of growing', async () => {
    directory = new Directory({ clock, random: countingRandom() }, { maxOffers: 2 })
    await announce({}, await makePeer())
    await announce({}, await makePeer())
    await expect(announce()).rejects.toMatchObject({ code: 'schedule.directory-full' })
    await clock.advance(60_001)
    await expect(announce()).resolves.toBeDefined()
  })

  it('ranks a free and fast provider before a busy and a slow one', async () => {
    const [slow, busy, fast] = [await makePeer(), await makePeer(), await makePeer()]
    await announce({ decodeTokensPerSecond: 5 }, slow)
    await announce({ busySlots: 1 }, busy)
    await announce({}, fast)
    expect(directory.query(someModel(), 1)).toMatchObject({ offers: [{ provider: fast.name }], total: 3 })
  })

  it('passes on gossip that its provider signed, holds a forged one against the sender, ignores a late one', async () => {
    const signed = await signOffer(provider, someOffer(clock.now()))
    const gossip = encode({ type: 'offer', provider: signed.provider, signed: signed.offer })
    expect(await acceptGossipedOffer(directory, gossip)).toBe('accept')
    expect(await acceptGossipedOffer(directory, gossip)).toBe('ignore')
    const thief = await makePeer()
    const forged = encode({ type: 'offer', provider: thief.name, signed: signed.offer })
    expect(await acceptGossipedOffer(directory, forged)).toBe('reject')
    expect(await acceptGossipedOffer(directory, new Uint8Array([1, 2, 3]))).toBe('reject')
  })

  it('reads an offer as it was written', async () => {
    const offer = someOffer(clock.now(), { addresses: ['/dns4/relay.example/tcp/443/wss'] })
    expect(await openOffer(await signOffer(provider, offer), clock.now())).toEqual({
      ...offer,
      provider: provider.name,
    })
  })
})

describe('a directory that somebody fills', () => {
  let clock: FakeClock
  beforeEach(() => void (clock = new FakeClock()))

  const create = (init: DirectoryInit) => new Directory({ clock, random: seededRandom(1) }, init)
  const bring = async (
    directory: Directory,
    bringer: Bringer,
    changes: Parameters<typeof someOffer>[1] = {},
  ) => {
    const peer = await makePeer()
    const signed = await signOffer(peer, someOffer(clock.now(), changes))
    await directory.announce(signed, { isLocal: bringer.kind === 'provider', bringer })
    return peer.name
  }
  const fill = async (directory: Directory, bringer: Bringer, count: number) => {
    const names: PeerName[] = []
    for (let i = 0; i < count; i++) names.push(await bring(directory, bringer))
    return names
  }
  const listed = (directory: Directory) => directory.offers.map(({ provider }) => provider)
  const here = (group: string): Bringer => ({ kind: 'provider', group })
  const relay = (group: string): Bringer => ({ kind: 'relay', group })
  const stranger = (group: string): Bringer => ({ kind: 'stranger', group })
  const isFull = { code: 'schedule.directory-full' }

  it('gives what unknown relays say a quarter of the places, also while the rest is empty', async () => {
    const directory = create({ maxOffers: 8 })
    await fill(directory, stranger('a'), 2)
    await expect(bring(directory, stranger('a'))).rejects.toMatchObject(isFull)
    await fill(directory, relay('r'), 6)
    expect(directory.size).toBe(8)
  })

  it('takes places from unknown relays first, then from admitted ones, and from the largest of them', async () => {
    const directory = create({ maxOffers: 8 })
    await fill(directory, relay('small'), 1)
    const large = await fill(directory, relay('large'), 3)
    const local = await fill(directory, here('a'), 2)
    const unknown = await fill(directory, stranger('s'), 2)
    const newcomers = await fill(directory, here('b'), 2)
    expect(listed(directory)).toEqual(expect.arrayContaining([...local, ...newcomers, ...large]))
    expect(listed(directory)).not.toEqual(expect.arrayContaining(unknown))
    await fill(directory, here('c'), 1)
    expect(listed(directory), 'the newest of the largest').not.toContain(large[2])
    expect(listed(directory)).toEqual(expect.arrayContaining(large.slice(0, 2)))
    await expect(bring(directory, stranger('s'))).rejects.toMatchObject(isFull)
  })

  it('lets nobody who has most take a place, and every newcomer who has less', async () => {
    const directory = create({ maxOffers: 6 })
    const crowd = await fill(directory, here('crowd'), 6)
    await expect(bring(directory, here('crowd'))).rejects.toMatchObject(isFull)
    const few = await fill(directory, here('few'), 3)
    await expect(bring(directory, here('few')), 'as many as the crowd').rejects.toMatchObject(isFull)
    expect(new Set(listed(directory))).toEqual(new Set([...crowd.slice(0, 3), ...few]))
    await expect(bring(directory, relay('r')), 'gossip takes no place of theirs').rejects.toMatchObject(
      isFull,
    )
  })

  it('does not let an evicted offer be replayed', async () => {
    const directory = create({ maxOffers: 2 })
    const peer = await makePeer()
    const signed = await signOffer(peer, someOffer(clock.now()))
    await directory.announce(signed, { isLocal: false, bringer: relay('r') })
    await fill(directory, here('a'), 2)
    expect(listed(directory)).not.toContain(peer.name)
    const again = directory.announce(signed, { isLocal: true, bringer: here('a') })
    await expect(again).rejects.toMatchObject({ code: 'schedule.offer-stale' })
  })

  it('names those of a few bringers in each answer, whatever thousands of others claim', async () => {
    const directory = create({})
    await Promise.all(
      Array.from({ length: 600 }, () => bring(directory, here('crowd'), { decodeTokensPerSecond: 1e6 })),
    )
    const honest = await Promise.all(['a', 'b', 'c'].map((group) => bring(directory, here(group))))
    const isNamed = (name: PeerName): boolean =>
      directory.query(someModel(), 32).offers.some(({ provider }) => provider === name)
    const named = honest.map((name) => Array.from({ length: 50 }, () => isNamed(name)).filter(Boolean).length)
    expect(Math.min(...named)).toBeGreaterThan(45)
  })

  it('lets what unknown relays say wait behind others, and names it where there is nobody else', async () => {
    const directory = create({})
    await fill(directory, stranger('s'), 40)
    expect(directory.query(someModel(), 32).offers).toHaveLength(32)
    const [honest] = await fill(directory, here('a'), 1)
    const { offers, total } = directory.query(someModel(), 32)
    expect([offers.length, total]).toEqual([9, 41])
    expect(offers.map(({ provider }) => provider)).toContain(honest)
    const known = new Set(offers.map(({ provider }) => provider))
    const next = directory.query(someModel(), 32, { isKnown: (name) => known.has(name) })
    expect(next.offers).toHaveLength(32)
  })

  it('names everybody page after page, and half of each by chance', async () => {
    const directory = create({})
    await fill(directory, here('one school'), 100)
    const page = (known: ReadonlySet<PeerName>) =>
      directory.query(someModel(), 32, { isKnown: (name) => known.has(name) }).offers
    expect(page(new Set()).map(({ provider }) => provider)).not.toEqual(
      page(new Set()).map(({ provider }) => provider),
    )
    const known = new Set<PeerName>()
    const sizes: number[] = []
    for (let pages = 0; pages < 5; pages++) {
      const offers = page(known)
      sizes.push(offers.length)
      for (const { provider } of offers) known.add(provider)
    }
    expect(sizes).toEqual([32, 32, 32, 4, 0])
    expect(known.size).toBe(100)
  })

  it('takes no offer of somebody to whom nobody gets', async () => {
    const asked: unknown[] = []
    let isReached = false
    const directory = create({
      canReach: (offer, { bringer, relay: by }) => {
        asked.push([offer.decodeTokensPerSecond, bringer, by])
        return isReached
      },
    })
    await expect(bring(directory, here('a'))).rejects.toMatchObject({ code: 'schedule.not-reachable' })
    expect(directory.size).toBe(0)
    isReached = true
    await bring(directory, here('a'))
    expect(directory.size).toBe(1)
    expect(asked).toEqual([
      [50, here('a'), undefined],
      [50, here('a'), undefined],
    ])
  })
})
