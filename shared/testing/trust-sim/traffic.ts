import type { Clock } from '../../base/clock.ts'
import { peerName } from '../../base/ids.ts'
import { epochMillis, millis, SECOND_MS } from '../../base/units.ts'
import type { Offer } from '../../schedule/offer.ts'
import { drawCandidates } from '../../schedule/policy/draw-candidates.ts'
import { HedgeBudget, useOf } from '../../schedule/policy/hedge.ts'
import { predict, trustOf, utilityOf, type Prediction } from '../../schedule/policy/score.ts'
import { ProviderRecord, type TaskRecord } from '../../schedule/record/provider-record.ts'
import { SILENCE_MS } from '../../stream/constants.ts'
import { seededChance } from '../chance.ts'
import { someOffer } from '../peers.ts'

/*
 * 60 providers of 5 to 60 tokens a second with one place each, 40 % of them without the model, which takes them 25 s to
 * load; one job of a hundred, at a tenth of them eight, is lost without a word. Consumers choose by the real policy, from
 * offers that are up to a second old and live quotes. Nothing that a hedge lost is given back, so it costs all of its work.
 */
const PROVIDERS = 60
const CONSUMERS = 20
const LOAD_S = 25
const MEAN_OUTPUT = 180
const MEAN_PROMPT = 300
const PREFILL_TIMES = 12
const START = 1_800_000_000_000

interface Machine {
  offer: Offer
  readonly tps: number
  readonly rttS: number
  readonly churn: number
  isWarm: boolean
  freeS: number
}

export interface Traffic {
  /** Seconds to the first token, in order. */
  readonly ttft: readonly number[]
  /** Second jobs, of all questions. */
  readonly hedged: number
}

