import { beforeEach, describe, expect, it } from 'vitest'
import { chainAddress, jobId, type ChainAddress, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis } from '../../base/units.ts'
import { ProviderRecord } from '../../schedule/record/provider-record.ts'
import type { Staked } from '../../schedule/record/heard.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { someVerdict } from '../../testing/verdicts.ts'
import { signVerdict, type Verdict } from '../verdict.ts'
import type { RecordsPort } from './records-port.ts'
import { ToldEvidence } from './told-evidence.ts'
import type { ServedVerdict } from './verdict-book.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const operator = (digit: string): ChainAddress => chainAddress(`0x${digit.repeat(40)}`)
const unused = (): Promise<never> => Promise.reject(new Error('not asked here'))

let clock: FakeClock
let provider: TestPeer
let auditors: readonly TestPeer[]
/** Who has a stake by the chain, once a relay has named the operator. */
let staked: Map<PeerName, Staked>
let said: [PeerName, readonly ChainAddress[]][]
let record: ProviderRecord
let ports: RecordsPort[]
let told: ToldEvidence
const job = (digit: string) => jobId(digit.repeat(32))

beforeEach(async () => {
  clock = new FakeClock()
  ;[provider, ...auditors] = (await Promise.all([1, 2, 3, 4].map(makePeer))) as [TestPeer, ...TestPeer[]]
  staked = new Map()
  said = []
  record = new ProviderRecord({ clock, stakes: { of: (peer) => staked.get(peer) } })
  ports = []
  const stakes = {
    said: async (peer: PeerName, operators: readonly ChainAddress[]) => {
      said.push([peer, operators])
      const [first] = operators
      if (first) staked.set(peer, { operator: first, share: 1 })
    },
  }
  told = new ToldEvidence({ clock, record, registers: () => ports, stakes })
})

async function verdictBy(
  auditor: TestPeer,
  changes: Partial<Verdict> & { digit?: string } = {},
): Promise<ServedVerdict> {
  const { digit, ...verdict } = changes
  const differing = { outcome: 'differs', difference: 'tokens', at: clock.now(), jobId: job('1') } as const
  const signed = await signVerdict(someVerdict(provider, { ...differing, ...verdict }), auditor.key)
  const by = digit === undefined ? undefined : { operator: operator(digit), stake: baseUnits(100n) }
  return { verifier: auditor.name, verdict: signed, staked: by }
}

function relayWith(
  served: readonly ServedVerdict[] | (() => Promise<readonly ServedVerdict[]>),
): RecordsPort {
  return {
    ...{ publishGolden: unused, publishVerdict: unused, count: unused },
    findGolden: async () => [],
    findVerdicts: typeof served === 'function' ? served : async () => served,
  }
}

const consider = (names: readonly PeerName[] = [provider.name]): void =>
  told.consider(names.map((name) => ({ provider: name, model: someModel() })))
const settled = (): Promise<void> => clock.advance(1)
const codes = (): string[] => record.explain(provider.name).map(({ code }) => code)
const wasm = { backend: 'wasm', adapter: 'cpu', build: 'b' } as const
const webgpu = { ...wasm, backend: 'webgpu' } as const

