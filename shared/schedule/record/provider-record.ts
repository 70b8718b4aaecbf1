import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { JobId, ModelHash, PeerName } from '../../base/ids.ts'
import { epochMillis, MINUTE_MS, type EpochMillis, type Millis } from '../../base/units.ts'
import type { Task } from '../../models/task.ts'
import type { Beliefs, Standing, StandingOffer, Trust } from '../policy/trust.ts'
import { drawn, expected, FAILURE_WEIGHT, integrityOf, keptOf, type Belief } from './beliefs.ts'
import { counted } from './counts.ts'
import { areConfirmed, withDifference } from './differences.ts'
import { joinedQuarantine, newEntry, type Entry, type Quarantine } from './entry.ts'
import { explainEntry, type Reason } from './explain.ts'
import { NO_STAKES, type CheckSeen, type Staked, type Stakes, type ToldVerdict } from './heard.ts'
import { mergeEntries } from './merge-entries.ts'
import { readStored, storedOf, type StoredRecord } from './stored-record.ts'
import { contradict, withWord, type Word } from './words.ts'

/** A consumer meets a few dozen providers; a thousand entries are some 500 KB. */
const MAX_REMEMBERED = 1000

/** Auditors of one provider; the one that was silent for longest goes first. */
const MAX_AUDITORS = 16

/** A failure weighs half after this long: a tab that was closed once may well come back. */
const FAILURE_HALF_LIFE_MS = 5 * MINUTE_MS

/** How much a new observation moves the correction of predictions. */
const EWMA_WEIGHT = 0.3

/** Fewer tokens may come in one frame, and say nothing of a speed. */
const LEAST_TIMED_TOKENS = 64

/** A quote was kept where the first token came within this many times what it said, and this much for small ones. */
const KEPT_WITHIN = 2
const KEPT_WITHIN_MS = 500

/** A verdict from further ahead by its verifier's clock is not read. */
const CLOCK_SKEW_MS = 10 * MINUTE_MS

/** For so long after a check of one's own, a stranger's word asks for no other one: words are cheap, checks are not. */
const ACCUSATION_REST_MS = 60 * MINUTE_MS

/** Times to the first token, as it was seen and as it was predicted. */
export interface Timing {
  readonly observedMs: Millis
  readonly predictedMs: Millis
}

/** What one task's questions ask of the record, and tell it. */
export interface TaskRecord extends Trust {
  /** A job ended: `overtaken` where another provider was asked besides and was first. */
  ended(provider: PeerName, how: 'served' | 'overtaken', timing: Timing): void
  ended(provider: PeerName, how: 'failed'): void
  stoppedEarly(provider: PeerName, jobId: JobId): void
  /** It wrote an answer, or a part of one, of so many tokens at that speed. */
  wrote(provider: PeerName, seen: { tokens: number; tokensPerSecond: number }): void
}

/**
 * What this consumer knows of providers: what it saw itself, and apart from that what auditors told.
 *
 * Each dimension is a beta distribution over faded counts (`beliefs.ts`); how slow a provider is against what it promised
 * follows a peak-EWMA (docs/design-notes.md): a quote that was too good counts at once, one that was too bad only by and
 * by. Nothing here waits, so asking costs a question no time.
 *
 * @example
 * const record = new ProviderRecord({ clock })
 * record.checked(provider, { jobId, outcome: 'differs', difference: 'tokens', by: 'self', verifier: undefined })
 * record.explain(provider) // [{ code: 'quarantined', facts: { what: 'tokens' } }, …]
 */
export class ProviderRecord {
  readonly #clock: Clock
  readonly #stakes: Stakes
  readonly #entries: Map<PeerName, Entry>

  /** @param stored what `toStored` gave, of this version or another; what of it cannot be read is left out */
  constructor({ clock, stakes = NO_STAKES }: { clock: Clock; stakes?: Stakes }, stored?: unknown) {
    this.#clock = clock
    this.#stakes = stakes
    this.#entries = this.#read(stored)
  }