export function playTraffic({
  seed,
  load,
  jobs,
  hedges,
}: {
  seed: number
  /** Of what the providers that have the model can do. */
  load: number
  jobs: number
  /** @default the policy's own */
  hedges?: Pick<HedgeBudget, 'asked' | 'take' | 'waitMs' | 'began'>
}): Traffic {
  const chance = seededChance(seed)
  const random = { bytes: (length: number) => bytesOf(length, chance) }
  const exponential = (mean: number): number => -Math.log(1 - chance()) * mean
  let nowS = 0
  const clock: Clock = {
    now: () => epochMillis(START + nowS * SECOND_MS),
    monotonic: () => millis(nowS * SECOND_MS),
    schedule: () => ({ stop: () => undefined }),
  }
  const machines = Array.from({ length: PROVIDERS }, (_, i): Machine => {
    const tps = [6, 12, 25, 50][Math.floor(chance() * 4)]! * (0.8 + 0.4 * chance())
    const isWarm = chance() < 0.6
    const provider = peerName(`12D3KooW${'A'.repeat(42)}${'ABCDEFGH'[i >> 3]}${'ABCDEFGH'[i & 7]}`)
    const offer = {
      ...someOffer(epochMillis(START)),
      provider,
      decodeTokensPerSecond: tps,
      ...(!isWarm && COLD),
    }
    return { offer, tps, isWarm, rttS: 0.02 + chance() * 0.25, churn: chance() < 0.1 ? 0.08 : 0.01, freeS: 0 }
  })
  const consumers = Array.from({ length: CONSUMERS }, () => ({
    record: new ProviderRecord({ clock }).of('text-generation'),
    hedges: hedges ?? new HedgeBudget(random),
  }))
  const capacity = machines.reduce((sum, { isWarm, tps }) => sum + (isWarm ? tps : 0), 0)
  const rate = (load * capacity) / (MEAN_OUTPUT + MEAN_PROMPT / PREFILL_TIMES)
  const ttft: number[] = []
  let [snapshotS, hedged] = [-1, 0]

  const quoteOf = ({ offer, freeS, tps, isWarm }: Machine) => ({
    ...{ queueMs: millis(Math.max(0, freeS - nowS) * SECOND_MS), price: offer.price },
    ...{ prefillTokensPerSecond: tps * PREFILL_TIMES, decodeTokensPerSecond: tps },
    ...(!isWarm && { loadMs: millis(LOAD_S * SECOND_MS) }),
  })
  /** Best first, as `gatherQuotes` orders them. */
  const gather = (record: TaskRecord, prompt: number): { machine: Machine; prediction: Prediction }[] => {
    const by = new Map(machines.map((machine) => [machine.offer, machine]))
    const quoted = drawCandidates([...by.keys()], 4, { random, trust: record }).map((offer) => {
      const machine = by.get(offer)!
      const quote = quoteOf(machine) as Parameters<typeof predict>[0]
      const terms = { rttMs: millis(machine.rttS * SECOND_MS), prefillTokens: prompt, maxTokens: 512 }
      const prediction = predict(quote, terms)
      const { provider } = offer
      const trust = trustOf(record.beliefsIn(provider))
      const worth = utilityOf(prediction, quote, { slowness: record.slownessOf(provider), trust })
      return { machine, prediction, worth }
    })
    return quoted.toSorted((a, b) => b.worth - a.worth)
  }
  /** When its first token comes, seen from `fromS`; never, of a job that is lost. */
  const run = (machine: Machine, fromS: number, prompt: number, output: number): number => {
    const beginsS = Math.max(fromS + machine.rttS / 2, machine.freeS) + (machine.isWarm ? 0 : LOAD_S)
    machine.isWarm = true
    const firstS = beginsS + prompt / (machine.tps * PREFILL_TIMES)
    machine.freeS = firstS + output / machine.tps
    return chance() < machine.churn ? Infinity : firstS + machine.rttS / 2 - fromS
  }
  for (let job = 0; job < jobs; job++) {
    nowS += exponential(1 / rate)
    if (nowS - snapshotS > 1) {
      snapshotS = nowS
      for (const machine of machines) {
        const { tier: _, ...offer } = machine.offer
        const busySlots = machine.freeS > nowS ? 1 : 0
        machine.offer = { ...offer, busySlots, ...(!machine.isWarm && COLD) }
      }
    }
    const { record, hedges: budget } = consumers[Math.floor(chance() * CONSUMERS)]!
    const [output, prompt] = [20 + exponential(MEAN_OUTPUT - 20), 20 + exponential(MEAN_PROMPT - 20)]
    budget.asked()
    const [first, second] = gather(record, prompt)
    if (!first || !second) throw new Error('there are providers')
    const { provider } = first.machine.offer
    const predictedMs = first.prediction.ttftMs
    const waitS = budget.waitMs(millis(predictedMs * record.slownessOf(provider))) / SECOND_MS
    let firstS = run(first.machine, nowS, prompt, output)
    let fromS = 0
    if (firstS > waitS && budget.take(useOf(machines.map(({ offer }) => offer)))) {
      hedged++
      fromS = waitS
      const otherS = waitS + run(second.machine, nowS + waitS, prompt, output)
      if (otherS < firstS) {
        record.ended(provider, 'overtaken', { observedMs: millis(otherS * SECOND_MS), predictedMs })
        firstS = otherS
      }
    }
    // Who falls silent is noticed, and the next one asked for a new quote.
    for (
      let lostS = Math.max(fromS, SILENCE_MS / SECOND_MS);
      firstS === Infinity;
      lostS += SILENCE_MS / SECOND_MS
    ) {
      record.ended(provider, 'failed')
      const [next] = gather(record, prompt)
      if (next) firstS = lostS + run(next.machine, nowS + lostS, prompt, output)
    }
    const observedMs = millis(firstS * SECOND_MS)
    budget.began({ observedMs, expectedMs: predictedMs })
    record.ended(provider, 'served', { observedMs, predictedMs })
    ttft.push(firstS)
  }
  return { ttft: ttft.toSorted((a, b) => a - b), hedged: hedged / jobs }
}

const COLD = { tier: 'disk' } as const

function bytesOf(length: number, chance: () => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= length; at += 4) view.setUint32(at, Math.floor(chance() * 2 ** 32))
  return bytes
}
