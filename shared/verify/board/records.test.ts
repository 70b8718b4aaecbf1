import type { Stream } from '@libp2p/interface'
import * as v from 'valibot'
import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { chainAddress, jobId, peerName, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis, millis, SECOND_MS } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { connectedStreams, countingRandom, makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { someVerdict } from '../../testing/verdicts.ts'
import { bytesUpTo, epochMillisField, modelHashField } from '../../wire/fields.ts'
import { MAX_SIGNED_BYTES, openSigned, sign, type Signed } from '../../wire/signed.ts'
import { signVerdict, type Verdict } from '../verdict.ts'
import {
  GOLDEN_LIFE_MS,
  MAX_FOUND_GOLDEN,
  MAX_VERDICTS_PER_PROVIDER,
  RECORDS_PLACE_RATE,
  RECORDS_RATE,
  RECORD_SKEW_MS,
} from './constants.ts'
import { countChecks, findGolden, findVerdicts } from './find-records.ts'
import { GoldenBook, type GoldenFacts } from './golden-book.ts'
import { localRecords } from './local-records.ts'
import { RemoteRecords, type RecordsPort } from './records-port.ts'
import { RecordsService } from './records-service.ts'
import type { Staked } from './staked.ts'
import { VerdictBook } from './verdict-book.ts'

const schema = v.strictObject({
  model: modelHashField,
  at: epochMillisField,
  expiresAt: epochMillisField,
  sketches: bytesUpTo(MAX_SIGNED_BYTES),
})
const open = (golden: Signed, provider: PeerName): Promise<GoldenFacts> =>
  openSigned('golden-sketches', schema, golden, provider)
const OPERATOR: Staked = { operator: chainAddress(`0x${'9'.repeat(40)}`), stake: baseUnits(5n) }

const NONE = { agrees: 0, differs: 0, inconclusive: 0 }

describe('the records protocol', () => {
  let clock: FakeClock
  let golden: GoldenBook
  let verdicts: VerdictBook
  let service: RecordsService
  let provider: TestPeer
  let verifier: TestPeer
  const model = someModel('a')

  beforeEach(async () => {
    clock = new FakeClock()
    provider = await makePeer()
    verifier = await makePeer()
    const stakeOf = (name: PeerName): Staked | undefined => (name === verifier.name ? OPERATOR : undefined)
    golden = new GoldenBook({ clock, random: countingRandom(), open, stakeOf })
    verdicts = new VerdictBook({ clock, knows: (name) => golden.knows(name), stakeOf })
    service = new RecordsService({ clock, golden, verdicts })
  })

  const record = (who: TestPeer, size = 10, aheadMs = 0): Promise<Signed> => {
    const at = epochMillis(clock.now() + aheadMs)
    const body = { model: fromHex(model), at, expiresAt: at + GOLDEN_LIFE_MS, sketches: new Uint8Array(size) }
    return sign('golden-sketches', body, who.key)
  }
  const said = async (who: TestPeer, changes: Partial<Verdict> = {}) => ({
    verifier: who.name,
    verdict: await signVerdict(someVerdict(provider, { at: clock.now(), ...changes }), who.key),
  })
  const portOf = (who: TestPeer): RecordsPort =>
    new RemoteRecords({
      ...{ clock, relay: peerName('relay') },
      openStream: async (): Promise<Stream> => {
        const { ours, theirs, connection } = await connectedStreams(who)
        void service.handle(theirs, connection)
        return ours
      },
    })
  const now = () => clock.now()

  it('carries a golden record from a provider to another peer, in the provider’s name alone', async () => {
    const mine = await record(provider)
    await portOf(provider).publishGolden(mine)
    await expect(portOf(verifier).publishGolden(mine)).rejects.toMatchObject({ code: 'wire.bad-signature' })
    const found = await findGolden([portOf(verifier)], model, { now, open })
    expect(found).toMatchObject([{ provider: provider.name, golden: { model }, staked: undefined }])
    const named = { now, open, providers: [verifier.name] }
    expect(await findGolden([portOf(verifier)], model, named)).toEqual([])
    await portOf(verifier).publishGolden(await record(verifier))
    expect(await findGolden([portOf(provider)], model, named)).toMatchObject([{ staked: OPERATOR }])
  })

  it('carries a verdict, whoever brings it, and the relay’s word on its verifier’s stake', async () => {
    await portOf(provider).publishGolden(await record(provider))
    const stranger = await makePeer()
    await portOf(stranger).publishVerdict(await said(verifier))
    await portOf(stranger).publishVerdict(
      await said(stranger, { outcome: 'differs', difference: 'sketches' }),
    )
    const found = await findVerdicts([portOf(stranger)], provider.name, { now })
    expect(found).toHaveLength(2)
    expect(found.find((each) => each.verifier === verifier.name)).toMatchObject({
      verdict: { outcome: 'agrees', provider: provider.name },
      staked: OPERATOR,
    })
    expect(await portOf(stranger).count()).toEqual({
      all: { agrees: 1, differs: 1, inconclusive: 0 },
      staked: { agrees: 1, differs: 0, inconclusive: 0 },
    })
  })

  it('carries the largest answers in one frame', async () => {
    const crowd = await Promise.all(Array.from({ length: 10 }, makePeer))
    for (const who of crowd) await portOf(who).publishGolden(await record(who, MAX_SIGNED_BYTES - 200))
    expect(await portOf(provider).findGolden(model)).toHaveLength(MAX_FOUND_GOLDEN)
    await portOf(provider).publishGolden(await record(provider))
    const widest = '字'.repeat(60)
    for (let i = 0; i < MAX_VERDICTS_PER_PROVIDER; i++) {
      const changes = { class: { backend: 'wasm' as const, adapter: widest, build: widest } }
      await portOf(verifier).publishVerdict(
        await said(crowd[i % 5] ?? verifier, { ...changes, jobId: jobId(i.toString(16).padStart(32, '0')) }),
      )
    }
    expect(await portOf(provider).findVerdicts(provider.name)).toHaveLength(MAX_VERDICTS_PER_PROVIDER)
  })

  it('refuses by name', async () => {
    await expect(portOf(provider).publishVerdict(await said(verifier))).rejects.toMatchObject({
      code: 'verify.unknown-provider',
    })
  })

  it('answers no more requests of one peer than its rate', async () => {
    const port = portOf(provider)
    for (let i = 0; i < RECORDS_RATE.burst; i++) await port.count()
    await expect(port.count()).rejects.toMatchObject({ code: 'schedule.rate-limited' })
    await clock.advance(2 * SECOND_MS)
    await port.count()
  })

  it('answers no more requests from one place than its rate, whatever names they bear', async () => {
    let place = 'one address'
    service = new RecordsService({ clock, golden, verdicts, groupOf: () => place })
    let answered = 0
    for (let i = 0; i < RECORDS_PLACE_RATE.burst / RECORDS_RATE.burst + 5; i++) {
      const port = portOf(await makePeer())
      for (let j = 0; j < RECORDS_RATE.burst; j++)
        await port.count().then(
          () => answered++,
          (refused: unknown) => expect(refused).toMatchObject({ code: 'schedule.rate-limited' }),
        )
    }
    expect(answered).toBe(RECORDS_PLACE_RATE.burst)
    place = 'another'
    await portOf(await makePeer()).count()
  })

  it('counts those together who come from one place', async () => {
    golden = new GoldenBook({ clock, random: countingRandom(), open }, { maxPerGroup: 2 })
    service = new RecordsService({ clock, golden, verdicts, groupOf: () => 'one address' })
    for (const who of [provider, verifier]) await portOf(who).publishGolden(await record(who))
    const third = await makePeer()
    await expect(portOf(third).publishGolden(await record(third))).rejects.toMatchObject({
      code: 'verify.records-full',
    })
  })

  it('merges what relays say, and leaves out who does not answer or lies', async () => {
    const refuses = (): Promise<never> => Promise.reject(new Error('unsupported'))
    const old: RecordsPort = {
      ...{ publishGolden: refuses, publishVerdict: refuses },
      ...{ findGolden: refuses, findVerdicts: refuses, count: refuses },
    }
    const older = await record(provider)
    const ahead = await record(provider, 10, RECORD_SKEW_MS + 1001)
    const oldVerdict = await said(verifier, { jobId: jobId('2'.repeat(32)) })
    await clock.advance(1000)
    await portOf(provider).publishGolden(await record(provider))
    const newVerdict = await said(verifier, {
      ...{ jobId: jobId('2'.repeat(32)), outcome: 'differs', difference: 'tokens' },
    })
    await portOf(verifier).publishVerdict(newVerdict)
    const other = await makePeer()
    const lying: RecordsPort = {
      ...old,
      findGolden: async () => [
        { provider: provider.name, golden: older, staked: OPERATOR },
        { provider: provider.name, golden: ahead, staked: OPERATOR },
        { provider: verifier.name, golden: older, staked: OPERATOR },
      ],
      findVerdicts: async () => [
        { ...oldVerdict, staked: undefined },
        { ...newVerdict, verifier: other.name, staked: OPERATOR },
        { ...(await said(provider)), staked: OPERATOR },
        { ...(await said(other, { provider: other.name })), staked: OPERATOR },
        { ...(await said(other, { at: epochMillis(1) })), staked: OPERATOR },
      ],
      count: async () => ({ ...(await localRecords(other.name, { golden, verdicts }).count()), all: NONE }),
    }
    const ports = [old, lying, portOf(provider)]
    expect(await findGolden(ports, model, { now, open })).toMatchObject([
      // One relay of two says that it has stake, which is not most of them.
      { provider: provider.name, golden: { at: clock.now() }, staked: undefined },
    ])
    expect(await findVerdicts(ports, provider.name, { now })).toMatchObject([
      { verifier: verifier.name, verdict: { outcome: 'differs' }, staked: undefined },
    ])
    expect(await countChecks(ports)).toMatchObject({ all: { differs: 1 } })
    expect(await findVerdicts([old], provider.name, { now })).toEqual([])
    expect(await countChecks([old])).toBeUndefined()
  })

  it('lets nobody wait for a slow relay who is in haste', async () => {
    const slow = new Set<PeerName>()
    const [near, far] = await Promise.all([makePeer(), makePeer()])
    await portOf(provider).publishGolden(await record(provider))
    await portOf(verifier).publishVerdict(await said(verifier))
    const local = localRecords(near.name, { golden, verdicts })
    const relay = (who: TestPeer, afterMs: number): RecordsPort => {
      const wait = () => sleep(clock, millis(afterMs))
      return {
        ...{ ...local, relay: who.name },
        findGolden: (...asked) => wait().then(() => local.findGolden(...asked)),
        findVerdicts: (...asked) => wait().then(() => local.findVerdicts(...asked)),
        count: () => wait().then(() => local.count()),
      }
    }
    const ports = [relay(near, 10), relay(far, 4000)]
    const haste = { clock, slow }
    const timed = async (finding: Promise<unknown>) => {
      const from = clock.monotonic()
      const found = finding.then((all) => ({ all, tookMs: clock.monotonic() - from }))
      await clock.advance(5000)
      return found
    }
    const verdict = { verifier: verifier.name }
    expect(await timed(findVerdicts(ports, provider.name, { now, haste }))).toMatchObject({
      ...{ all: [verdict], tookMs: 260 },
    })
    expect([...slow]).toEqual([far.name])
    const goldenOf = { provider: provider.name }
    expect(await timed(findGolden(ports, model, { now, open, haste }))).toMatchObject({
      ...{ all: [goldenOf], tookMs: 10 },
    })
    slow.clear()
    expect(await timed(countChecks(ports, { haste }))).toMatchObject({ all: {}, tookMs: 260 })
    expect((await timed(findVerdicts(ports, provider.name, { now }))) as object).toMatchObject({
      tookMs: 4000,
    })
  })

  it('ends with the signal', async () => {
    const silent = new RemoteRecords({
      ...{ clock, relay: peerName('relay') },
      openStream: async () => (await connectedStreams(provider)).ours,
    })
    const stop = new AbortController()
    const asked = findVerdicts([silent], provider.name, { now, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})
