import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import { SECOND_MS } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Signed } from '../../wire/signed.ts'
import { openVerdict, type Verdict } from '../verdict.ts'
import { CheckCounts, type CheckCount } from './check-counts.ts'
import {
  MAX_REMEMBERED_VERDICTS,
  MAX_VERDICT_BYTES,
  MAX_VERDICTS,
  MAX_VERDICTS_PER_GROUP,
  MAX_VERDICTS_PER_PROVIDER,
  MAX_VERDICTS_PER_VERIFIER,
  RECORD_SKEW_MS,
  VERDICT_FRESH_MS,
  VERDICT_LIFE_MS,
} from './constants.ts'
import { crowdOf, victimOf, type Kept } from './fair-eviction.ts'
import type { Staked, StakeOf } from './staked.ts'

/** A verdict as it travels. */
export interface SignedVerdict {
  readonly verifier: PeerName
  readonly verdict: Signed
}

/** One that is served, with what the relay says of its verifier's stake: a verdict says nothing of that. */
export interface ServedVerdict extends SignedVerdict {
  readonly staked: Staked | undefined
}

export interface VerdictBookComponents {
  readonly clock: Clock
  /** Whether anything of this provider is here: an offer, or a golden record. */
  readonly knows: (provider: PeerName) => boolean
  /** @default nobody has stake here */
  readonly stakeOf?: StakeOf | undefined
}

export interface VerdictBookInit {
  readonly maxVerdicts?: number
  readonly maxPerGroup?: number
}

interface Entry extends Kept {
  readonly verdict: Verdict
  readonly signed: Signed
}

/**
 * A relay's register of verdicts: the last ones about each provider that it knows. Any one may bring a verdict, its
 * signature says whose it is; whether it is right is for those who read it to judge.
 *
 * @example
 * await book.publish({ verifier, verdict: report.signed }, 'the bringer’s address')
 * book.find(provider)   // the newest first
 */
export class VerdictBook {
  readonly #components: VerdictBookComponents
  readonly #stakeOf: StakeOf
  readonly #limits: Required<VerdictBookInit>
  readonly #entries = new Set<Entry>()
  readonly #byProvider = new Map<PeerName, Set<Entry>>()
  readonly #crowds = new Map<string, number>()
  /** When a verifier last said something of a job, in the order in which it came here. */
  readonly #heard = new Map<string, number>()
  readonly #counts: CheckCounts
  #sequence = 0
  #sweptAt = 0

