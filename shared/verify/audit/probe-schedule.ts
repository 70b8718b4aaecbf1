import type { Clock } from '../../base/clock.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { MINUTE_MS } from '../../base/units.ts'
import { DUE_AFTER_MS, FORGET_MS, MAX_AUDITED, MISSED_AFTER_MS, PROBES_PER_HOUR } from './constants.ts'

const HOUR_MS = 60 * MINUTE_MS

/** Who may be probed, with what. */
export interface AuditTarget {
  readonly provider: PeerName
  readonly model: ModelHash
  /** What pages propose to ask this model: many visitors press one of these. @default nothing */
  readonly examples?: readonly string[] | undefined
}

export interface ProbeScheduleInit {
  /** @default PROBES_PER_HOUR */
  readonly probesPerHour?: number
}

interface Audited {
  seenAt: number
  /** When it is due again; nothing for one that was never probed. */
  dueAt: number | undefined
}

/**
 * Says when the next probe is made, and of whom: newcomers first, then who is due for the day, then anybody, by chance.
 * No hour has more probes than its budget, and neither the time nor the choice can be foreseen.
 */
export class ProbeSchedule {
  readonly #clock: Clock
  readonly #random: Random
  readonly #gapMs: number
  readonly #budget: number
  readonly #audited = new Map<PeerName, Audited>()
  #probes: number[] = []

  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    { probesPerHour = PROBES_PER_HOUR }: ProbeScheduleInit = {},
  ) {
    this.#clock = clock
    this.#random = random
    this.#budget = probesPerHour
    this.#gapMs = HOUR_MS / probesPerHour
  }

  /** How long to wait until the next probe, in ms: around the hour's share, sooner or later by half of it. */
  nextWaitMs(): number {
    this.#forgetProbes()
    const jittered = this.#gapMs * (0.5 + this.#fraction())
    const [eldest] = this.#probes
    // By chance many short waits may come in a row: the hour's budget stands.
    if (eldest === undefined || this.#probes.length < this.#budget) return jittered
    return Math.max(jittered, eldest + HOUR_MS - this.#now)
  }

  /**
   * Chooses one of those who can be probed now, and notes it as probed.
   *
   * @returns undefined where there is nobody, or the hour's budget is used up
   */
  take(targets: readonly AuditTarget[]): AuditTarget | undefined {
    this.#forgetProbes()
    for (const { provider } of targets) this.#see(provider)
    if (targets.length === 0 || this.#probes.length >= this.#budget) return undefined
    const newcomers = targets.filter(({ provider }) => this.#audited.get(provider)?.dueAt === undefined)
    const due = targets.filter(
      ({ provider }) => (this.#audited.get(provider)?.dueAt ?? Infinity) <= this.#now,
    )
    const chosen = this.#pick([newcomers, due, targets].find((each) => each.length > 0) ?? [])
    if (!chosen) return undefined
    const { least, most } = DUE_AFTER_MS
    this.#audited.set(chosen.provider, {
      seenAt: this.#now,
      dueAt: this.#now + least + this.#fraction() * (most - least),
    })
    this.#probes.push(this.#now)
    return chosen
  }

  /** A probe came to nothing: it is made up for within some hours, not at once, so that who fails gains no foresight. */
  missed({ provider }: AuditTarget): void {
    const audited = this.#audited.get(provider)
    const { least, most } = MISSED_AFTER_MS
    if (audited) audited.dueAt = this.#now + least + this.#fraction() * (most - least)
  }

  /** Whether the budget is too small for one probe of each of these a day. */
  isBehind(providers: number): boolean {
    return providers * HOUR_MS > this.#budget * DUE_AFTER_MS.most
  }

  get #now(): number {
    return this.#clock.monotonic()
  }

  #see(provider: PeerName): void {
    const known = this.#audited.get(provider)
    this.#audited.delete(provider) // and to the end again, so that the map stays in order of `seenAt`
    this.#audited.set(provider, { seenAt: this.#now, dueAt: known?.dueAt })
    for (const [name, { seenAt }] of this.#audited) {
      if (this.#audited.size <= MAX_AUDITED && seenAt > this.#now - FORGET_MS) return
      this.#audited.delete(name)
    }
  }

  #forgetProbes(): void {
    this.#probes = this.#probes.filter((at) => at > this.#now - HOUR_MS)
  }

  #pick(targets: readonly AuditTarget[]): AuditTarget | undefined {
    return targets[Math.floor(this.#fraction() * targets.length)]
  }

  /** In [0, 1). */
  #fraction(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#random.bytes(4)
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32
  }
}
