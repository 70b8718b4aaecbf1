import type { Clock } from '../../base/clock.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { SECOND_MS, type EpochMillis } from '../../base/units.ts'
import { equalBytes } from '../../base/bytes.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { drawByGroup } from '../../schedule/seeds/draw-by-group.ts'
import type { Signed } from '../../wire/signed.ts'
import {
  GOLDEN_LIFE_MS,
  MAX_GOLDEN_BYTES,
  MAX_GOLDEN_PER_GROUP,
  MAX_GOLDEN_PER_MODEL,
  MAX_GOLDEN_PER_PROVIDER,
  MAX_GOLDEN_RECORDS,
  RECORD_SKEW_MS,
} from './constants.ts'
import { crowdOf, victimOf, type Kept } from './fair-eviction.ts'
import type { StakeOf, Staked } from './staked.ts'

/** A golden record as it travels. */
export interface SignedGolden {
  readonly provider: PeerName
  readonly golden: Signed
}

/** What a relay reads of a golden record; the sketches are for those who compare. */
export interface GoldenFacts {
  readonly model: ModelHash
  readonly at: EpochMillis
  readonly expiresAt: EpochMillis
}

/** One that is served, with what the relay says of its provider's stake. */
export interface ServedGolden extends SignedGolden {
  readonly staked: Staked | undefined
}

export interface GoldenBookComponents {
  readonly clock: Clock
  readonly random: Random
  /** Verifies whose record it is and reads it. @throws InfernetError `wire.bad-signature`, `wire.malformed`, `verify.*` */
  readonly open: (golden: Signed, provider: PeerName) => Promise<GoldenFacts>
  /** @default nobody has stake here */
  readonly stakeOf?: StakeOf | undefined
  /** False for a peer that nobody should be sent to. @default everybody may be */
  readonly mayIntroduce?: ((peer: PeerName) => boolean) | undefined
}

export interface GoldenBookInit {
  readonly maxRecords?: number
  readonly maxBytes?: number
  readonly maxPerModel?: number
  readonly maxPerGroup?: number
}

interface Entry extends Kept {
  readonly provider: PeerName
  readonly facts: GoldenFacts
  readonly signed: Signed
  readonly bytes: number
}

/**
 * A relay's register of golden records: one verified record of each provider and model, the newest, gone when it
 * expires. A record describes a machine and vouches for nothing: its prompts are public, so that its numbers can be
 * copied.
 */
export class GoldenBook {
  readonly #components: GoldenBookComponents
  readonly #stakeOf: StakeOf
  readonly #mayIntroduce: (peer: PeerName) => boolean
  readonly #limits: Required<GoldenBookInit>
  readonly #entries = new Map<string, Entry>()
  readonly #byModel = new Map<ModelHash, Map<PeerName, Entry>>()
  readonly #byProvider = new Map<PeerName, Map<ModelHash, Entry>>()
  readonly #crowds = new Map<string, number>()
  #bytes = 0
  #sequence = 0
  #sweptAt = 0