  constructor(components: VerdictBookComponents, init: VerdictBookInit = {}) {
    this.#components = components
    this.#stakeOf = components.stakeOf ?? (() => undefined)
    this.#limits = {
      maxVerdicts: init.maxVerdicts ?? MAX_VERDICTS,
      maxPerGroup: init.maxPerGroup ?? MAX_VERDICTS_PER_GROUP,
    }
    this.#counts = new CheckCounts(components.clock)
  }

  /** Verdicts that it keeps. */
  get size(): number {
    this.#sweep()
    return this.#entries.size
  }

  /** What came within the last day. */
  get lastDay(): CheckCount {
    return this.#counts.lastDay
  }

  /**
   * Verifies and keeps a verdict, in the place of what the same verifier said of that job before.
   *
   * @param group whom the one who brings it is counted with, e.g. a network address. @default the verifier itself
   * @throws InfernetError `wire.too-large`, `wire.bad-signature`, `wire.malformed`, `verify.bad-verdict` (with the reason
   * `self` for a provider's word about itself), `verify.record-expired`, `verify.record-stale`,
   * `verify.unknown-provider` or `verify.records-full`
   */
  async publish({ verifier, verdict: signed }: SignedVerdict, group: string = verifier): Promise<Verdict> {
    if (signed.body.length > MAX_VERDICT_BYTES)
      throw new InfernetError('wire.too-large', { limit: MAX_VERDICT_BYTES })
    const verdict = await openVerdict(signed, verifier)
    if (verdict.provider === verifier) throw new InfernetError('verify.bad-verdict', { reason: 'self' })
    const now = this.#components.clock.now()
    if (verdict.at > now + RECORD_SKEW_MS || verdict.at <= now - VERDICT_FRESH_MS)
      throw new InfernetError('verify.record-expired')
    if (!this.#components.knows(verdict.provider)) throw new InfernetError('verify.unknown-provider')
    const job = `${verifier} ${verdict.jobId}`
    const heardAt = this.#heard.get(job)
    if (heardAt !== undefined && verdict.at <= heardAt) throw new InfernetError('verify.record-stale')
    this.#sweep()
    const entry = {
      ...{ verdict, signed, group, owner: verifier },
      isStaked: this.#stakeOf(verifier) !== undefined,
      sequence: ++this.#sequence,
    }
    this.#put(entry)
    this.#remember(job, verdict.at)
    if (heardAt === undefined) this.#counts.note(verdict.outcome, entry.isStaked)
    return verdict
  }

  /** The last verdicts about a provider, the newest first. */
  find(provider: PeerName): readonly ServedVerdict[] {
    this.#sweep()
    return [...(this.#byProvider.get(provider) ?? [])]
      .sort((a, b) => b.verdict.at - a.verdict.at)
      .map(({ owner, signed }) => {
        const verifier = owner as PeerName
        return { verifier, verdict: signed, staked: this.#stakeOf(verifier) }
      })
  }

  #put(entry: Entry): void {
    const { provider, jobId } = entry.verdict
    const about = this.#byProvider.get(provider) ?? new Set<Entry>()
    this.#byProvider.set(provider, about)
    this.#remove([...about].find(({ owner, verdict }) => owner === entry.owner && verdict.jobId === jobId))
    const own = [...about].filter(({ owner }) => owner === entry.owner)
    if (own.length >= MAX_VERDICTS_PER_VERIFIER) this.#remove(own.sort(byAge)[0])
    this.#add(entry, about)
    if (about.size > MAX_VERDICTS_PER_PROVIDER) this.#evictFrom(about, entry)
    const crowd = (this.#crowds.get(crowdOf(entry)) ?? 0) > this.#limits.maxPerGroup
    if (crowd && !entry.isStaked)
      this.#evictFrom(
        [...this.#entries].filter((each) => crowdOf(each) === crowdOf(entry)),
        entry,
      )
    while (this.#entries.size > this.#limits.maxVerdicts) this.#evictFrom(this.#entries, entry)
  }

  /** @throws InfernetError `verify.records-full` when it is the new one that has to go */
  #evictFrom(entries: Iterable<Entry>, incoming: Entry): void {
    const victim = victimOf(entries, 'newer')
    this.#remove(victim)
    if (victim === incoming) throw new InfernetError('verify.records-full')
  }

  #add(entry: Entry, about: Set<Entry>): void {
    this.#entries.add(entry)
    about.add(entry)
    this.#byProvider.set(entry.verdict.provider, about)
    this.#crowds.set(crowdOf(entry), (this.#crowds.get(crowdOf(entry)) ?? 0) + 1)
  }

  #remove(entry: Entry | undefined): void {
    if (!entry || !this.#entries.delete(entry)) return
    const about = this.#byProvider.get(entry.verdict.provider)
    about?.delete(entry)
    if (about?.size === 0) this.#byProvider.delete(entry.verdict.provider)
    const left = (this.#crowds.get(crowdOf(entry)) ?? 0) - 1
    if (left > 0) this.#crowds.set(crowdOf(entry), left)
    else this.#crowds.delete(crowdOf(entry))
  }

  /** The eldest are forgotten first: as soon as they are an hour old their replay is refused by its time. */
  #remember(job: string, at: number): void {
    this.#heard.delete(job)
    this.#heard.set(job, at)
    for (const eldest of this.#heard.keys()) {
      if (this.#heard.size <= MAX_REMEMBERED_VERDICTS) return
      this.#heard.delete(eldest)
    }
  }

  #sweep(): void {
    const now = this.#components.clock.now()
    if (Math.abs(now - this.#sweptAt) < SECOND_MS) return // a clock may jump back
    this.#sweptAt = now
    for (const entry of this.#entries) if (entry.verdict.at <= now - VERDICT_LIFE_MS) this.#remove(entry)
    for (const [job, at] of this.#heard) if (at <= now - VERDICT_FRESH_MS) this.#heard.delete(job)
  }
}

const byAge = (a: Entry, b: Entry): number => a.verdict.at - b.verdict.at
