import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../base/bytes.ts'
import { jobId } from '../../base/ids.ts'
import { millis } from '../../base/units.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import type { CommittedJob } from '../../stream/sketch-keeper.ts'
import { sketchRoot } from '../../stream/sketch-tree.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { countingRandom } from '../../testing/peers.ts'
import { checkOpenings } from './check-openings.ts'
import { KEEP_OPENINGS_MS } from './constants.ts'
import { OpeningKeeper, type OpeningKeeperInit } from './opening-keeper.ts'
import { openingKey } from './opening-key.ts'
import type { KeptJob, OpeningStore } from './opening-store.ts'

const question = Uint8Array.of(1, 2, 3)
const key = openingKey(question)
const job = (number: number, tokens = 70, from = 5): CommittedJob => ({
  jobId: jobId('ab'.repeat(16)),
  link: new Uint8Array(32).fill(number),
  ...{ question, from, secret: new Uint8Array(32).fill(number) },
  sketches: Uint16Array.from({ length: tokens * SKETCH_SIZE }, (_, i) => i + number),
})
const rootsOf = ({ secret, sketches, from }: CommittedJob) =>
  Array.from({ length: Math.ceil(sketches.length / SKETCH_SIZE / 32) }, (_, chunk) => {
    const part = sketches.slice(chunk * 32 * SKETCH_SIZE, (chunk + 1) * 32 * SKETCH_SIZE)
    const start = from + chunk * 32
    return { from: start, count: part.length / SKETCH_SIZE, root: sketchRoot(secret, part, start) }
  })

class MemoryOpeningStore implements OpeningStore {
  readonly jobs = new Map<string, KeptJob>()
  isBroken = false
  async load(): Promise<readonly KeptJob[]> {
    this.#check()
    return [...this.jobs.values()].toReversed()
  }
  async put(kept: KeptJob): Promise<void> {
    this.#check()
    this.jobs.set(kept.link, kept)
  }
  async remove(links: readonly string[]): Promise<void> {
    this.#check()
    for (const link of links) this.jobs.delete(link)
  }
  #check(): void {
    if (this.isBroken) throw new Error('the disk is gone')
  }
}

function keeperOf(init: OpeningKeeperInit = {}, store?: OpeningStore, clock = new FakeClock()) {
  return { clock, keeper: new OpeningKeeper({ clock, random: countingRandom(), store }, init) }
}
const open = (keeper: OpeningKeeper, { link }: CommittedJob, positions = [5]) =>
  keeper.open({ link, key, positions })
const notKept = { code: 'verify.not-kept' }