describe('what is told of a provider', () => {
  it('excludes it where two staked auditors of different operators and classes say that it differs', async () => {
    const [one, two] = auditors as [TestPeer, TestPeer]
    ports = [
      relayWith([
        await verdictBy(one, { digit: 'a', class: wasm }),
        await verdictBy(two, { digit: 'b', class: webgpu, jobId: job('2') }),
      ]),
    ]
    consider()
    await expect.poll(() => (settled(), record.isExcluded(provider.name))).toBe(true)
    expect(codes()).toContain('excluded')
  })

  it('only asks for a check of one’s own where the chain knows of no stake', async () => {
    const [one, two] = auditors as [TestPeer, TestPeer]
    ports = [
      relayWith([
        await verdictBy(one, { class: wasm }),
        await verdictBy(two, { class: webgpu, jobId: job('2') }),
      ]),
    ]
    consider()
    await expect.poll(() => (settled(), record.wantsCheck(provider.name))).toBe(true)
    expect(record.isExcluded(provider.name)).toBe(false)
    expect(record.standingOf({ provider: provider.name, selfTest: { right: 1, total: 1 } })).toBe('open')
  })

  it('counts the eldest word first and each once, however many relays bring it, and replay it', async () => {
    const [one] = auditors as [TestPeer]
    const newest = await verdictBy(one, {
      digit: 'a',
      outcome: 'agrees',
      difference: undefined,
      jobId: job('2'),
    })
    await clock.advance(MINUTE)
    const eldest = await verdictBy(one, { digit: 'a', at: epochMillis(clock.now() - 30 * MINUTE) })
    ports = [relayWith([newest, eldest]), relayWith([eldest, newest, eldest])]
    for (let round = 0; round < 3; round++) {
      consider()
      await expect.poll(() => (settled(), codes())).toContain('told')
      await clock.advance(6 * MINUTE)
    }
    const { facts } = record.explain(provider.name).find(({ code }) => code === 'told') ?? {}
    expect(facts?.['auditors']).toBe(1)
    expect(facts?.['agrees']).toBeCloseTo(1, 2)
    expect(facts?.['differs']).toBeCloseTo(1, 2)
  })

  it('is not what is about others, of itself, forged, from next week or from last month', async () => {
    const [one, two, three] = auditors as [TestPeer, TestPeer, TestPeer]
    const right = await verdictBy(one, { digit: 'a' })
    const broken = {
      ...right.verdict,
      signature: right.verdict.signature.with(0, (right.verdict.signature[0] ?? 0) ^ 1),
    }
    const old = await verdictBy(three, { digit: 'c', at: epochMillis(clock.now() - 30 * DAY) })
    const early = await verdictBy(three, { digit: 'c', at: epochMillis(clock.now() + 7 * DAY) })
    const fine = await verdictBy(three, { digit: 'c', outcome: 'agrees', difference: undefined })
    ports = [
      relayWith([
        await verdictBy(one, { digit: 'a', provider: two.name }),
        await verdictBy(provider, { digit: 'a' }),
        { ...right, verifier: two.name },
        { ...right, verdict: broken },
        ...[old, early, fine],
      ]),
    ]
    consider()
    await expect.poll(() => (settled(), codes())).toContain('told')
    expect(said.map(([name]) => name)).toEqual([three.name])
    expect(record.wantsCheck(provider.name)).toBe(false)
    const { facts } = record.explain(provider.name).find(({ code }) => code === 'told') ?? {}
    expect(facts).toMatchObject({ auditors: 1, differs: 0 })
  })

  it('comes from the others where a relay throws, stalls, or brings ten thousand', async () => {
    const [one, two] = auditors as [TestPeer, TestPeer]
    const right = await verdictBy(one, { digit: 'a' })
    const other = await verdictBy(two, { digit: 'b' })
    const read = { times: 0 }
    const flood = Array.from({ length: 10_000 }, () => ({
      ...other,
      get verdict() {
        read.times++
        return other.verdict
      },
    }))
    ports = [
      relayWith(() => Promise.reject(new Error('down'))),
      relayWith(() => new Promise(() => undefined)),
      relayWith(flood),
      relayWith([right]),
    ]
    consider()
    await expect
      .poll(() => (settled(), said.map(([name]) => name).sort()))
      .toEqual([one.name, two.name].sort())
    await expect.poll(() => (settled(), codes())).toContain('told')
    expect(read.times).toBeLessThan(50)
    await clock.advance(11_000) // the one that stalls is given up, so that others are looked at
    const next = auditors[2]?.name ?? provider.name
    const asked: PeerName[] = []
    ports = [{ ...relayWith([]), findVerdicts: async (name) => (asked.push(name), []) }]
    consider([next])
    await expect.poll(() => (settled(), asked)).toEqual([next])
  })

  it('waits for no chain: one that stalls counts as none, and is asked with the next look', async () => {
    const [one] = auditors as [TestPeer]
    ports = [relayWith([await verdictBy(one, { digit: 'a' })])]
    const stalled = new ToldEvidence({
      ...{ clock, record, registers: () => ports },
      stakes: { said: () => new Promise(() => undefined) },
    })
    stalled.consider([{ provider: provider.name, model: someModel() }])
    await expect.poll(async () => (await clock.advance(1000), record.wantsCheck(provider.name))).toBe(true)
    expect(codes()).not.toContain('told')
    await clock.advance(6 * MINUTE)
    consider()
    await expect.poll(() => (settled(), codes())).toContain('told')
  })

  it('is looked for once in five minutes, a few providers at a time', async () => {
    const asked: PeerName[] = []
    ports = [{ ...relayWith([]), findVerdicts: async (name) => (asked.push(name), []) }]
    const crowd = await Promise.all(Array.from({ length: 60 }, async () => (await makePeer()).name))
    for (let i = 0; i < 10; i++) consider(crowd)
    await expect.poll(() => (settled(), asked.length)).toBe(24)
    consider(crowd)
    await settled()
    expect(new Set(asked).size).toBe(asked.length)
    ports = []
    expect(() => consider(crowd)).not.toThrow()
  })

  it('asks the chain for a provider’s own stake, as relays name its operator', async () => {
    const golden = {
      provider: provider.name,
      golden: {} as never,
      staked: { operator: operator('c'), stake: baseUnits(1n) },
    }
    const foreign = { ...golden, provider: auditors[0]?.name ?? provider.name }
    ports = [{ ...relayWith([]), findGolden: async () => [golden, foreign] }]
    consider()
    await expect.poll(() => (settled(), said)).toEqual([[provider.name, [operator('c')]]])
    expect(codes()).toContain('staked')
  })
})
