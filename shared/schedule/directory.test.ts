import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { epochMillis } from '../base/units.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer, signOffer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import { encode } from '../wire/codec.ts'
import { sign } from '../wire/signed.ts'
import { Directory } from './directory.ts'
import { acceptGossipedOffer } from './gossiped-offer.ts'
import { openOffer } from './offer.ts'

describe('Directory', () => {
  let clock: FakeClock
  let directory: Directory
  let provider: TestPeer

  beforeEach(async () => {
    clock = new FakeClock()
    directory = new Directory(clock)
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
    directory = new Directory(jumping, { maxOffers: 1 })
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
    directory = new Directory(clock, { maxOffers: 2 })
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
