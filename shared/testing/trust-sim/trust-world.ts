import type { Clock } from '../../base/clock.ts'
import { jobId, peerName, type JobId, type PeerName } from '../../base/ids.ts'
import { epochMillis, millis, MINUTE_MS } from '../../base/units.ts'
import type { Offer } from '../../schedule/offer.ts'
import { drawCandidates } from '../../schedule/policy/draw-candidates.ts'
import { trustOf, utilityOf } from '../../schedule/policy/score.ts'
import { ProviderRecord, type TaskRecord } from '../../schedule/record/provider-record.ts'
import type { Staked, ToldVerdict } from '../../schedule/record/heard.ts'
import { seededChance } from '../chance.ts'
import { someOffer } from '../peers.ts'
import type { Strategy } from './strategies.ts'

/*
 * Providers that all are equally fast, and consumers who choose among them by the real policy and the real record. Of a
 * provider's jobs, a share that falls with what it passed are probes by two auditors with a stake, of different operators
 * and classes, who tell all consumers; each provider has one more a day. A quarantine ends with a self-test, which a cheat
 * passes as well.
 */

const DAY_MS = 24 * 60 * MINUTE_MS
const START = 1_800_000_000_000
/** How long a provider takes that was sent to its self-test, and one that comes back under another name. */
const SELF_TEST_MS = 10 * MINUTE_MS
const REJOIN_MS = 30 * MINUTE_MS
/** An honest answer is found to differ this often: more than was ever measured. */
const FALSE_DIFFERS = 0.0005
/** What an honest answer costs of its price. */
const COST = 0.6

const AUDITORS = [
  { name: nameOf(9001), staked: { operator: 'a', share: 1, class: 'wasm' } },
  { name: nameOf(9002), staked: { operator: 'b', share: 1, class: 'webgpu' } },
] as const

export interface SimProvider {
  readonly strategy: Strategy
  /** Of the week, in days. */
  readonly joins: number
  /** Price of one answer: what it sold, less what it spent on computing. */
  earned: number
  /** Jobs of consumers, and those of them in which it cheated, by day. */
  readonly jobs: number[]
  readonly cheated: number[]
  /** By any consumer, at the end, under its last name. */
  isExcluded: boolean
}

interface Live {
  readonly sim: SimProvider
  offer: Offer
  served: number
  passed: number
  isFound: boolean
  offlineUntil: number
  probedOn: number
}

export interface WorldInit {
  readonly seed: number
  readonly days: number
  /** A provider's jobs on an average day. */
  readonly jobsPerDay: number
  /** By how many checks it passed. */
  readonly auditRate: (passed: number) => number
  /** Probes that each provider gets on each day besides. */
  readonly dailyProbes: number
  readonly providers: readonly { readonly strategy: Strategy; readonly joins?: number }[]
}

/** Plays some days. What is given depends on the seed alone. */
export function playWorld(init: WorldInit): readonly SimProvider[] {
  return new World(init).play()
}

class World {
  readonly #init: WorldInit
  readonly #chance: () => number
  readonly #random: { bytes(length: number): Uint8Array<ArrayBuffer> }
  readonly #records: readonly ProviderRecord[]
  readonly #views: readonly TaskRecord[]
  readonly #staked = new Map<PeerName, Staked>(AUDITORS.map(({ name, staked }) => [name, staked]))
  readonly #live: Live[]
  #now = START
  #names = 0
  #jobs = 0

