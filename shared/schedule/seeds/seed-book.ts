import type { Clock } from '../../base/clock.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { SECOND_MS } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Signed } from '../../wire/signed.ts'
import { MAX_SEEDERS, MAX_SEEDERS_PER_MODEL } from './constants.ts'
import { drawByGroup } from './draw-by-group.ts'
import { openSeeds, type SeedRecord, type SignedSeeds } from './seed-record.ts'

export interface SeedBookInit {
  /** False for a peer that nobody should be sent to. @default everybody may be */
  readonly mayIntroduce?: ((peer: PeerName) => boolean) | undefined
  /** @default MAX_SEEDERS */
  readonly maxSeeders?: number
}

interface Entry {
  readonly record: SeedRecord
  readonly signed: Signed
  /** Whom it is counted with. */
  readonly group: string
}

/** A relay's register of who seeds which model: one verified record a peer, the newest, gone when it expires. */
export class SeedBook {
  readonly #clock: Clock
  readonly #random: Random
  readonly #mayIntroduce: (peer: PeerName) => boolean
  readonly #maxSeeders: number
  /** Records without models stay until they expire: nothing older is taken meanwhile. */
  readonly #entries = new Map<PeerName, Entry>()
  readonly #byModel = new Map<ModelHash, Set<PeerName>>()
  #sweptAt = 0

  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    { mayIntroduce = () => true, maxSeeders = MAX_SEEDERS }: SeedBookInit = {},
  ) {
    this.#clock = clock
    this.#random = random
    this.#mayIntroduce = mayIntroduce
    this.#maxSeeders = maxSeeders
  }

  /** Records that it keeps. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Verifies and keeps a record in the place of the peer's last one. One without models takes it out.
   *
   * @param group who may stand behind several names, e.g. a network address: together they are found as often as one.
   * @default the peer itself
   * @throws InfernetError `wire.bad-signature`, `wire.malformed`, `schedule.seeds-expired`, `schedule.seeds-stale`,
   * `schedule.not-introduced` or `schedule.directory-full`
   */
  async announce(signed: SignedSeeds, group: string = signed.peer): Promise<SeedRecord> {
    const { peer, seeds } = signed
    const record = await openSeeds(signed, this.#clock.now())
    if (!this.#mayIntroduce(peer)) throw new InfernetError('schedule.not-introduced')
    this.#sweep()
    const known = this.#entries.get(peer)
    if (known && record.sequence <= known.record.sequence) throw new InfernetError('schedule.seeds-stale')
    if (!known && this.#entries.size >= this.#maxSeeders) throw new InfernetError('schedule.directory-full')
    this.remove(peer)
    this.#entries.set(peer, { record, signed: seeds, group })
    for (const { model } of record.models) this.#list(model, peer)
    return record
  }

  /**
   * Some of those who seed a model, by chance, so that nobody is asked by all; and how many there are. One of each group
   * comes before a second one of any: a thousand names of one hide nobody.
   */
  find(model: ModelHash, limit: number): { readonly seeders: SignedSeeds[]; readonly total: number } {
    const now = this.#clock.now()
    const all: (SignedSeeds & { readonly group: string })[] = []
    for (const peer of this.#byModel.get(model) ?? []) {
      const entry = this.#entries.get(peer)
      if (!entry || entry.record.expiresAt <= now || !this.#mayIntroduce(peer)) continue
      all.push({ peer, seeds: entry.signed, group: entry.group })
    }
    const seeders = drawByGroup(this.#random, all, limit).map(({ peer, seeds }) => ({ peer, seeds }))
    return { seeders, total: all.length }
  }

  /** Forgets a peer, e.g. because its connection is gone. It may announce again at once. */
  remove(peer: PeerName): void {
    const entry = this.#entries.get(peer)
    if (!entry) return
    this.#entries.delete(peer)
    for (const { model } of entry.record.models) {
      const peers = this.#byModel.get(model)
      peers?.delete(peer)
      if (peers?.size === 0) this.#byModel.delete(model)
    }
  }

  #list(model: ModelHash, peer: PeerName): void {
    const peers = this.#byModel.get(model) ?? new Set()
    if (peers.size < MAX_SEEDERS_PER_MODEL) this.#byModel.set(model, peers.add(peer))
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (Math.abs(now - this.#sweptAt) < SECOND_MS) return // a clock may jump back
    this.#sweptAt = now
    for (const [peer, { record }] of this.#entries) if (record.expiresAt <= now) this.remove(peer)
  }
}
