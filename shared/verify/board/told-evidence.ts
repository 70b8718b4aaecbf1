import type { Clock } from '../../base/clock.ts'
import type { ChainAddress, ModelHash, PeerName } from '../../base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS, type Millis } from '../../base/units.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { ProviderRecord } from '../../schedule/record/provider-record.ts'
import { MAX_FOUND_GOLDEN } from './constants.ts'
import { findVerdicts, type FoundVerdict } from './find-records.ts'
import type { RecordsPort } from './records-port.ts'

/** What relays keep of a provider changes with a check, and those are rare. */
const LOOK_AGAIN_MS = 5 * MINUTE_MS
/** More relays say the same: auditors tell all that they know. */
const MAX_RELAYS = 5
/** Below what a relay lets one peer ask (`RECORDS_RATE`), which looks at pages ask as well. */
const LOOK_RATE = { burst: 24, perSecond: 0.25 }
const MAX_AT_ONCE = 3
/** Of one look; a relay that says nothing for so long is left out. */
const LOOK_DEADLINE_MS = 10 * SECOND_MS
/** Providers that were looked at; the eldest are looked at again. */
const MAX_REMEMBERED = 1000

/** A provider that may be asked, with the model that it offers. */
export interface Candidate {
  readonly provider: PeerName
  readonly model: ModelHash
}

export interface ToldEvidenceComponents {
  readonly clock: Clock
  readonly record: Pick<ProviderRecord, 'told'>
  /** The registers of the relays that are there now. */
  readonly registers: () => readonly RecordsPort[]
  /** Hears which operators relays name, and asks the chain. @default nobody has a stake */
  readonly stakes?: { said(peer: PeerName, operators: readonly ChainAddress[]): Promise<void> } | undefined
}

/**
 * Brings what auditors found of those who may be asked into the record, behind the questions: a question waits for none of
 * it. Relays only carry it: signatures are verified here, and what a verifier's word weighs the chain decides.
 *
 * @example
 * const told = new ToldEvidence({ clock, record, registers, stakes })
 * told.consider(offers)
 */
export class ToldEvidence {
  readonly #components: ToldEvidenceComponents
  readonly #rate: TokenBucket
  /** When each was looked at. */
  readonly #lookedAt = new Map<PeerName, Millis>()
  readonly #waiting = new Map<PeerName, ModelHash>()
  #running = 0

  constructor(components: ToldEvidenceComponents) {
    this.#components = components
    this.#rate = new TokenBucket(components.clock, LOOK_RATE)
  }

  /** Looks in the background for what is told of these, as far as that is due. Never throws. */
  consider(candidates: readonly Candidate[]): void {
    if (this.#components.registers().length === 0) return
    for (const { provider, model } of candidates) {
      const isDue =
        this.#components.clock.monotonic() - (this.#lookedAt.get(provider) ?? -Infinity) >= LOOK_AGAIN_MS
      if (!isDue || this.#waiting.has(provider) || !this.#rate.take()) continue
      this.#waiting.set(provider, model)
      this.#noteLook(provider)
    }
    while (this.#running < MAX_AT_ONCE && this.#waiting.size > 0) void this.#run()
  }

  /** Tells the record what was found, each verifier's eldest verdict first, when the chain has said who has a stake. */
  async tell(provider: PeerName, found: readonly FoundVerdict[]): Promise<void> {
    const { record, stakes } = this.#components
    const operators = new Map<PeerName, ChainAddress[]>()
    for (const { verifier, operators: said } of found)
      operators.set(verifier, [...new Set([...(operators.get(verifier) ?? []), ...said])])
    if (stakes) {
      const ask = () => Promise.all([...operators].map(([verifier, said]) => stakes.said(verifier, said)))
      await this.#within(ask).catch(() => undefined) // whoever has a stake then counts with the next look
    }
    for (const { verdict, verifier } of found.toSorted((a, b) => a.verdict.at - b.verdict.at))
      record.told({ provider, verdict, verifier })
  }

  async #run(): Promise<void> {
    this.#running++
    try {
      for (let some = this.#take(); some.length > 0; some = this.#take()) await this.#look(some)
    } finally {
      this.#running--
    }
  }

  /** Some of one model, whose golden records come in one answer. */
  #take(): readonly Candidate[] {
    const [first] = this.#waiting
    if (!first) return []
    const [, model] = first
    const same = [...this.#waiting].filter(([, each]) => each === model).slice(0, MAX_FOUND_GOLDEN)
    for (const [provider] of same) this.#waiting.delete(provider)
    return same.map(([provider]) => ({ provider, model }))
  }

  async #look(candidates: readonly Candidate[]): Promise<void> {
    const ports = this.#components.registers().slice(0, MAX_RELAYS)
    await Promise.all([
      this.#lookForStakes(ports, candidates),
      // One relay after the other tells what it has: one that stalls keeps back no other's word.
      ...candidates.flatMap(({ provider }) => ports.map((port) => this.#lookAt(port, provider))),
    ])
  }

  async #lookAt(port: RecordsPort, provider: PeerName): Promise<void> {
    const { clock } = this.#components
    const find = (signal: AbortSignal) => findVerdicts([port], provider, { now: () => clock.now(), signal })
    await this.#within(find).then(
      (found) => this.tell(provider, found),
      () => undefined, // one that does not speak of records, or does not answer
    )
  }

  /** Of the providers themselves: a golden record bears what the relay says of its provider's stake. */
  async #lookForStakes(ports: readonly RecordsPort[], candidates: readonly Candidate[]): Promise<void> {
    const { stakes } = this.#components
    const model = candidates[0]?.model
    if (!stakes || model === undefined) return
    const providers = candidates.map(({ provider }) => provider)
    const ask = async (port: RecordsPort): Promise<void> => {
      const served = await this.#within((signal) => port.findGolden(model, { providers, signal }))
      for (const { provider, staked } of served.slice(0, MAX_FOUND_GOLDEN))
        if (staked && providers.includes(provider))
          void stakes.said(provider, [staked.operator]).catch(() => undefined)
    }
    await Promise.allSettled(ports.map(ask)) // behind the questions: all may be waited for
  }

  #within<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: LOOK_DEADLINE_MS })
    return withDeadline(this.#components.clock, millis(LOOK_DEADLINE_MS), late, task)
  }

  #noteLook(provider: PeerName): void {
    this.#lookedAt.delete(provider)
    this.#lookedAt.set(provider, this.#components.clock.monotonic())
    for (const eldest of this.#lookedAt.keys()) {
      if (this.#lookedAt.size <= MAX_REMEMBERED) return
      this.#lookedAt.delete(eldest)
    }
  }
}