  /** The record as questions of this task see it: who reads fast may write slowly, and all else is of the provider. */
  of(task: Task): TaskRecord {
    return {
      beliefsIn: (provider) => this.#beliefs(provider, expected),
      drawBeliefs: (provider, even) => this.#beliefs(provider, (belief) => drawn(belief, even)),
      slownessOf: (provider) => Math.max(1, this.#entries.get(provider)?.slowness[task] ?? 1),
      speedSeenOf: (provider) => this.#entries.get(provider)?.speed ?? 0,
      standingOf: (offer) => this.standingOf(offer),
      ended: (provider, how, timing?: Timing) => this.#ended(task, provider, how, timing),
      stoppedEarly: (provider, jobId) => this.stoppedEarly(provider, jobId),
      wrote: (provider, seen) => this.#wrote(provider, seen),
    }
  }

  /** Two confirmed differences: it is never asked. */
  isExcluded(provider: PeerName): boolean {
    const { differences } = this.#entries.get(provider) ?? {}
    return differences !== undefined && areConfirmed(differences, this.#clock.now())
  }

  /**
   * An offer whose self-test is newer than the difference ends a quarantine: a bad driver looks like a cheat, and is found
   * by it. By the provider's clock and word, which an offer bounds; the next difference is the second one. A self-test is of
   * one model, and so is the quarantine where the difference names one.
   */
  standingOf({ provider, selfTest, model }: StandingOffer): Standing {
    if (this.isExcluded(provider)) return 'excluded'
    const { quarantine } = this.#entries.get(provider) ?? {}
    if (!quarantine || (selfTest.testedAt ?? 0) > quarantine.at) return 'open'
    return isOf(quarantine, model) ? 'quarantined' : 'open'
  }

  /** Somebody says that it cheats, or one check did, and this consumer's own engine has not looked since. */
  wantsCheck(provider: PeerName): boolean {
    return this.#entries.get(provider)?.accusedAt !== undefined
  }

  /**
   * A check that this consumer made itself, or asked a peer for. A peer's counts as what is told by it; unlike that, it
   * also sends the provider into quarantine where the peer has no stake, since this consumer chose whom it asked.
   */
  checked(provider: PeerName, seen: CheckSeen): void {
    const now = this.#clock.now()
    const entry = this.#entryOf(provider)
    entry.totals[seen.outcome]++
    const { jobId, head, outcome, difference = 'tokens', by, verifier, reason, model } = seen
    if (outcome === 'inconclusive') {
      if (reason === 'withheld') entry.availability = counted(entry.availability, { bad: 1 }, now)
      return
    }
    if (by === 'peer') {
      if (!verifier || verifier === provider) return
      const verdict = { jobId, head, outcome, difference, class: seen.class ?? { backend: '' }, at: now }
      this.#heard(entry, { provider, verifier, verdict, wasAsked: true })
      if (outcome === 'differs') this.#quarantine(entry, { at: now, what: difference, isOwn: false, model })
      const word = wordOf(verdict, now)
      if (entry.own.some((own) => contradict(own, word))) this.contradicted(verifier, jobId)
      return
    }
    const word = wordOf({ jobId, head, outcome, difference, at: now }, now)
    entry.own = withWord(entry.own, word)
    for (const [auditor, words] of entry.told)
      if (words.some((each) => contradict(each, word))) this.contradicted(auditor, jobId)
    entry.checkedAt = now
    entry.accusedAt = undefined
    if (outcome === 'differs') return this.#differed(entry, { jobId, what: difference }, model)
    entry.integrity = counted(entry.integrity, { good: 1 }, now)
    if (entry.quarantine && !entry.quarantine.isOwn && isOf(entry.quarantine, model))
      entry.quarantine = undefined
  }

  /** An answer ended, by the provider's word, where no model ends one: this consumer saw that itself. */
  stoppedEarly(provider: PeerName, jobId: JobId): void {
    this.#differed(this.#entryOf(provider), { jobId, what: 'early-stop' })
  }

  /**
   * A verdict of its on that answer is not what this consumer's own engine found: it put its name to numbers that are not
   * so, or its machine computes wrong. It weighs as an answer that differs: who lies about others' work is not believed to
   * do its own, and a second one excludes it. `checked` calls it where both are known here.
   */
  contradicted(verifier: PeerName, jobId: JobId): void {
    this.#differed(this.#entryOf(verifier), { jobId, what: 'verdict' })
  }

  /**
   * Somebody's verdict, whose signature was verified. Of those of one verifier tell the eldest first. It counts by the stake of who signed it; without one, it only says
   * that a check of one's own would be worth it.
   */
  told({
    provider,
    verdict,
    verifier,
  }: {
    provider: PeerName
    verdict: ToldVerdict
    verifier: PeerName
  }): void {
    const now = this.#clock.now()
    if (verifier === provider || verdict.outcome === 'inconclusive' || verdict.at > now + CLOCK_SKEW_MS)
      return
    const entry = this.#entryOf(provider)
    const word = wordOf(verdict, now)
    if (!this.#heard(entry, { provider, verifier, verdict, wasAsked: false })) return
    if (entry.own.some((own) => contradict(own, word))) return this.contradicted(verifier, verdict.jobId)
    const { quarantine } = entry
    const isNews = !quarantine || word.at > quarantine.at || !isOf(quarantine, verdict.model)
    if (word.differs && isNews)
      this.#quarantine(entry, { at: word.at, what: word.differs, isOwn: false, model: verdict.model })
  }

  /** Why this provider is asked as often as it is, most important first. */
  explain(provider: PeerName): readonly Reason[] {
    const now = this.#clock.now()
    const entry = this.#entries.get(provider)
    return explainEntry(entry, {
      ...{
        isExcluded: this.isExcluded(provider),
        staked: this.#stakes.of(provider),
        stakes: this.#stakes,
        now,
      },
      beliefs: this.#beliefs(provider, expected),
    })
  }

  /** Plain data for a store, of those who were met last. What passes within minutes is left out. */
  toStored(): StoredRecord {
    return storedOf(this.#entries)
  }

  /**
   * Takes in what another one has stored that began with the same, as a second tab of a browser does: what both have from
   * `base` counts once, and what one alone saw is not lost.
   *
   * @param base what this one read or stored last
   * @param stored what is stored now
   * @returns what both know, to be stored in its place
   */
  merge(base: unknown, stored: unknown): StoredRecord {
    const three = { base: this.#read(base), ours: this.#entries, theirs: this.#read(stored) }
    const now = this.#clock.now()
    const merged = mergeEntries(three, { now, fresh: () => newEntry(now, this.#clock.monotonic()) })
    this.#entries.clear()
    for (const [provider, entry] of merged) {
      while (entry.told.size > MAX_AUDITORS) entry.told.delete(first(entry.told.keys()) ?? provider)
      this.#entries.set(provider, entry)
    }
    while (this.#entries.size > MAX_REMEMBERED) this.#forgetOne()
    return this.toStored()
  }

  #read(stored: unknown): Map<PeerName, Entry> {
    return readStored(stored, MAX_REMEMBERED, () => newEntry(this.#clock.now(), this.#clock.monotonic()))
  }

  #ended(task: Task, provider: PeerName, how: 'served' | 'overtaken' | 'failed', timing?: Timing): void {
    const entry = this.#entryOf(provider)
    const now = this.#clock.now()
    const failures = this.#failuresNow(entry)
    entry.failedAt = this.#clock.monotonic() // what has faded does not fade a second time
    if (how !== 'overtaken') {
      const isServed = how === 'served'
      entry.failures = isServed ? failures / 2 : failures + 1
      entry.totals[how]++
      entry.availability = counted(entry.availability, isServed ? { good: 1 } : { bad: 1 }, now)
    } else entry.failures = failures
    if (!timing) return
    const { observedMs, predictedMs } = timing
    const isInTime = observedMs <= Math.max(KEPT_WITHIN * predictedMs, predictedMs + KEPT_WITHIN_MS)
    entry.quotes = counted(entry.quotes, isInTime && how !== 'overtaken' ? { good: 1 } : { bad: 1 }, now)
    // What is in time is not called slow, however little was predicted.
    const ratio = Math.min(observedMs / Math.max(1, predictedMs), isInTime ? KEPT_WITHIN : Infinity)
    const before = entry.slowness[task] ?? 1
    entry.slowness[task] = Math.min(100, Math.max(ratio, before + EWMA_WEIGHT * (ratio - before)))
  }

  #wrote(provider: PeerName, { tokens, tokensPerSecond }: { tokens: number; tokensPerSecond: number }): void {
    if (tokens < LEAST_TIMED_TOKENS || !Number.isFinite(tokensPerSecond)) return
    const entry = this.#entryOf(provider)
    const before = entry.speed || tokensPerSecond
    entry.speed = before + EWMA_WEIGHT * (tokensPerSecond - before)
  }

  /** This consumer found an answer to differ. */
  #differed(
    entry: Entry,
    found: Pick<Parameters<typeof withDifference>[1], 'jobId' | 'what'>,
    model?: ModelHash,
  ): void {
    const now = this.#clock.now()
    const before = entry.differences
    entry.differences = withDifference(before, { ...found, at: now, auditor: undefined })
    if (entry.differences === before) return
    entry.integrity = counted(entry.integrity, { bad: FAILURE_WEIGHT }, now)
    this.#quarantine(entry, { at: now, what: found.what, isOwn: true, model })
  }

  /** Gives whether it counts: somebody with a stake said something new, and not of its own operator. */
  #heard(entry: Entry, { provider, verifier, verdict, wasAsked }: Heard): boolean {
    const now = this.#clock.now()
    const word = wordOf(verdict, now)
    const auditor = this.#auditorOf(verifier, provider)
    if (!auditor && word.differs) this.#accused(entry, word, now)
    if (!auditor && !wasAsked) return false
    const before = entry.told.get(verifier) ?? []
    const words = withWord(before, word)
    if (words === before) return false
    entry.told.delete(verifier)
    entry.told.set(verifier, words)
    const silent = first(entry.told.keys())
    if (entry.told.size > MAX_AUDITORS && silent) entry.told.delete(silent)
    if (auditor && word.differs)
      entry.differences = withDifference(entry.differences, {
        ...{ jobId: word.jobId, what: word.differs, at: word.at },
        auditor: { operator: auditor.operator, class: auditor.class ?? verdict.class.backend },
      })
    return auditor !== undefined
  }

  /** What was said before this consumer's own engine looked says nothing any more. */
  #accused(entry: Entry, { at }: Word, now: EpochMillis): void {
    const checkedAt = entry.checkedAt ?? -Infinity
    if (at >= checkedAt && now - checkedAt >= ACCUSATION_REST_MS) entry.accusedAt ??= now
  }

  /** Undefined for one without the least stake, and for one that the provider's own operator runs. */
  #auditorOf(verifier: PeerName, provider: PeerName): Staked | undefined {
    const staked = this.#stakes.of(verifier)
    const isOwn = staked?.operator === this.#stakes.of(provider)?.operator
    return staked && staked.share >= 1 && !isOwn ? staked : undefined
  }

  #quarantine(entry: Entry, quarantine: Quarantine): void {
    entry.quarantine = entry.quarantine ? joinedQuarantine(quarantine, entry.quarantine) : quarantine
    entry.accusedAt ??= quarantine.at
  }

  #beliefs(provider: PeerName, valueOf: (belief: Belief) => number): Beliefs {
    const entry = this.#entries.get(provider)
    const now: EpochMillis = this.#clock.now()
    const isStaked = (this.#stakes.of(provider)?.share ?? 0) >= 1
    return {
      integrity: valueOf(integrityOf(entry, { isStaked, stakes: this.#stakes, now })),
      availability: valueOf(keptOf(entry?.availability, now)),
      quotes: valueOf(keptOf(entry?.quotes, now)),
      presence: entry ? 2 ** -this.#failuresNow(entry) : 1,
    }
  }

  #failuresNow({ failures, failedAt }: Entry): number {
    return failures * 2 ** (-(this.#clock.monotonic() - failedAt) / FAILURE_HALF_LIFE_MS)
  }

  /** The first key is of the one that was not met for longest. Who is excluded is forgotten last: names are free. */
  #entryOf(provider: PeerName): Entry {
    const entry = this.#entries.get(provider) ?? newEntry(this.#clock.now(), this.#clock.monotonic())
    this.#entries.delete(provider)
    this.#entries.set(provider, entry)
    if (this.#entries.size > MAX_REMEMBERED) this.#forgetOne()
    return entry
  }

  #forgetOne(): void {
    const [...names] = this.#entries.keys()
    const newest = names.at(-1)
    // Names are free: those of whom only failures are known go before anybody that something is known of.
    const eldest =
      names.find((name) => name !== newest && this.#hasOnlyFailed(name)) ??
      names.find((name) => name !== newest && !this.isExcluded(name)) ??
      names[0]
    if (eldest) this.#entries.delete(eldest)
  }

  #hasOnlyFailed(provider: PeerName): boolean {
    const { totals, told, differences, quarantine } = this.#entries.get(provider) ?? {}
    const others = totals && totals.served + totals.agrees + totals.differs + totals.inconclusive
    return others === 0 && told?.size === 0 && differences?.length === 0 && !quarantine
  }
}

interface Heard {
  readonly provider: PeerName
  readonly verifier: PeerName
  readonly verdict: ToldVerdict
  /** By this consumer, which chose it. */
  readonly wasAsked: boolean
}

/** A verifier's clock may be ahead: what it found, it found by now. */
function wordOf(
  { jobId, head, outcome, difference = 'tokens', at }: Omit<ToldVerdict, 'class'>,
  now: EpochMillis,
): Word {
  return {
    ...{ jobId, head: head && toHex(head), at: epochMillis(Math.min(at, now)) },
    differs: outcome === 'differs' ? difference : undefined,
  }
}

function isOf(quarantine: Quarantine, model: ModelHash | undefined): boolean {
  return quarantine.model === undefined || model === undefined || quarantine.model === model
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value
  return undefined
}
