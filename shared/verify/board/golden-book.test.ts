import * as v from 'valibot'
import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { chainAddress, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis, MINUTE_MS } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { countingRandom, makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { realRandom } from '../../testing/real-clock.ts'
import { bytesUpTo, epochMillisField, modelHashField } from '../../wire/fields.ts'
import { openSigned, sign, type Signed } from '../../wire/signed.ts'
import { GOLDEN_LIFE_MS, MAX_FOUND_GOLDEN, MAX_GOLDEN_PER_PROVIDER } from './constants.ts'
import { GoldenBook, type GoldenBookInit, type GoldenFacts } from './golden-book.ts'

/** A record with as many bytes of sketches as a test wants. */
const schema = v.strictObject({
  model: modelHashField,
  at: epochMillisField,
  expiresAt: epochMillisField,
  sketches: bytesUpTo(8000),
})
const open = (golden: Signed, provider: PeerName): Promise<GoldenFacts> =>
  openSigned('golden-sketches', schema, golden, provider)

describe('GoldenBook', () => {
  let clock: FakeClock
  let book: GoldenBook
  let peer: TestPeer
  let staked: Set<PeerName>
  const model = someModel('a')

  const bookOf = (init: GoldenBookInit = {}, random = countingRandom()): GoldenBook =>
    new GoldenBook(
      {
        ...{ clock, random, open },
        stakeOf: (name) =>
          staked.has(name)
            ? { operator: chainAddress(`0x${'9'.repeat(40)}`), stake: baseUnits(5n) }
            : undefined,
      },
      init,
    )
  beforeEach(async () => {
    clock = new FakeClock()
    staked = new Set()
    book = bookOf()
    peer = await makePeer()
  })

  const signed = (who: TestPeer, changes: Partial<GoldenFacts> & { size?: number } = {}): Promise<Signed> => {
    const { size = 10, model: of = model, at = clock.now(), expiresAt = at + GOLDEN_LIFE_MS } = changes
    const body = { model: fromHex(of), at, expiresAt, sketches: new Uint8Array(size) }
    return sign('golden-sketches', body, who.key)
  }
  const publish = async (
    who = peer,
    changes: Parameters<typeof signed>[1] = {},
    group?: string,
  ): Promise<GoldenFacts> => book.publish({ provider: who.name, golden: await signed(who, changes) }, group)
  const found = (of = model): PeerName[] =>
    book.find(of, { limit: MAX_FOUND_GOLDEN }).records.map(({ provider }) => provider)
  const crowd = (count: number): Promise<TestPeer[]> => Promise.all(Array.from({ length: count }, makePeer))

  it('keeps the newest record of each provider and model, and takes no older one back', async () => {
    const first = await signed(peer)
    await publish()
    await clock.advance(1000)
    await publish(peer, { size: 20 })
    await publish(peer, { model: someModel('b') })
    expect([found(), found(someModel('b')), book.size]).toEqual([[peer.name], [peer.name], 2])
    expect(book.find(model, { limit: 1 }).records[0]?.golden.body.length).toBeGreaterThan(first.body.length)
    await expect(book.publish({ provider: peer.name, golden: first })).rejects.toMatchObject({
      code: 'verify.record-stale',
    })
  })

  it('takes the same record again, as after a lost connection', async () => {
    const golden = await signed(peer)
    await book.publish({ provider: peer.name, golden })
    await expect(book.publish({ provider: peer.name, golden })).resolves.toMatchObject({ model })
    expect(book.size).toBe(1)
  })

  it('forgets what expires, and knows a provider no longer than that', async () => {
    await publish(peer, { expiresAt: epochMillis(clock.now() + MINUTE_MS) })
    expect(book.knows(peer.name)).toBe(true)
    await clock.advance(MINUTE_MS)
    expect([book.knows(peer.name), found(), book.size]).toEqual([false, [], 0])
  })

  it.each<[string, string, Partial<GoldenFacts>]>([
    ['a life too long', 'wire.malformed', { expiresAt: epochMillis(1_800_000_000_001 + GOLDEN_LIFE_MS) }],
    ['a time to come', 'verify.record-expired', { at: epochMillis(1_800_000_000_000 + 6 * MINUTE_MS) }],
    ['an end that is past', 'verify.record-expired', { expiresAt: epochMillis(1_800_000_000_000) }],
  ])('refuses a record with %s', async (_, code, changes) => {
    await expect(publish(peer, changes)).rejects.toMatchObject({ code })
    expect(book.size).toBe(0)
  })

  it('takes a record of a clock that is minutes ahead', async () => {
    await publish(peer, { at: epochMillis(clock.now() + 4 * MINUTE_MS) })
    expect(found()).toEqual([peer.name])
  })

  it('refuses another’s record, and a changed one', async () => {
    const golden = await signed(peer)
    const thief = await makePeer()
    const refused = { code: 'wire.bad-signature' }
    await expect(book.publish({ provider: thief.name, golden })).rejects.toMatchObject(refused)
    golden.body[5] = (golden.body[5] ?? 0) ^ 1
    await expect(book.publish({ provider: peer.name, golden })).rejects.toMatchObject(refused)
  })

  it('keeps as many models of one provider as one may offer, the newest', async () => {
    for (let i = 0; i <= MAX_GOLDEN_PER_PROVIDER; i++) {
      await publish(peer, { model: someModel(i.toString(16)) })
      await clock.advance(1000)
    }
    expect(book.size).toBe(MAX_GOLDEN_PER_PROVIDER)
    expect([found(someModel('0')), found(someModel('8'))]).toEqual([[], [peer.name]])
  })

  it.each<[number, string, GoldenBookInit]>([
    [1000, 'in all', { maxRecords: 20 }],
    [200, 'of a model', { maxPerModel: 20 }],
    [200, 'in bytes', { maxBytes: 20 * 8200 }],
  ])(
    '%i free names push out nobody who was there or has stake: full %s',
    async (count, _, init) => {
      book = bookOf(init)
      const size = 8000
      const [first, second, third] = await crowd(3)
      const late = await makePeer()
      if (!first || !second || !third) throw new Error('nobody')
      staked.add(third.name).add(late.name)
      await publish(first, { size }, 'home')
      await publish(second, { size }, 'office')
      await publish(third, { size }, 'attic')
      let refused = 0
      for (const [at, name] of (await crowd(count)).entries())
        await publish(name, { size }, at < count / 2 ? 'one house' : `house ${at}`).catch(
          (thrown: unknown) => {
            expect(thrown).toMatchObject({ code: 'verify.records-full' })
            refused++
          },
        )
      expect(refused).toBeGreaterThan(0.8 * count)
      expect(book.size).toBeLessThanOrEqual(20)
      for (const who of [first, second, third]) expect(book.knows(who.name)).toBe(true)
      // Who has stake still finds a place, and who was there renews.
      await publish(late, { size }, 'one house')
      await clock.advance(1000)
      await publish(first, { size }, 'home')
      for (const who of [first, second, third, late]) expect(book.knows(who.name)).toBe(true)
    },
    30_000,
  )

  it('refuses a name too many from one address, and has room for another address and for stake', async () => {
    book = bookOf({ maxPerGroup: 3 })
    const [a, b, c, d, e, f] = await crowd(6)
    if (!a || !b || !c || !d || !e || !f) throw new Error('nobody')
    for (const who of [a, b, c]) await publish(who, {}, 'one house')
    await expect(publish(d, {}, 'one house')).rejects.toMatchObject({ code: 'verify.records-full' })
    staked.add(e.name)
    await publish(e, {}, 'one house')
    await publish(f, {}, 'another')
    await clock.advance(1000)
    await publish(a, {}, 'one house')
    expect(book.size).toBe(5)
  })

  it('names one of each group before a second of any, and says who has stake', async () => {
    book = bookOf({}, realRandom)
    for (const who of await crowd(100)) await publish(who, {}, 'one house')
    const honest = await crowd(3)
    for (const who of honest) await publish(who, {}, who.name)
    const [rich] = honest
    if (rich) staked.add(rich.name)
    for (let i = 0; i < 20; i++) {
      const { records, total } = book.find(model, { limit: MAX_FOUND_GOLDEN })
      expect(total).toBe(103)
      const names = records.map(({ provider }) => provider)
      expect(new Set(names).size).toBe(MAX_FOUND_GOLDEN)
      for (const who of honest) expect(names).toContain(who.name)
      expect(records.filter((record) => record.staked).map(({ provider }) => provider)).toEqual([rich?.name])
    }
  })

  it('gives the records of those who are named', async () => {
    const others = await crowd(20)
    for (const who of others) await publish(who)
    await publish()
    const stranger = await makePeer()
    const providers = [peer.name, stranger.name]
    const { records } = book.find(model, { providers, limit: MAX_FOUND_GOLDEN })
    expect(records.map(({ provider }) => provider)).toEqual([peer.name])
  })

  it('sends nobody to a peer that the relay does not introduce', async () => {
    let may = true
    book = new GoldenBook({ clock, random: countingRandom(), open, mayIntroduce: () => may })
    await publish()
    may = false
    expect(found()).toEqual([])
    await clock.advance(1000)
    await expect(publish()).rejects.toMatchObject({ code: 'schedule.not-introduced' })
  })
})
