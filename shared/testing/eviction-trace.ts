import { evict, used, type KeptModel, type ModelUse } from '../models/store/eviction.ts'
import { seededChance } from './chance.ts'

/** One use of a model. */
export interface TraceUse {
  readonly at: number
  readonly model: number
}

export interface Trace {
  /** Of each model, in bytes. */
  readonly sizes: readonly number[]
  readonly uses: readonly TraceUse[]
}

export interface TraceInit {
  readonly seed: number
  /** @default 200 */
  readonly models?: number
  /** @default 28 */
  readonly days?: number
  /** @default 300 */
  readonly usesPerDay?: number
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Bytes a second at which a model comes again. */
const SPEED = 10e6

/**
 * What a tab is asked to run: ranks by Zipf (0.9), two halves of the world that are awake at other hours and like other
 * models, a model a day that comes out in each, and one that nobody knew and half of all want for two days.
 */
export function makeTrace({ seed, models = 200, days = 28, usesPerDay = 300 }: TraceInit): Trace {
  const chance = seededChance(seed)
  // From 100 MB to 5 GB, most of them small.
  const sizes = Array.from({ length: models }, () => Math.round(1e8 * 50 ** chance()))
  const byDay = shuffled(sizes.keys().toArray(), chance)
  const byNight = shuffled(byDay, chance)
  const hit = byDay.at(-1) ?? 0
  const begin = (days * DAY) / 2
  const uses = Array.from({ length: days * usesPerDay }, (_, i) => {
    const at = (i / usesPerDay) * DAY
    const isHit = at >= begin && at < begin + 2 * DAY && chance() < 0.5
    if (isHit) return { at, model: hit }
    const isDay = chance() < 0.5 + 0.45 * Math.sin((2 * Math.PI * at) / DAY)
    if (i % usesPerDay === 0) for (const ranks of [byDay, byNight]) release(ranks, chance)
    return { at, model: (isDay ? byDay : byNight)[zipf(models, chance)] ?? 0 }
  })
  return { sizes, uses }
}

export const POLICIES = ['gdsf', 'lru', 'lfu'] as const
export type Policy = (typeof POLICIES)[number]

/** Of all bytes that were wanted, the part that was here, by policy. */
export function hitRatios(trace: Trace, roomBytes: number): Readonly<Record<Policy, number>> {
  return {
    gdsf: hitRatio(trace, roomBytes, byWorth()),
    lru: hitRatio(
      trace,
      roomBytes,
      byKey(({ at }) => at),
    ),
    lfu: hitRatio(
      trace,
      roomBytes,
      byKey(({ count }) => count),
    ),
  }
}

interface Seen {
  readonly at: number
  /** Uses since it came. */
  readonly count: number
}
interface Chooser {
  use(model: number, at: number): void
  /** Of these, which go so that so many bytes more fit. */
  choose(
    here: ReadonlyMap<number, number>,
    wantedBytes: number,
    freeBytes: number,
    at: number,
  ): readonly number[]
}

function hitRatio({ sizes, uses }: Trace, roomBytes: number, chooser: Chooser): number {
  const here = new Map<number, number>()
  let [wanted, found, taken] = [0, 0, 0]
  for (const { at, model } of uses) {
    const size = sizes[model] ?? 0
    wanted += size
    if (here.has(model)) found += size
    else if (size <= roomBytes) {
      for (const victim of chooser.choose(here, size, roomBytes - taken, at)) {
        taken -= here.get(victim) ?? 0
        here.delete(victim)
      }
      here.set(model, size)
      taken += size
    }
    chooser.use(model, at)
  }
  return found / wanted
}

function byWorth(): Chooser {
  const uses = new Map<number, ModelUse>()
  let floor = 0
  return {
    use: (model, at) => void uses.set(model, used(uses.get(model), at, floor)),
    choose(here, wantedBytes, freeBytes, now) {
      const models: KeptModel[] = [...here].map(([model, bytes]) => ({
        name: String(model),
        bytes,
        use: uses.get(model) ?? used(undefined, now, floor),
        refetchSeconds: bytes / SPEED,
        revenue: 0,
        mustStay: false,
      }))
      const eviction = evict(models, { wantedBytes, freeBytes, floor, now })
      floor = eviction.floor
      return eviction.victims.map(({ name }) => Number(name))
    },
  }
}

function byKey(key: (seen: Seen) => number): Chooser {
  const seen = new Map<number, Seen>()
  return {
    use: (model, at) => void seen.set(model, { at, count: (seen.get(model)?.count ?? 0) + 1 }),
    choose(here, wantedBytes, freeBytes) {
      const line = [...here].toSorted(([a], [b]) => key(seen.get(a) ?? NEW) - key(seen.get(b) ?? NEW))
      const victims: number[] = []
      let missing = wantedBytes - freeBytes
      for (const [model, bytes] of line) {
        if (missing <= 0) break
        victims.push(model)
        seen.delete(model)
        missing -= bytes
      }
      return victims
    },
  }
}

const NEW: Seen = { at: 0, count: 0 }

/** A rank, the first the likeliest: its chance falls with its 0.9th power. */
function zipf(count: number, chance: () => number): number {
  const parts = (weights.get(count) ?? weights.set(count, cumulated(count)).get(count)) as readonly number[]
  const at = chance() * (parts.at(-1) ?? 1)
  return parts.findIndex((part) => part >= at)
}

const weights = new Map<number, readonly number[]>()

function cumulated(count: number): readonly number[] {
  let sum = 0
  return Array.from({ length: count }, (_, rank) => (sum += (rank + 1) ** -0.9))
}

/** Something comes out: one that few knew is among the ten most wanted from now on, and those behind it fall back. */
function release(ranks: number[], chance: () => number): void {
  const [model = 0] = ranks.splice(Math.floor(chance() * ranks.length), 1)
  ranks.splice(Math.floor(chance() * 10), 0, model)
}

function shuffled(values: readonly number[], chance: () => number): number[] {
  return values
    .map((value) => ({ value, key: chance() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value)
}
