import { beforeAll, describe, expect, it } from 'vitest'
import { chainAddress, modelHash } from '../../base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { someModel } from '../../testing/peers.ts'
import { DemandMeter, type ModelDemand } from './demand-meter.ts'
import { mergeDemand } from './merge-demand.ts'
import { wantedModel, type WantedCandidate } from './wanted-model.ts'

/*
 * Two days of 120 tabs that lend what a policy says, 24 models whose popularity follows Zipf's law (exponent 0.9) with a
 * daily wave each at its own hour, and a model of rank 20 that everybody wants for four hours on the second day. A tab
 * decides every quarter of an hour, by the record of a relay that hears of settled jobs ten minutes late.
 */
const MODELS = 24
const TABS = 120
const MINUTES = 2 * 24 * 60
const WARM_UP = 180
const DECIDES_EVERY = 15
const REQUESTS_A_MINUTE = 60
/** Jobs that a tab runs in a minute. */
const CAPACITY = 2
const SETTLES_AFTER = 10
/** A new record is read. */
const TOLD_EVERY = 10
const PAYERS = 400
/** Whoever finds no loaded provider in two minutes takes one that loads: that is what it waits. */
const COLD_MINUTES = 2
const HIT = { model: 20, from: 36 * 60, minutes: 240, requests: 60 }
const LINE_BYTES_A_MINUTE = 12.5e6 * 60

type Sized = WantedCandidate & { readonly bytes: number }
type Policy = (candidates: readonly Sized[], current: number | undefined) => number | undefined

interface Tab {
  readonly memory: number
  readonly disk: Set<number>
  decidesAt: number
  lends: number | undefined
  readyAt: number
}

/** mulberry32: the same trace for every policy. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}

/** As the wire gives it: by hash. */
const HASHES = Array.from({ length: MODELS }, (_, i) => modelHash(i.toString(16).padStart(64, '0')))
const INDEX = new Map(HASHES.map((hash, index) => [hash, index]))
const payer = (index: number) => chainAddress(`0x${index.toString(16).padStart(40, '0')}`)

