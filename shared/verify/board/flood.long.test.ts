import { beforeAll, describe, expect, it } from 'vitest'
import { chainAddress, jobId, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { realRandom } from '../../testing/real-clock.ts'
import { someVerdict } from '../../testing/verdicts.ts'
import { openGolden, signGolden } from '../golden/golden-sketches.ts'
import { signVerdict } from '../verdict.ts'
import { GOLDEN_LIFE_MS, MAX_GOLDEN_BYTES, MAX_GOLDEN_RECORDS, MAX_VERDICTS } from './constants.ts'
import { GoldenBook } from './golden-book.ts'
import type { Staked } from './staked.ts'
import { VerdictBook } from './verdict-book.ts'

const KEYS = 10_000
const HONEST = 20
/** A request takes about a millisecond, its signature included; a busy machine takes longer. */
const MAX_REQUEST_MS = 50
const MODELS = [...'abcdef0123456789'].map(someModel)

/** Ten thousand names, each from an address of its own, against a few that have stake. */
describe('ten thousand names that fill a relay’s registers', () => {
  const clock = new FakeClock()
  let crowd: TestPeer[]
  let honest: TestPeer[]
  let staked: Set<PeerName>
  const stakeOf = (name: PeerName): Staked | undefined =>
    staked.has(name) ? { operator: chainAddress(`0x${'9'.repeat(40)}`), stake: baseUnits(5n) } : undefined

  beforeAll(async () => {
    crowd = await Promise.all(Array.from({ length: KEYS }, () => makePeer()))
    honest = await Promise.all(Array.from({ length: HONEST }, () => makePeer()))
    staked = new Set(honest.map(({ name }) => name))
  })

  /** The mean time of a request, in ms. */
  const timeOf = async (publish: (who: TestPeer, i: number) => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now()
    for (const [i, who] of crowd.entries())
      await publish(who, i).catch(({ code }: { code: string }) => expect(code).toBe('verify.records-full'))
    return (performance.now() - startedAt) / KEYS
  }

  it('leave the records of those with stake in the golden book, which stays within its bounds', async () => {
    const book = new GoldenBook({ clock, random: realRandom, open: openGolden, stakeOf })
    const publish = async (who: TestPeer, i: number): Promise<unknown> => {
      const golden = await signGolden(
        {
          ...{ model: MODELS[i % MODELS.length]!, class: { backend: 'wasm', adapter: 'cpu', build: 'any' } },
          ...{ sketches: new Uint16Array(2048), at: clock.now() },
          expiresAt: epochMillis(clock.now() + GOLDEN_LIFE_MS),
        },
        who.key,
      )
      return book.publish({ provider: who.name, golden }, `address ${who.name}`)
    }
    for (const [i, who] of honest.entries()) await publish(who, i)
    expect(await timeOf(publish)).toBeLessThan(MAX_REQUEST_MS)
    expect(book.size).toBeLessThanOrEqual(Math.min(MAX_GOLDEN_RECORDS, MAX_GOLDEN_BYTES / 4096))
    expect(honest.filter(({ name }) => book.knows(name))).toHaveLength(HONEST)
    for (const [i, who] of honest.entries()) await publish(who, i + 1) // and there is room for more of theirs
  })

  it('leave the verdicts of those with stake in the verdict book, which stays within its bounds', async () => {
    const book = new VerdictBook({ clock, knows: () => true, stakeOf })
    const publish = async (who: TestPeer, i: number): Promise<unknown> => {
      const about = crowd[(i + 1) % 2000]!
      const verdict = someVerdict(about, { jobId: jobId(i.toString(16).padStart(32, '0')), at: clock.now() })
      return book.publish(
        { verifier: who.name, verdict: await signVerdict(verdict, who.key) },
        `of ${who.name}`,
      )
    }
    for (const [i, who] of honest.entries()) await publish(who, i)
    expect(await timeOf(publish)).toBeLessThan(MAX_REQUEST_MS)
    expect(book.size).toBeLessThanOrEqual(MAX_VERDICTS)
    for (const [i, { name }] of honest.entries())
      expect(book.find(crowd[(i + 1) % 2000]!.name).map(({ verifier }) => verifier)).toContain(name)
  })
})
