import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { jittered } from '../base/jittered.ts'
import type { Random } from '../base/random.ts'
import { SoonTimer } from '../base/soon-timer.ts'
import { MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { GOLDEN_LIFE_MS } from '../verify/board/constants.ts'
import type { Signed } from '../wire/signed.ts'
import type { RecordRegister, RecordRegisters } from './record-registers.ts'

/** A provision has jobs before it has anything else to do; then it is looked again this soon. */
const LOOK_AGAIN_MS = 5 * SECOND_MS
/** A relay that did not take the record, or an engine that could not make one, is tried again this much later. */
const RETRY_MS = 10 * MINUTE_MS
/** Made again half a life after it was made, so that a day without relays in between costs nothing. */
const RENEW_MS = GOLDEN_LIFE_MS / 2

/** A record of this provision's golden sketches, signed. */
export interface MadeGolden {
  readonly golden: Signed
  readonly at: EpochMillis
}

export interface GoldenAnnouncerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly registers: RecordRegisters
  /** Reads the golden prompts with the engine and signs what it makes of them; undefined where the model has none. */
  readonly make: (options: { readonly signal: AbortSignal }) => Promise<MadeGolden | undefined>
  /** Whether the engine is there and has nothing better to do. */
  readonly isFree: () => boolean
}

/**
 * Keeps the golden record of one provision at every relay: once after it joined, and again before it expires. Askers come
 * first: the prompts are read when the engine is free, and nothing here is waited for.
 */
export class GoldenAnnouncer {
  readonly #components: GoldenAnnouncerComponents
  readonly #stopListening: () => void
  readonly #stopper = new AbortController()
  readonly #told = new Map<PeerName, MadeGolden>()
  #made: MadeGolden | undefined
  #isMaking = false
  #hasNone = false
  readonly #timer: SoonTimer

  constructor(components: GoldenAnnouncerComponents) {
    this.#components = components
    this.#timer = new SoonTimer(components.clock, () => void this.#look())
    this.#stopListening = components.registers.onChange(() => this.#lookSoon(0))
    this.#lookSoon(0)
  }

  /** Tells nobody anything more. What relays have of it expires by itself: it stays true of what was served. */
  stop(): void {
    this.#stopper.abort()
    this.#timer.stop()
    this.#stopListening()
  }

  /** The engine was tested again: what was made before says nothing of it as it is now. */
  renew(): void {
    this.#made = undefined
    this.#lookSoon(0)
  }

  #lookSoon(delayMs: number): void {
    if (!this.#hasNone) this.#timer.within(delayMs)
  }

  async #look(): Promise<void> {
    const { registers } = this.#components
    const here = registers.registers
    // A relay that went and came again may have been started anew meanwhile.
    for (const relay of this.#told.keys())
      if (!here.some((each) => each.relay === relay)) this.#told.delete(relay)
    if (here.length === 0 || this.#isMaking) return
    const made = this.#isFresh ? this.#made : await this.#make()
    if (!made || this.#stopper.signal.aborted) return
    const left = registers.registers.filter(({ relay }) => this.#told.get(relay) !== made)
    // All may be waited for: each is noted as it comes, and nothing but the next look follows.
    const taken = await Promise.all(left.map((register) => this.#tell(register, made)))
    this.#lookSoon(
      taken.every(Boolean)
        ? jittered(this.#components.random, RENEW_MS)
        : jittered(this.#components.random, RETRY_MS),
    )
  }

  get #isFresh(): boolean {
    return this.#made !== undefined && this.#components.clock.now() - this.#made.at < 0.9 * RENEW_MS
  }

  async #make(): Promise<MadeGolden | undefined> {
    const { isFree, make } = this.#components
    if (!isFree()) return void this.#lookSoon(LOOK_AGAIN_MS)
    this.#isMaking = true
    try {
      this.#made = await make({ signal: this.#stopper.signal })
      this.#hasNone = this.#made === undefined
      return this.#made
    } catch {
      this.#lookSoon(jittered(this.#components.random, RETRY_MS))
      return undefined
    } finally {
      this.#isMaking = false
    }
  }

  async #tell({ relay, port }: RecordRegister, made: MadeGolden): Promise<boolean> {
    try {
      await port.publishGolden(made.golden, { signal: this.#stopper.signal })
      this.#told.set(relay, made)
      return true
    } catch {
      return false // it is full, or from before there were records
    }
  }
}