function simulate(policyOf: (random: () => number) => Policy) {
  const world = randomOf(7)
  const own = randomOf(11)
  const policy = policyOf(own)
  const clock = new FakeClock()
  let now = 0
  const meter = new DemandMeter({ ...clockAt(() => now), schedule: clock.schedule.bind(clock) })
  const weights = Array.from({ length: MODELS }, (_, rank) => (rank + 1) ** -0.9)
  const sum = weights.reduce((a, b) => a + b, 0)
  const models = weights.map((weight) => {
    const bytes = 0.3e9 * 10 ** world()
    return {
      weight: weight / sum,
      phase: world(),
      bytes,
      price: bytes * (0.8 + 0.4 * world()),
      tps: 6e10 / bytes,
    }
  })
  const tabs = Array.from({ length: TABS }, (): Tab => {
    const memory = [1e9, 2e9, 4e9][Math.floor(world() * 3)] ?? 1e9
    const decidesAt = Math.floor(world() * DECIDES_EVERY)
    return { memory, disk: new Set(), decidesAt, lends: undefined, readyAt: 0 }
  })
  const queues: number[][] = models.map(() => [])
  const settling: { minute: number; model: number; payer: number }[] = []
  const seen = { requests: 0, warm: 0, waited: 0, herd: 0, bytes: 0, minutes: 0 }
  let wanted = mergeDemand([])

  const loadedOf = (minute: number) => {
    const loaded = models.map(() => 0)
    for (const tab of tabs) if (tab.lends !== undefined && tab.readyAt <= minute) loaded[tab.lends]!++
    return loaded
  }
  const decide = (tab: Tab, minute: number, loaded: readonly number[]): void => {
    const candidates = wanted.map(({ model, share }): Sized => {
      const index = INDEX.get(model)!
      const { bytes, price, tps } = models[index]!
      const isOwn = tab.lends === index && tab.readyAt <= minute
      return {
        ...{ model, share, price, bytes, tokensPerSecond: tps, fits: bytes <= tab.memory },
        loadSeconds: tab.disk.has(index) ? 60 : (60 * bytes) / LINE_BYTES_A_MINUTE,
        loaded: loaded[index]! - (isOwn ? 1 : 0),
      }
    })
    const next = policy(candidates, tab.lends)
    if (next === undefined || next === tab.lends) return
    const { bytes } = models[next]!
    const isHere = tab.disk.has(next)
    if (!isHere) seen.bytes += bytes
    tab.disk.add(next)
    tab.lends = next
    tab.readyAt = minute + (isHere ? 1 : Math.ceil(bytes / LINE_BYTES_A_MINUTE))
  }
  const serve = (index: number, minute: number, places: number): void => {
    const queue = queues[index]!
    if (queue.length === 0) return
    const isCounted = minute >= WARM_UP
    const done = queue.splice(0, places)
    const late = queue.filter((at) => minute - at >= COLD_MINUTES)
    queue.splice(0, late.length)
    for (const at of [...done, ...late]) {
      settling.push({ minute: minute + SETTLES_AFTER, model: index, payer: Math.floor(world() * PAYERS) })
      if (!isCounted) continue
      seen.requests++
      if (at === minute && !late.includes(at)) seen.warm++
      else seen.waited += (minute - at) * 60
    }
  }
  for (let minute = 0; minute < MINUTES; minute++) {
    now = minute * MINUTE_MS
    while (settling[0] && settling[0].minute <= minute) {
      const { model, payer: by } = settling.shift()!
      meter.settled({ payer: payer(by), model: HASHES[model]!, shares: 0.2 })
    }
    const loaded = loadedOf(minute)
    if (minute % TOLD_EVERY === 0)
      wanted = mergeDemand([meter.top().map((each: ModelDemand) => ({ ...each, loaded: 0 }))])
    for (const tab of tabs) if (minute % DECIDES_EVERY === tab.decidesAt) decide(tab, minute, loaded)
    for (const [index, { weight, phase }] of models.entries()) {
      const wave = 1 + 0.8 * Math.sin(2 * Math.PI * (minute / 1440 + phase))
      const isHit = index === HIT.model && minute >= HIT.from && minute < HIT.from + HIT.minutes
      const rate = REQUESTS_A_MINUTE * weight * wave + (isHit ? HIT.requests : 0)
      for (let n = poisson(rate, world); n > 0; n--) queues[index]!.push(minute)
      serve(index, minute, loaded[index]! * CAPACITY)
    }
    if (minute >= WARM_UP) {
      seen.minutes++
      seen.herd += Math.max(...loaded) / TABS
    }
  }
  return {
    warmShare: seen.warm / seen.requests,
    meanWaitS: seen.waited / seen.requests,
    herd: seen.herd / seen.minutes,
    gigabytes: seen.bytes / 1e9,
  }
}

const clockAt = (nowMs: () => number) => ({ now: () => nowMs() as never, monotonic: () => millis(nowMs()) })

