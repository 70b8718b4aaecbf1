import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { jittered } from '../base/jittered.ts'
import type { Random } from '../base/random.ts'
import { SoonTimer } from '../base/soon-timer.ts'
import { epochMillis, SECOND_MS } from '../base/units.ts'
import type { PiecesService } from '../models/pieces/pieces-service.ts'
import {
  MAX_SEED_ADDRESSES,
  MAX_SEEDED_MODELS,
  SEEDS_CHANGE_MS,
  SEEDS_LIFE_MS,
  SEEDS_RENEW_MS,
} from '../schedule/seeds/constants.ts'
import { signSeeds, type SeededModel } from '../schedule/seeds/seed-record.ts'
import type { SeedRegisters } from './seed-registers.ts'

/** While we have no address, or no relay took the record, it is brought again this soon. */
const RETRY_MS = 2 * SECOND_MS

export interface SeedAnnouncerComponents {
  readonly key: PrivateKey
  readonly clock: Clock
  readonly random: Random
  readonly registers: SeedRegisters
  readonly service: PiecesService
  readonly addresses: () => readonly string[]
}

/** Keeps this peer's record at every relay: of what it seeds, and how much of it. Without anything to seed it is silent. */
export class SeedAnnouncer {
  readonly #components: SeedAnnouncerComponents
  readonly #stops: readonly (() => void)[]
  readonly #timer: SoonTimer
  #told = ''
  #sequence = 0
  #isStopped = false

  constructor(components: SeedAnnouncerComponents) {
    const { clock, service, registers } = components
    this.#components = components
    this.#timer = new SoonTimer(clock, () => void this.#renew())
    this.#stops = [service.changes.listen(this.#onChange), registers.onChange(() => this.#timer.within(0))]
  }

  /** Takes the record back. Never throws: a relay that cannot be told forgets it soon. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer.stop()
    for (const stop of this.#stops) stop()
    if (this.#told !== '') await this.#bring([])
  }

  /** What is held grows with each piece; it is told now and then, and at once when something is new or whole. */
  readonly #onChange = (): void => {
    const models = this.#models()
    if (keyOf(models) === this.#told) return
    const isNews = outlineOf(keyOf(models)) !== outlineOf(this.#told)
    this.#timer.within(isNews ? 0 : SEEDS_CHANGE_MS)
  }

  async #renew(): Promise<void> {
    const models = this.#models()
    // Nothing to tell, and nothing that was told.
    if (models.length === 0 && this.#told === '') return
    if (models.length > 0 && this.#components.addresses().length === 0) return this.#timer.within(RETRY_MS)
    this.#told = models.length === 0 ? '' : keyOf(models)
    const isTaken = await this.#bring(models)
    if (models.length === 0) return
    this.#timer.within(isTaken ? jittered(this.#components.random, SEEDS_RENEW_MS) : 10 * RETRY_MS)
  }

  /** To every relay; true when one at least took it. */
  async #bring(models: readonly SeededModel[]): Promise<boolean> {
    const { key, clock, registers, addresses } = this.#components
    const issuedAt = clock.now()
    // Time as the sequence rises across restarts as well; two in one millisecond are told apart.
    this.#sequence = Math.max(this.#sequence + 1, issuedAt)
    const record = {
      models,
      addresses: addresses().slice(0, MAX_SEED_ADDRESSES),
      sequence: this.#sequence,
      issuedAt,
      expiresAt: epochMillis(issuedAt + SEEDS_LIFE_MS),
    }
    const seeds = await signSeeds(record, key)
    // All may be waited for: nothing but the next renewal follows.
    const answers = await Promise.allSettled(registers.ports.map((port) => port.announce(seeds)))
    return answers.some(({ status }) => status === 'fulfilled')
  }

  #models(): readonly SeededModel[] {
    if (this.#isStopped) return []
    return this.#components.service.shared.filter(({ held }) => held > 0).slice(0, MAX_SEEDED_MODELS)
  }
}

function keyOf(models: readonly SeededModel[]): string {
  return models.map(({ model, held, pieces }) => `${model} ${held}${held === pieces ? '!' : ''}`).join()
}

/** Which models there are and which are whole, without the counts between. */
function outlineOf(key: string): string {
  return key.replace(/ \d+(?!\d|!)/g, '')
}
