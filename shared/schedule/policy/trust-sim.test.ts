import { describe, expect, it } from 'vitest'
import {
  CHEAT_KINDS,
  describeStrategy,
  HONEST,
  PLANTED,
  type Strategy,
} from '../../testing/trust-sim/strategies.ts'
import { findBestStrategy } from '../../testing/trust-sim/search.ts'
import { playTraffic } from '../../testing/trust-sim/traffic.ts'
import { playWorld } from '../../testing/trust-sim/trust-world.ts'

/** 2 % of the jobs of one that was right 40 times, and nearly each of a newcomer. */
const auditRate = (passed: number): number => Math.max(0.02, Math.exp(-passed / 10))
const kind = (name: string) => CHEAT_KINDS.find((each) => each.name === name)!
const cheat = (changes: Partial<Strategy>): Strategy => ({ ...HONEST, share: 1, ...changes })
const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)

describe('a simulated week', () => {
  const cheats = [
    cheat({ kind: kind('canned answer') }),
    cheat({ kind: kind('smaller model'), after: 100 }),
    cheat({ kind: kind('other quantisation'), share: 0.15 }),
    cheat({ kind: kind('early stop') }),
    cheat({ kind: kind('smaller model'), recognises: 0.7, after: 50 }),
    cheat({ kind: kind('canned answer'), whenFound: 'rejoins' }),
  ]
  const DAYS = 8
  const HALF = DAYS / 2
  const played = playWorld({
    ...{ seed: 11, days: DAYS, jobsPerDay: 30, auditRate, dailyProbes: 1 },
    providers: [
      ...Array.from({ length: 30 }, () => ({ strategy: HONEST })),
      ...cheats.map((strategy) => ({ strategy })),
      ...Array.from({ length: 6 }, () => ({ strategy: HONEST, joins: HALF })),
    ],
  })
  const jobsSince = (day: number) => sum(played.map(({ jobs }) => sum(jobs.slice(day))))

  it('gives newcomers at least half of a fair share', () => {
    const newcomers = played.filter(({ joins }) => joins > 0)
    const share = sum(newcomers.map(({ jobs }) => sum(jobs.slice(HALF)))) / jobsSince(HALF)
    const fair = newcomers.length / played.length
    console.log(`newcomers: ${(share / fair).toFixed(2)} of a fair share`)
    expect(share).toBeGreaterThan(fair / 2)
  })

  it('leaves cheats less than one job of two hundred at its end', () => {
    const cheated = sum(played.map((each) => each.cheated[DAYS - 1]!)) / jobsSince(DAYS - 1)
    const byDay = Array.from({ length: DAYS }, (_, day) => {
      const [bad, all] = [played.map((each) => each.cheated[day]!), played.map((each) => each.jobs[day]!)]
      return (100 * sum(bad)) / sum(all)
    })
    console.log(`cheated jobs, day by day: ${byDay.map((share) => share.toFixed(2)).join(', ')} %`)
    expect(cheated).toBeLessThan(0.005)
  })

  it('takes the work of each cheat that goes on, and of no honest provider', () => {
    const lastDays = ({ jobs }: (typeof played)[number]) => sum(jobs.slice(-2))
    const honest = played.filter(({ strategy }) => strategy === HONEST).map(lastDays)
    const usual = sum(honest) / honest.length
    for (const each of played.filter(({ strategy }) => strategy !== HONEST))
      expect(lastDays(each), describeStrategy(each.strategy)).toBeLessThan(0.4 * usual)
    expect(played.filter(({ strategy, isExcluded }) => strategy === HONEST && isExcluded)).toEqual([])
  })
})

describe('the search for a cheat that pays', () => {
  const world = { seed: 5, days: 14, jobsPerDay: 20 }

  it('finds the planted one where nothing is checked', () => {
    const [best] = findBestStrategy({ ...world, days: 4, auditRate: () => 0, dailyProbes: 0 })
    console.log(
      `without checks: ${best!.ratio.toFixed(2)} times as much by ${describeStrategy(best!.strategy)}`,
    )
    expect(best!.strategy.kind.name).toBe(PLANTED)
    expect(best!.ratio).toBeGreaterThan(2)
  })

  it('finds none that earns more than honesty at the default rate of checks', () => {
    const found = findBestStrategy({ ...world, auditRate, dailyProbes: 1 })
    const [best] = found
    const words = `${best!.ratio.toFixed(2)} ± ${best!.error.toFixed(2)} times as much as honesty`
    console.log(`best find: ${words} by ${describeStrategy(best!.strategy)}`)
    for (const { ratio, error, strategy } of found)
      expect(ratio - 3 * error, describeStrategy(strategy)).toBeLessThan(1)
  })
})

describe('first tokens of a busy network', () => {
  const seeds = [1, 2, 3]
  const JOBS = 2000
  const quantile = (sorted: readonly number[], share: number): number =>
    sorted[Math.floor(sorted.length * share)]!
  const average = (values: readonly number[]): number => sum(values) / values.length

  it('come at the 99th percentile within 13.7 s at 80 % load, with at most 3 % of hedges', () => {
    const runs = seeds.map((seed) => playTraffic({ seed, load: 0.8, jobs: JOBS }))
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) =>
      average(runs.map(({ ttft }) => quantile(ttft, share))),
    )
    const hedged = average(runs.map((run) => run.hedged))
    console.log(
      `80 % load: first token after ${[p50, p95, p99].map((s) => s!.toFixed(1)).join(' / ')} s, ${(100 * hedged).toFixed(1)} % hedged`,
    )
    expect(p99).toBeLessThanOrEqual(13.7)
    expect(hedged).toBeLessThanOrEqual(0.035)
  })
})
