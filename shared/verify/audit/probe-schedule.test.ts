import { beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import type { Clock } from '../../base/clock.ts'
import { epochMillis, millis, MINUTE_MS } from '../../base/units.ts'
import { seededChance } from '../../testing/chance.ts'
import { someModel } from '../../testing/peers.ts'
import { MAX_AUDITED } from './constants.ts'
import { ProbeSchedule, type AuditTarget } from './probe-schedule.ts'

const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

function seededRandom(seed: number): Random {
  const chance = seededChance(seed)
  return { bytes: (length) => Uint8Array.from({ length }, () => Math.floor(chance() * 256)) }
}

const targetsOf = (count: number, prefix = 'provider'): AuditTarget[] =>
  Array.from({ length: count }, (_, i) => ({ provider: peerName(`${prefix} ${i}`), model: someModel() }))

/** A schedule has no timers: time alone moves, a month at once. */
class HandClock implements Clock {
  ms = 0
  now = () => epochMillis(1_800_000_000_000 + this.ms)
  monotonic = () => millis(this.ms)
  schedule = () => ({ stop: () => undefined })
}

describe('ProbeSchedule', () => {
  let clock: HandClock
  let probes: { at: number; provider: PeerName }[]

  beforeEach(() => {
    clock = new HandClock()
    probes = []
  })

  /** Lets it probe for so long, with whoever is there at each time. */
  const run = (
    schedule: ProbeSchedule,
    forMs: number,
    targetsAt: (atMs: number) => readonly AuditTarget[],
  ): void => {
    const begin = clock.monotonic()
    for (;;) {
      const wait = schedule.nextWaitMs()
      if (clock.monotonic() + wait > begin + forMs) return
      clock.ms += wait
      const chosen = schedule.take(targetsAt(clock.monotonic() - begin))
      if (chosen) probes.push({ at: clock.monotonic(), provider: chosen.provider })
    }
  }
  const countOf = (provider: PeerName, from = 0, to = Infinity): number =>
    probes.filter((probe) => probe.provider === provider && probe.at >= from && probe.at < to).length

  it('never makes more probes in an hour than its budget, and uses most of it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      clock = new HandClock()
      probes = []
      const schedule = new ProbeSchedule({ clock, random: seededRandom(seed) }, { probesPerHour: 12 })
      run(schedule, DAY_MS, () => targetsOf(5))
      for (const { at } of probes)
        expect(
          probes.filter((other) => other.at > at - HOUR_MS && other.at <= at).length,
        ).toBeLessThanOrEqual(12)
      expect(probes.length).toBeGreaterThan(0.9 * 24 * 12)
    }
  })

  it('refuses a probe beyond the budget, whoever asks how often', () => {
    const schedule = new ProbeSchedule({ clock, random: seededRandom(1) }, { probesPerHour: 3 })
    const taken = Array.from({ length: 10 }, () => schedule.take(targetsOf(4)))
    expect(taken.filter((each) => each !== undefined)).toHaveLength(3)
    expect(schedule.nextWaitMs()).toBeGreaterThanOrEqual(HOUR_MS)
  })

  it('probes every provider at least once a day', () => {
    const targets = targetsOf(100)
    for (let seed = 1; seed <= 5; seed++) {
      clock = new HandClock()
      probes = []
      const schedule = new ProbeSchedule({ clock, random: seededRandom(seed) }, { probesPerHour: 8 })
      expect(schedule.isBehind(targets.length)).toBe(false)
      run(schedule, 4 * DAY_MS, () => targets)
      for (const { provider } of targets)
        for (let day = 0; day < 4; day++)
          expect(countOf(provider, day * DAY_MS, (day + 1) * DAY_MS)).toBeGreaterThanOrEqual(1)
    }
  })

  it('probes newcomers first', () => {
    const old = targetsOf(50)
    const come = targetsOf(3, 'newcomer')
    const schedule = new ProbeSchedule({ clock, random: seededRandom(3) }, { probesPerHour: 10 })
    run(schedule, DAY_MS, () => old)
    probes = []
    run(schedule, HOUR_MS, () => [...old, ...come])
    expect(
      probes
        .slice(0, 3)
        .map(({ provider }) => provider)
        .sort(),
    ).toEqual(come.map(({ provider }) => provider))
  })

  it('makes up for a probe that came to nothing within hours, before others whose day is not over', () => {
    const targets = targetsOf(5)
    for (let seed = 1; seed <= 20; seed++) {
      clock = new HandClock()
      const schedule = new ProbeSchedule({ clock, random: seededRandom(seed) }, { probesPerHour: 600 })
      const taken = targets.map(() => schedule.take(targets))
      const [failed] = taken
      expect(new Set(taken).size).toBe(5)
      if (failed) schedule.missed(failed)
      clock.ms += 3 * HOUR_MS
      expect(schedule.take(targets)).toEqual(failed)
    }
  })

  it('says when the budget is too small for all', () => {
    const schedule = new ProbeSchedule({ clock, random: seededRandom(1) }, { probesPerHour: 1 })
    expect([schedule.isBehind(20), schedule.isBehind(30)]).toEqual([false, true])
  })

  it('is foreseen by nobody: neither when nor whom', () => {
    const schedule = new ProbeSchedule({ clock, random: seededRandom(5) }, { probesPerHour: 10 })
    const targets = targetsOf(10)
    run(schedule, 3 * DAY_MS, () => targets)
    const gaps = probes.slice(1).map(({ at }, i) => at - (probes[i]?.at ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
    expect(spread / mean).toBeGreaterThan(0.2)
    // Of one provider: times between its probes differ by far more than that.
    const own = probes.filter(({ provider }) => provider === targets[0]?.provider).map(({ at }) => at)
    const ownGaps = own.slice(1).map((at, i) => at - (own[i] ?? 0))
    expect(Math.max(...ownGaps)).toBeGreaterThan(3 * Math.min(...ownGaps))
    // Who was probed last is probed again at once about as often as by chance.
    const again = probes.slice(1).filter(({ provider }, i) => provider === probes[i]?.provider).length
    expect(again / probes.length).toBeGreaterThan(0.03)
  })

  it('goes on where nobody is there, and remembers no more than it may', () => {
    const schedule = new ProbeSchedule({ clock, random: seededRandom(1) }, { probesPerHour: 600 })
    expect(schedule.take([])).toBeUndefined()
    for (let round = 0; round < 3; round++) schedule.take(targetsOf(MAX_AUDITED, `round ${round}`))
    clock.ms += 1000
    expect(schedule.take(targetsOf(1))).toBeDefined()
  })
})