  constructor(init: WorldInit) {
    this.#init = init
    this.#chance = seededChance(init.seed)
    const chance = seededChance(init.seed + 1)
    this.#random = { bytes: (length) => randomBytes(length, chance) }
    const clock: Clock = {
      now: () => epochMillis(this.#now),
      monotonic: () => millis(this.#now - START),
      schedule: () => ({ stop: () => undefined }),
    }
    const stakes = { of: (peer: PeerName) => this.#staked.get(peer) }
    this.#records = [1, 2].map(() => new ProviderRecord({ clock, stakes }))
    this.#views = this.#records.map((record) => record.of('text-generation'))
    this.#live = init.providers.map(({ strategy, joins = 0 }) => {
      const sim: SimProvider = { strategy, joins, earned: 0, jobs: [], cheated: [], isExcluded: false }
      for (let day = 0; day < init.days; day++) sim.jobs[day] = sim.cheated[day] = 0
      const offer = this.#newOffer(true)
      return {
        sim,
        offer,
        served: 0,
        passed: 0,
        isFound: false,
        offlineUntil: START + joins * DAY_MS,
        probedOn: joins,
      }
    })
  }

  play(): readonly SimProvider[] {
    const { days, jobsPerDay, providers } = this.#init
    const total = days * jobsPerDay * providers.length
    for (let job = 0; job < total; job++) {
      this.#now = START + (days * DAY_MS * job) / total
      const index = job % this.#views.length
      const chosen = this.#choose(this.#views[index]!)
      if (chosen) this.#serve(chosen, this.#records[index]!)
    }
    return this.#live.map(({ sim, offer }) => {
      sim.isExcluded = this.#records.some((record) => record.isExcluded(offer.provider))
      return sim
    })
  }

  /** As `ProviderSearch` and `gatherQuotes` do. */
  #choose(view: TaskRecord): Live | undefined {
    const there = this.#live.filter(({ offlineUntil }) => offlineUntil <= this.#now)
    const by = new Map(there.map((each) => [each.offer, each]))
    const asked = [...by.keys()].filter((offer) => view.standingOf(offer) === 'open')
    const drawn = drawCandidates(asked, 4, { random: this.#random, trust: view })
    let best: { live: Live | undefined; worth: number } = { live: undefined, worth: -Infinity }
    for (const offer of drawn) {
      const queueMs = -Math.log(1 - this.#chance()) * 500
      const prediction = { ttftMs: millis(300 + queueMs), totalMs: millis(2900 + queueMs) }
      const trust = trustOf(view.beliefsIn(offer.provider))
      const worth = utilityOf(prediction, offer, { slowness: 1, trust })
      if (worth > best.worth) best = { live: by.get(offer), worth }
    }
    return best.live
  }

  #serve(live: Live, record: ProviderRecord): void {
    const day = Math.floor((this.#now - START) / DAY_MS)
    const isDue = live.probedOn < day && this.#init.dailyProbes > 0
    if (isDue) live.probedOn = day
    const isProbe = isDue || this.#chance() < this.#init.auditRate(live.passed)
    const { strategy } = live.sim
    const timing = { observedMs: millis(500), predictedMs: millis(500) }
    const isKnown = isProbe && this.#chance() < strategy.recognises
    const hasGivenUp = live.isFound && strategy.whenFound === 'behaves'
    const mayCheat = live.served >= strategy.after && !isKnown && !hasGivenUp
    const cheats = mayCheat && this.#chance() < strategy.share
    live.served++
    live.sim.earned += cheats ? strategy.kind.sells - COST * (1 - strategy.kind.saves) : 1 - COST
    const job = this.#nextJob()
    const { provider } = live.offer
    record.of('text-generation').ended(provider, 'served', timing)
    if (isProbe) this.#check(live, job, cheats)
    else {
      live.sim.jobs[day]!++
      if (cheats) live.sim.cheated[day]!++
    }
    if (cheats && strategy.kind.isSeen) {
      record.stoppedEarly(provider, job)
      this.#found(live)
    }
  }

  #check(live: Live, job: JobId, cheats: boolean): void {
    const differs = this.#chance() < (cheats ? live.sim.strategy.kind.power : FALSE_DIFFERS)
    const { name, staked } = AUDITORS[this.#chance() < 0.5 ? 0 : 1]
    const verdict: ToldVerdict = {
      ...{ jobId: job, class: { backend: staked.class }, at: epochMillis(this.#now) },
      outcome: differs ? 'differs' : 'agrees',
      difference: differs ? 'tokens' : undefined,
    }
    for (const record of this.#records)
      record.told({ provider: live.offer.provider, verdict, verifier: name })
    if (!differs) live.passed++
    else this.#found(live)
  }

  /** It is in quarantine, tests itself, and is checked like a newcomer again. */
  #found(live: Live): void {
    live.isFound = true
    live.passed = 0
    if (live.sim.strategy.whenFound === 'rejoins') {
      live.offer = this.#newOffer(false)
      live.served = 0
      live.offlineUntil = this.#now + REJOIN_MS
      return
    }
    live.offlineUntil = this.#now + SELF_TEST_MS
    const selfTest = { ...live.offer.selfTest, testedAt: epochMillis(this.#now + SELF_TEST_MS) }
    live.offer = { ...live.offer, selfTest }
  }

  /** A name is free, a stake is not: who comes back has none. */
  #newOffer(isStaked: boolean): Offer {
    const provider = nameOf(this.#names++)
    if (isStaked) this.#staked.set(provider, { operator: provider, share: 1 })
    return { ...someOffer(epochMillis(START)), provider }
  }

  #nextJob(): JobId {
    return jobId((this.#jobs++).toString(16).padStart(32, '0'))
  }
}

function nameOf(index: number): PeerName {
  const digits = [...index.toString().padStart(4, '0')].map((digit) => 'ABCDEFGHJK'[Number(digit)])
  return peerName(`12D3KooW${'A'.repeat(40)}${digits.join('')}`)
}

function randomBytes(length: number, chance: () => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= length; at += 4) view.setUint32(at, Math.floor(chance() * 2 ** 32))
  return bytes
}