describe('a keeper of openings', () => {
  it('opens any positions of a job, chunk by chunk, under the roots that were signed', async () => {
    const { keeper } = keeperOf()
    keeper.keep(job(1))
    const positions = [5, 36, 37, 40, 74]
    const openings = await open(keeper, job(1), positions)
    expect(openings.map(({ from }) => from)).toEqual([5, 37, 69])
    const opened = checkOpenings(openings, rootsOf(job(1)))
    expect(opened.map(({ position }) => position)).toEqual(positions)
    expect(opened[1]?.sketch).toEqual(job(1).sketches.slice(31 * SKETCH_SIZE, 32 * SKETCH_SIZE))
  })

  it('opens nothing for who does not know the question, or asks for what was not written', async () => {
    const { keeper } = keeperOf()
    keeper.keep(job(1))
    const { link } = job(1)
    const wrong = openingKey(Uint8Array.of(1, 2, 4))
    await expect(keeper.open({ link, key: wrong, positions: [5] })).rejects.toMatchObject(notKept)
    await expect(open(keeper, job(2))).rejects.toMatchObject(notKept)
    for (const at of [0, 4, 75])
      await expect(open(keeper, job(1), [at])).rejects.toMatchObject({
        code: 'verify.bad-request',
        facts: { reason: 'positions' },
      })
  })

  it('keeps two jobs of one question apart, so that nobody can put another in its place', async () => {
    const { keeper } = keeperOf()
    keeper.keep(job(1))
    keeper.keep(job(2))
    expect(checkOpenings(await open(keeper, job(1)), rootsOf(job(1)))).toHaveLength(1)
    const other = await open(keeper, job(2))
    expect(() => checkOpenings(other, rootsOf(job(1)))).toThrow(
      expect.objectContaining({ code: 'verify.bad-openings' }) as Error,
    )
  })

  it('forgets a job after a day', async () => {
    const { keeper, clock } = keeperOf()
    keeper.keep(job(1))
    await clock.advance(millis(KEEP_OPENINGS_MS - 1))
    expect(await open(keeper, job(1))).toHaveLength(1)
    await clock.advance(1)
    await expect(open(keeper, job(1))).rejects.toMatchObject(notKept)
    expect(keeper.size).toBe(0)
  })

  it('keeps so many jobs, and so many bytes, and lets the eldest go', async () => {
    const store = new MemoryOpeningStore()
    const { keeper } = keeperOf({ maxJobs: 3, maxBytes: 100 * 2 * SKETCH_SIZE }, store)
    for (const number of [1, 2, 3, 4]) keeper.keep(job(number, 10))
    expect(keeper.size).toBe(3)
    await expect(open(keeper, job(1))).rejects.toMatchObject(notKept)
    keeper.keep(job(5, 85))
    expect(keeper.size).toBe(2)
    expect(await open(keeper, job(4))).toHaveLength(1)
    keeper.keep(job(6, 101))
    expect(keeper.size).toBe(0)
    await expect.poll(() => store.jobs.size).toBe(0)
  })

  it('keeps nothing of a job that wrote nothing', () => {
    const { keeper } = keeperOf()
    keeper.keep(job(1, 0))
    expect(keeper.size).toBe(0)
  })

  it('goes on after a reload with what it kept before, the newest first', async () => {
    const store = new MemoryOpeningStore()
    const clock = new FakeClock()
    const before = keeperOf({}, store, clock).keeper
    for (const number of [1, 2, 3]) {
      before.keep(job(number))
      await clock.advance(1000)
    }
    const { keeper } = keeperOf({ maxJobs: 3 }, store, clock)
    keeper.keep(job(4))
    for (const number of [2, 3, 4])
      expect(checkOpenings(await open(keeper, job(number)), rootsOf(job(number)))).toHaveLength(1)
    await expect(open(keeper, job(1))).rejects.toMatchObject(notKept)
    await expect.poll(() => store.jobs.has(toHex(fromHex('01'.repeat(32))))).toBe(false)
  })

  it.each<[string, (kept: KeptJob) => KeptJob]>([
    ['a sketch', (kept) => ({ ...kept, sketches: kept.sketches.with(17, 9999) })],
    ['a token less', (kept) => ({ ...kept, sketches: kept.sketches.slice(SKETCH_SIZE) })],
    ['another secret', (kept) => ({ ...kept, secret: new Uint8Array(32) })],
    ['another place', (kept) => ({ ...kept, from: 6 })],
    ['another name', (kept) => ({ ...kept, link: '02'.repeat(32) })],
  ])('opens to nobody what comes back from its store with %s: it would forge', async (_, change) => {
    const store = new MemoryOpeningStore()
    const clock = new FakeClock()
    keeperOf({}, store, clock).keeper.keep(job(1))
    await expect.poll(() => store.jobs.size).toBe(1)
    const damaged = change([...store.jobs.values()][0]!)
    store.jobs.clear()
    store.jobs.set(damaged.link, damaged)
    const { keeper } = keeperOf({}, store, clock)
    await expect(keeper.open({ link: fromHex(damaged.link), key, positions: [7] })).rejects.toMatchObject(
      notKept,
    )
    expect(keeper.size).toBe(0)
    await expect.poll(() => store.jobs.size).toBe(0)
  })

  it('opens all the same when its store fails', async () => {
    const store = new MemoryOpeningStore()
    store.isBroken = true
    const { keeper } = keeperOf({ maxJobs: 1 }, store)
    keeper.keep(job(1))
    keeper.keep(job(2))
    expect(await open(keeper, job(2))).toHaveLength(1)
  })

  it('gives each job a secret of its own', () => {
    const { keeper } = keeperOf()
    expect(keeper.secret()).toHaveLength(32)
    expect(keeper.secret()).not.toEqual(keeper.secret())
  })
})
