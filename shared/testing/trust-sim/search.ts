import { seededChance } from '../chance.ts'
import { CHEAT_KINDS, HONEST, someStrategy, type Strategy } from './strategies.ts'
import { playWorld } from './trust-world.ts'

/** Honest providers, and strategies that are tried beside each other. */
const HONEST_PROVIDERS = 14
const TRIED = 10
const ROUNDS = 3
/** Of the end: the best ones again, in worlds that they were not chosen by. */
const FINALISTS = 3
const FINALS = 2
/** Copies of each finalist among the honest ones. */
const COPIES = 3

export interface Found {
  readonly strategy: Strategy
  /** What it earns over what an honest provider of the same world earns. */
  readonly ratio: number
  /** Standard error of that. */
  readonly error: number
}

export interface SearchInit {
  readonly seed: number
  readonly days: number
  readonly jobsPerDay: number
  readonly auditRate: (passed: number) => number
  readonly dailyProbes: number
}

/**
 * Looks for what earns most: each cheat in all answers from the first, then neighbours of the best and others by chance, and the best of all once more in fresh
 * worlds, since the best of many that were tried is partly luck.
 */
export function findBestStrategy(init: SearchInit): readonly Found[] {
  const chance = seededChance(init.seed)
  const known = new Map<string, { strategy: Strategy; ratios: number[] }>()
  const best = (count: number): Strategy[] =>
    [...known.values()]
      .toSorted((a, b) => mean(b.ratios) - mean(a.ratios))
      .slice(0, count)
      .map(({ strategy }) => strategy)
  for (let round = 0; round < ROUNDS; round++) {
    const parents = best(TRIED / 3)
    const tried = Array.from({ length: TRIED }, (_, i) =>
      round === 0
        ? { ...someStrategy(chance), kind: CHEAT_KINDS[i % CHEAT_KINDS.length]!, share: 1, after: 0 }
        : someStrategy(chance, parents[Math.floor(i / 2)]),
    )
    for (const [i, ratio] of earningsOf(tried, { ...init, seed: init.seed + 100 * round }).ratios.entries()) {
      const strategy = tried[i]!
      const key = JSON.stringify(strategy)
      known.set(key, { strategy, ratios: [...(known.get(key)?.ratios ?? []), ratio] })
    }
  }
  const finalists = best(FINALISTS)
  const copies = Array.from({ length: COPIES * finalists.length }, (_, i) => finalists[i % finalists.length]!)
  const finals = Array.from({ length: FINALS }, (_, i) =>
    earningsOf(copies, { ...init, seed: init.seed + 10_000 * (i + 1) }),
  )
  // What chance does to honest providers, it does to the others as well.
  const honest = finals.flatMap((each) => each.honest.map((earned) => earned / mean(each.honest)))
  const spread = Math.sqrt(mean(honest.map((ratio) => (ratio - 1) ** 2)))
  const error = spread * Math.sqrt(1 / (COPIES * FINALS) + 1 / honest.length)
  return finalists
    .map((strategy, index) => {
      const own = finals.flatMap((each) => each.ratios.filter((_, i) => i % finalists.length === index))
      return { strategy, ratio: mean(own), error }
    })
    .toSorted((a, b) => b.ratio - a.ratio)
}

function earningsOf(
  tried: readonly Strategy[],
  init: SearchInit,
): { readonly honest: readonly number[]; readonly ratios: readonly number[] } {
  const providers = [...Array.from({ length: HONEST_PROVIDERS }, () => HONEST), ...tried]
  const played = playWorld({ ...init, providers: providers.map((strategy) => ({ strategy })) })
  const earned = played.map((each) => each.earned)
  const honest = earned.slice(0, HONEST_PROVIDERS)
  return { honest, ratios: earned.slice(HONEST_PROVIDERS).map((each) => each / mean(honest)) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length)
}