  constructor(components: GoldenBookComponents, init: GoldenBookInit = {}) {
    this.#components = components
    this.#stakeOf = components.stakeOf ?? (() => undefined)
    this.#mayIntroduce = components.mayIntroduce ?? (() => true)
    this.#limits = {
      maxRecords: init.maxRecords ?? MAX_GOLDEN_RECORDS,
      maxBytes: init.maxBytes ?? MAX_GOLDEN_BYTES,
      maxPerModel: init.maxPerModel ?? MAX_GOLDEN_PER_MODEL,
      maxPerGroup: init.maxPerGroup ?? MAX_GOLDEN_PER_GROUP,
    }
  }

  /** Records that it keeps. */
  get size(): number {
    this.#sweep()
    return this.#entries.size
  }

  /** Whether it keeps a record of this provider. */
  knows(provider: PeerName): boolean {
    const now = this.#components.clock.now()
    return [...(this.#byProvider.get(provider)?.values() ?? [])].some(({ facts }) => facts.expiresAt > now)
  }

  /**
   * Verifies and keeps a record in the place of the provider's last one for that model.
   *
   * @param group who may stand behind several names, e.g. a network address. @default the provider itself
   * @throws InfernetError as `open`, `verify.record-expired`, `verify.record-stale`, `verify.records-full` or
   * `schedule.not-introduced`
   */
  async publish({ provider, golden }: SignedGolden, group: string = provider): Promise<GoldenFacts> {
    // What else is in it stays in its bytes.
    const { model, at, expiresAt } = await this.#components.open(golden, provider)
    const facts = { model, at, expiresAt }
    this.#checkTimes(facts)
    if (!this.#mayIntroduce(provider)) throw new InfernetError('schedule.not-introduced')
    this.#sweep()
    const known = this.#byProvider.get(provider)?.get(facts.model)
    if (known && known.facts.at >= facts.at) {
      if (equalBytes(known.signed.body, golden.body)) return facts // brought once more, e.g. after a lost connection
      throw new InfernetError('verify.record-stale')
    }
    this.#put(
      {
        ...{ provider, owner: provider, group, facts, signed: golden },
        isStaked: this.#stakeOf(provider) !== undefined,
        bytes: golden.body.length + golden.signature.length,
        sequence: known?.sequence ?? ++this.#sequence,
      },
      known,
    )
    return facts
  }

  /**
   * Some of the records of a model by chance, one of each group before a second one of any; or those of the providers
   * that are named.
   *
   * @returns `total`: how many there are, also those that were not drawn
   */
  find(
    model: ModelHash,
    { providers = [], limit }: { readonly providers?: readonly PeerName[]; readonly limit: number },
  ): { readonly records: readonly ServedGolden[]; readonly total: number } {
    const { clock, random } = this.#components
    const now = clock.now()
    const all = [...(this.#byModel.get(model)?.values() ?? [])].filter(
      ({ provider, facts }) => facts.expiresAt > now && this.#mayIntroduce(provider),
    )
    const drawn =
      providers.length === 0
        ? drawByGroup(random, all, limit)
        : all.filter(({ provider }) => providers.includes(provider)).slice(0, limit)
    const records = drawn.map(({ provider, signed }) => ({
      ...{ provider, golden: signed, staked: this.#stakeOf(provider) },
    }))
    return { records, total: all.length }
  }

  #checkTimes({ at, expiresAt }: GoldenFacts): void {
    const now = this.#components.clock.now()
    if (expiresAt - at > GOLDEN_LIFE_MS) throw new InfernetError('wire.malformed', { field: 'expiresAt' })
    if (at > now + RECORD_SKEW_MS || expiresAt <= now) throw new InfernetError('verify.record-expired')
  }

  #put(entry: Entry, known: Entry | undefined): void {
    if (known) this.#remove(known)
    this.#add(entry)
    const own = this.#byProvider.get(entry.provider) ?? new Map<ModelHash, Entry>()
    if (own.size > MAX_GOLDEN_PER_PROVIDER) this.#remove([...own.values()].sort(byAge)[0])
    const { maxRecords, maxBytes, maxPerModel, maxPerGroup } = this.#limits
    const isCrowded = !entry.isStaked && (this.#crowds.get(crowdOf(entry)) ?? 0) > maxPerGroup
    if (isCrowded) return this.#refuse(entry)
    const ofModel = this.#byModel.get(entry.facts.model)
    if (ofModel && ofModel.size > maxPerModel) this.#evictFrom(ofModel.values(), entry)
    while (this.#entries.size > maxRecords || this.#bytes > maxBytes)
      this.#evictFrom(this.#entries.values(), entry)
  }

  /** @throws InfernetError `verify.records-full` when it is the new one that has to go */
  #evictFrom(entries: Iterable<Entry>, incoming: Entry): void {
    const victim = victimOf(entries, 'older')
    if (victim === undefined || victim === incoming) this.#refuse(incoming)
    this.#remove(victim)
  }

  #refuse(entry: Entry): never {
    this.#remove(entry)
    throw new InfernetError('verify.records-full')
  }

  #add(entry: Entry): void {
    const { provider, facts, bytes } = entry
    this.#entries.set(keyOf(entry), entry)
    inner(this.#byModel, facts.model).set(provider, entry)
    inner(this.#byProvider, provider).set(facts.model, entry)
    this.#crowds.set(crowdOf(entry), (this.#crowds.get(crowdOf(entry)) ?? 0) + 1)
    this.#bytes += bytes
  }

  #remove(entry: Entry | undefined): void {
    if (!entry || !this.#entries.delete(keyOf(entry))) return
    const { provider, facts, bytes } = entry
    drop(this.#byModel, facts.model, provider)
    drop(this.#byProvider, provider, facts.model)
    const left = (this.#crowds.get(crowdOf(entry)) ?? 0) - 1
    if (left > 0) this.#crowds.set(crowdOf(entry), left)
    else this.#crowds.delete(crowdOf(entry))
    this.#bytes -= bytes
  }

  #sweep(): void {
    const now = this.#components.clock.now()
    if (Math.abs(now - this.#sweptAt) < SECOND_MS) return // a clock may jump back
    this.#sweptAt = now
    for (const entry of this.#entries.values()) if (entry.facts.expiresAt <= now) this.#remove(entry)
  }
}

const keyOf = ({ provider, facts }: Entry): string => `${provider} ${facts.model}`
const byAge = (a: Entry, b: Entry): number => a.facts.at - b.facts.at

function inner<Outer, Inner, Value>(map: Map<Outer, Map<Inner, Value>>, key: Outer): Map<Inner, Value> {
  const found = map.get(key) ?? new Map<Inner, Value>()
  map.set(key, found)
  return found
}

function drop<Outer, Inner, Value>(map: Map<Outer, Map<Inner, Value>>, key: Outer, at: Inner): void {
  const found = map.get(key)
  found?.delete(at)
  if (found?.size === 0) map.delete(key)
}
