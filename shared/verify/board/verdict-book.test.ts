import { beforeEach, describe, expect, it } from 'vitest'
import { chainAddress, jobId, type JobId, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis, MINUTE_MS } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { makePeer, type TestPeer } from '../../testing/peers.ts'
import { someVerdict } from '../../testing/verdicts.ts'
import { signVerdict, type Verdict } from '../verdict.ts'
import {
  MAX_VERDICT_BYTES,
  MAX_VERDICTS_PER_PROVIDER,
  MAX_VERDICTS_PER_VERIFIER,
  VERDICT_FRESH_MS,
  VERDICT_LIFE_MS,
} from './constants.ts'
import { VerdictBook, type VerdictBookInit } from './verdict-book.ts'

describe('VerdictBook', () => {
  let clock: FakeClock
  let book: VerdictBook
  let provider: TestPeer
  let verifier: TestPeer
  let known: Set<PeerName>
  let staked: Set<PeerName>
  let jobs: number

  const bookOf = (init: VerdictBookInit = {}): VerdictBook =>
    new VerdictBook(
      {
        clock,
        knows: (name) => known.has(name),
        stakeOf: (name) =>
          staked.has(name)
            ? { operator: chainAddress(`0x${'9'.repeat(40)}`), stake: baseUnits(5n) }
            : undefined,
      },
      init,
    )
  beforeEach(async () => {
    clock = new FakeClock()
    provider = await makePeer()
    verifier = await makePeer()
    known = new Set([provider.name])
    staked = new Set()
    jobs = 0
    book = bookOf()
  })

  const nextJob = (): JobId => jobId((++jobs).toString(16).padStart(32, '0'))
  const signed = async (who: TestPeer, changes: Partial<Verdict> = {}) => ({
    verifier: who.name,
    verdict: await signVerdict(
      someVerdict(provider, { jobId: nextJob(), at: clock.now(), ...changes }),
      who.key,
    ),
  })
  const publish = async (who = verifier, changes: Partial<Verdict> = {}, group?: string): Promise<Verdict> =>
    book.publish(await signed(who, changes), group)
  const verifiers = (of = provider): PeerName[] => book.find(of.name).map((each) => each.verifier)
  const crowd = (count: number): Promise<TestPeer[]> => Promise.all(Array.from({ length: count }, makePeer))
  const differs = { outcome: 'differs', difference: 'tokens' } as const

  it('serves what was said of a provider, the newest first, with the word on who has stake', async () => {
    const rich = await makePeer()
    staked.add(rich.name)
    await publish()
    await clock.advance(1000)
    await publish(rich, differs)
    expect(book.find(provider.name)).toMatchObject([
      { verifier: rich.name, staked: { stake: 5n } },
      { verifier: verifier.name, staked: undefined },
    ])
    expect(book.find(verifier.name)).toEqual([])
    staked.delete(rich.name)
    expect(book.find(provider.name)[0]?.staked).toBeUndefined()
  })

  it('takes a verdict once: a replay is refused, also after it was pushed out', async () => {
    const said = await signed(verifier)
    await book.publish(said)
    const stale = { code: 'verify.record-stale' }
    await expect(book.publish(said)).rejects.toMatchObject(stale)
    for (let i = 0; i < MAX_VERDICTS_PER_VERIFIER; i++) {
      await clock.advance(1000)
      await publish()
    }
    expect(book.find(provider.name).map(({ verdict }) => verdict)).not.toContainEqual(said.verdict)
    await expect(book.publish(said)).rejects.toMatchObject(stale)
    await clock.advance(VERDICT_FRESH_MS)
    await expect(book.publish(said)).rejects.toMatchObject({ code: 'verify.record-expired' })
    expect(book.lastDay.all.agrees).toBe(1 + MAX_VERDICTS_PER_VERIFIER)
  })

  it('keeps a verifier’s last word on a job, and no older one', async () => {
    const job = nextJob()
    const older = await signed(verifier, { jobId: job })
    await clock.advance(1000)
    await publish(verifier, { jobId: job, ...differs })
    await expect(book.publish(older)).rejects.toMatchObject({ code: 'verify.record-stale' })
    await clock.advance(1000)
    await publish(verifier, { jobId: job })
    expect(book.size).toBe(1)
    expect(book.lastDay.all).toEqual({ agrees: 0, differs: 1, inconclusive: 0 })
  })

  it.each<[string, string, Partial<Verdict>]>([
    ['a time to come', 'verify.record-expired', { at: epochMillis(1_800_000_000_000 + 6 * MINUTE_MS) }],
    [
      'a time that is past',
      'verify.record-expired',
      { at: epochMillis(1_800_000_000_000 - VERDICT_FRESH_MS) },
    ],
    ['a contradiction', 'verify.bad-verdict', { difference: 'tokens' }],
  ])('refuses a verdict with %s', async (_, code, changes) => {
    await expect(publish(verifier, changes)).rejects.toMatchObject({ code })
    expect([book.size, book.lastDay.all.agrees]).toEqual([0, 0])
  })

  it('refuses one about a provider that nobody knows here, and a provider’s word about itself', async () => {
    await expect(publish(provider)).rejects.toMatchObject({
      code: 'verify.bad-verdict',
      facts: { reason: 'self' },
    })
    known.clear()
    await expect(publish()).rejects.toMatchObject({ code: 'verify.unknown-provider' })
  })

  it('refuses another’s signature, a changed byte, and one that is too large', async () => {
    const said = await signed(verifier)
    const forged = { ...said, verifier: (await makePeer()).name }
    await expect(book.publish(forged)).rejects.toMatchObject({ code: 'wire.bad-signature' })
    const large = { ...said.verdict, body: new Uint8Array(MAX_VERDICT_BYTES + 1) }
    await expect(book.publish({ ...said, verdict: large })).rejects.toMatchObject({ code: 'wire.too-large' })
    said.verdict.body[9] = (said.verdict.body[9] ?? 0) ^ 1
    await expect(book.publish(said)).rejects.toMatchObject({ code: 'wire.bad-signature' })
  })

  it('has room for the largest verdict that can be signed, in any script', async () => {
    const widest = '字'.repeat(60)
    await publish(verifier, {
      class: { backend: 'webgpu', adapter: widest, build: widest },
      cost: baseUnits(2n ** 128n - 1n),
      ...{ outcome: 'inconclusive', reason: 'no-commitments' },
      findings: {
        ...{ tokens: 8192, margins: [2048, 2048, 2048, 2048], largestMargin: 1234.5678, meanMargin: 1 / 3 },
        ...{ opened: 8192, sketchDistance: 0.123456789, largestSketchDistance: Math.PI },
      },
    })
    const [served] = book.find(provider.name)
    expect(served?.verdict.body.length).toBeLessThan(MAX_VERDICT_BYTES)
    expect(served?.verdict.body.length).toBeGreaterThan(700)
  })

  it('one verifier has no more than its share of what is kept of a provider', async () => {
    const others = await crowd(3)
    for (const who of others) await publish(who)
    for (let i = 0; i < 100; i++) {
      await clock.advance(1000)
      await publish(verifier, differs)
    }
    const names = verifiers()
    expect(names.filter((name) => name === verifier.name)).toHaveLength(MAX_VERDICTS_PER_VERIFIER)
    expect(names).toEqual(expect.arrayContaining(others.map(({ name }) => name)))
  })

  it('a thousand free names of one address push out neither others nor those with stake', async () => {
    const [free, rich] = await crowd(2)
    if (!free || !rich) throw new Error('nobody')
    staked.add(rich.name)
    await publish(free, {}, 'home')
    await publish(rich, {}, 'one house')
    for (const who of await crowd(1000)) await publish(who, differs, 'one house')
    const names = verifiers()
    expect(names).toHaveLength(MAX_VERDICTS_PER_PROVIDER)
    expect(names).toEqual(expect.arrayContaining([free.name, rich.name]))
    expect(book.lastDay).toEqual({
      all: { agrees: 2, differs: 1000, inconclusive: 0 },
      staked: { agrees: 1, differs: 0, inconclusive: 0 },
    })
  }, 30_000)

  it('is bounded in all, and for each address, over many providers', async () => {
    book = bookOf({ maxVerdicts: 30, maxPerGroup: 10 })
    const providers = await crowd(40)
    for (const { name } of providers) known.add(name)
    await publish(verifier, {}, 'home')
    for (const { name } of providers) await publish(await makePeer(), { provider: name }, 'one house')
    expect(book.size).toBe(11)
    // The last ones stay.
    expect(providers.filter((each) => verifiers(each).length > 0)).toEqual(providers.slice(30))
    for (const [at, { name }] of providers.entries())
      await publish(await makePeer(), { provider: name }, `house ${at}`)
    expect(book.size).toBe(30)
  })

  it('forgets after a week, and counts by the day', async () => {
    await publish()
    await clock.advance(23 * 60 * MINUTE_MS)
    await publish(verifier, differs)
    expect(book.lastDay.all).toEqual({ agrees: 1, differs: 1, inconclusive: 0 })
    await clock.advance(60 * MINUTE_MS)
    expect(book.lastDay.all).toEqual({ agrees: 0, differs: 1, inconclusive: 0 })
    expect(book.size).toBe(2)
    await clock.advance(VERDICT_LIFE_MS)
    expect([book.size, verifiers(), book.lastDay.all.differs]).toEqual([0, [], 0])
  })
})
