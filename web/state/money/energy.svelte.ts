import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { Persisted } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'

/** A laptop's GPU under load draws 30 to 80 W, a desktop's 100 to 300; the visitor can say better. */
const DEFAULT_WATTS = { webgpu: 60, wasm: 35 } as const
/** What a household pays in much of Europe and North America, in US dollars. */
const DEFAULT_PRICE = 0.3
const MAX_WATTS = 2000
const MAX_PRICE = 10
const DAY_MS = 24 * 60 * MINUTE_MS
const KEPT_DAYS = 31
const JOULES_PER_KWH = 3_600_000
const SAVE_EVERY_MS = 15 * SECOND_MS
/** A device that slept did not compute: a longer gap is not counted. */
const LONGEST_GAP_MS = 10 * SECOND_MS

interface Load {
  /** Whether something is being computed for others now. */
  readonly isBusy: boolean
  readonly backend: 'webgpu' | 'wasm'
}

/**
 * What providing costs in electricity: the time of computing times the power it takes, day by day.
 *
 * An estimate: no browser tells the power. It is counted while answers are written, and said to be estimated.
 */
export class Energy {
  readonly #clock: Clock
  readonly #store: SettingsStore
  readonly #load: () => Load
  #days = $state.raw<Readonly<Record<string, number>>>({})
  readonly #pricePerKwh: Persisted<number>
  readonly #watts: Persisted<number | undefined>
  #backend = $state<'webgpu' | 'wasm'>('webgpu')
  #lastAt: number | undefined
  #savedAt = 0
  #tick: { stop(): void } | undefined

  constructor(components: { clock: Clock; settings: SettingsStore }, load: () => Load) {
    this.#clock = components.clock
    this.#store = components.settings
    this.#load = load
    this.#days = readDays(this.#store.get('energy.days'))
    this.#pricePerKwh = new Persisted<number>(this.#store, 'energy.price', {
      read: (kept) => bounded(kept, MAX_PRICE) ?? DEFAULT_PRICE,
      write: String,
    })
    this.#watts = new Persisted<number | undefined>(this.#store, 'energy.watts', {
      read: (kept) => bounded(kept, MAX_WATTS),
      write: String,
    })
  }

  /** US dollars for a kilowatt-hour. */
  get pricePerKwh(): number {
    return this.#pricePerKwh.value
  }
  set pricePerKwh(price: number) {
    if (bounded(String(price), MAX_PRICE) !== undefined) this.#pricePerKwh.value = price
  }
  /** What the device draws more while it computes. */
  get watts(): number {
    return this.#watts.value ?? DEFAULT_WATTS[this.#backend]
  }
  set watts(watts: number) {
    if (bounded(String(watts), MAX_WATTS) !== undefined) this.#watts.value = watts
  }

  /** Kilowatt-hours of today and the days before it, `days` in all, by UTC. */
  kwhOf(days: number): number {
    const today = Math.floor(this.#clock.now() / DAY_MS)
    let joules = 0
    for (let i = 0; i < days; i++) joules += this.#days[String(today - i)] ?? 0
    return joules / JOULES_PER_KWH
  }
  /** The same in US dollars. */
  costOf(days: number): number {
    return this.kwhOf(days) * this.pricePerKwh
  }

  start(): void {
    this.#beat()
  }
  stop(): void {
    this.#tick?.stop()
    this.#save()
  }

  #beat(): void {
    const { isBusy, backend } = this.#load()
    this.#backend = backend
    const at = this.#clock.monotonic()
    const gap = this.#lastAt === undefined ? 0 : at - this.#lastAt
    this.#lastAt = isBusy ? at : undefined
    if (isBusy && gap > 0 && gap <= LONGEST_GAP_MS) this.#add((this.watts * gap) / 1000)
    this.#tick = this.#clock.schedule(millis(SECOND_MS), () => this.#beat())
  }

  #add(joules: number): void {
    const today = String(Math.floor(this.#clock.now() / DAY_MS))
    this.#days = { ...this.#days, [today]: (this.#days[today] ?? 0) + joules }
    if (this.#clock.monotonic() - this.#savedAt > SAVE_EVERY_MS) this.#save()
  }

  #save(): void {
    this.#savedAt = this.#clock.monotonic()
    const kept = Object.entries(this.#days)
      .toSorted(([a], [b]) => Number(b) - Number(a))
      .slice(0, KEPT_DAYS)
    this.#days = Object.fromEntries(kept)
    this.#store.set('energy.days', JSON.stringify(this.#days))
  }
}

/** A price in US dollars as an amount of an asset; `undefined` where nobody has said what a unit is worth. */
export function dollarsInAsset(
  dollars: number,
  decimals: number,
  usdHint: number | undefined,
): bigint | undefined {
  if (!usdHint) return undefined
  const units = (dollars / usdHint) * 1e9
  if (!Number.isFinite(units)) return undefined
  const billionths = BigInt(Math.round(units))
  return decimals >= 9 ? billionths * 10n ** BigInt(decimals - 9) : billionths / 10n ** BigInt(9 - decimals)
}

function bounded(text: string | undefined, most: number): number | undefined {
  const value = Number(text?.trim() || Number.NaN)
  return value >= 0 && value <= most ? value : undefined
}

/** Another version of this page may have written it: what is no day or no number is left out. */
function readDays(text: string | undefined): Record<string, number> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    if (typeof parsed !== 'object' || parsed === null) return {}
    const entries = Object.entries(parsed as Record<string, unknown>).filter(
      (entry): entry is [string, number] =>
        /^\d{1,6}$/.test(entry[0]) &&
        typeof entry[1] === 'number' &&
        Number.isFinite(entry[1]) &&
        entry[1] >= 0,
    )
    return Object.fromEntries(entries.slice(0, 2 * KEPT_DAYS))
  } catch {
    return {}
  }
}