function poisson(rate: number, random: () => number): number {
  const limit = Math.exp(-rate)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

const bytesFrom = (random: () => number) => ({
  bytes: (length: number) => {
    const bytes = new Uint8Array(length)
    new DataView(bytes.buffer).setUint32(0, Math.floor(random() * 2 ** 32))
    return bytes
  },
})
const indexOf = (model: WantedCandidate['model'] | undefined) =>
  model === undefined ? undefined : INDEX.get(model)

const POLICIES: Readonly<Record<string, (random: () => number) => Policy>> = {
  ours: (random) => (candidates, current) =>
    indexOf(
      wantedModel(candidates, {
        random: bytesFrom(random),
        current: current === undefined ? undefined : HASHES[current],
      }),
    ),
  bySize: (random) => (candidates, current) =>
    indexOf(
      wantedModel(
        candidates.map((each) => ({ ...each, price: each.price / each.bytes, loadSeconds: 0 })),
        { random: bytesFrom(random), current: current === undefined ? undefined : HASHES[current] },
      ),
    ),
  popular: () => (candidates) => {
    const [best] = candidates.filter(({ fits }) => fits).sort((a, b) => b.share - a.share)
    return indexOf(best?.model)
  },
  random: (random) => (candidates) => {
    const fitting = candidates.filter(({ fits }) => fits)
    return indexOf(fitting[Math.floor(random() * fitting.length)]?.model)
  },
}

describe('two days of tabs that lend what is wanted', () => {
  type Result = ReturnType<typeof simulate>
  let [ours, bySize, popular, random] = [{}, {}, {}, {}] as [Result, Result, Result, Result]
  beforeAll(() => {
    ours = simulate(POLICIES.ours!)
    bySize = simulate(POLICIES.bySize!)
    popular = simulate(POLICIES.popular!)
    random = simulate(POLICIES.random!)
  })

  it('lets more requests meet a loaded provider than when all take the most popular, or any', () => {
    expect(ours.warmShare).toBeGreaterThan(0.88)
    expect(ours.warmShare).toBeGreaterThan(popular.warmShare)
    expect(ours.warmShare).toBeGreaterThan(random.warmShare)
  })

  it('lets them wait for less', () => {
    expect(ours.meanWaitS).toBeLessThan(popular.meanWaitS)
    expect(ours.meanWaitS).toBeLessThan(random.meanWaitS)
  })

  it('leaves fewer without one, and herds less, than what divides by the size of a model', () => {
    expect(1 - ours.warmShare).toBeCloseTo(0.09, 2)
    expect(1 - bySize.warmShare).toBeCloseTo(0.33, 2)
    expect(ours.herd).toBeLessThan(bySize.herd)
  })

  it('does not herd, and loads less than one that draws anew each time', () => {
    expect(ours.herd).toBeLessThan(popular.herd / 2)
    expect(ours.gigabytes).toBeLessThan(random.gigabytes)
  })
})

describe('a stranger with a thousand names', () => {
  const [wantedByOne, wantedByAll] = [someModel('a'), someModel('b')]
  const meterWith = (settle: (meter: DemandMeter) => void) => {
    const meter = new DemandMeter(new FakeClock())
    settle(meter)
    return Object.fromEntries(meter.top().map(({ model, quarter, day }) => [model, [quarter, day]]))
  }

  it('moves demand by one honest payer’s worth at most, however often one deposit pays', () => {
    const demand = meterWith((meter) => {
      for (let name = 0; name < 1000; name++)
        meter.settled({ payer: payer(1), model: wantedByOne, shares: 5 })
      for (let other = 2; other < 5; other++)
        meter.settled({ payer: payer(other), model: wantedByAll, shares: 5 })
    })
    expect(demand[wantedByOne]).toEqual([1, 1])
    expect(demand[wantedByAll]).toEqual([3, 3])
  })

  it('gains nothing by parting what it pays among a thousand deposits, or a thousand models', () => {
    const parted = meterWith((meter) => {
      for (let name = 0; name < 1000; name++)
        meter.settled({ payer: payer(name), model: wantedByOne, shares: 0.001 })
    })
    expect(parted[wantedByOne]![0]).toBeCloseTo(1)
    const spread = meterWith((meter) => {
      for (const digit of '01234567') meter.settled({ payer: payer(1), model: someModel(digit), shares: 5 })
    })
    expect(Object.values(spread).reduce((sum, [quarter = 0]) => sum + quarter, 0)).toBeCloseTo(1)
  })

  it('is forgotten by e in a quarter of an hour, and in a day', async () => {
    const clock = new FakeClock()
    const meter = new DemandMeter(clock)
    meter.settled({ payer: payer(1), model: wantedByOne, shares: 1 })
    await clock.advance(15 * 60 * SECOND_MS)
    const [faded] = meter.top()
    expect(faded?.quarter).toBeCloseTo(Math.exp(-1))
    expect(faded?.day).toBeCloseTo(Math.exp(-15 / 1440))
  })

  it('cannot fill the memory of a relay, or spoil it with what is no amount', () => {
    const meter = new DemandMeter(new FakeClock())
    for (const shares of [0, -1, Number.NaN, Infinity])
      meter.settled({ payer: payer(1), model: wantedByOne, shares })
    expect(meter.top()).toEqual([])
    for (let name = 0; name < 10_001; name++)
      meter.settled({ payer: payer(name), model: wantedByOne, shares: 1 })
    expect(meter.top()[0]?.quarter, 'ten thousand payers, the last ones').toBe(10_000)
  })
})
