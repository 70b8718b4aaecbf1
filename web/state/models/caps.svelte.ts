import { Persisted, text } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import type { ModelsHome } from './services.ts'

const MB = 1e6
const GB = 1e9
/** More than any browser gives and any line carries. */
const MOST = 1_000_000

/** A limit as the visitor typed it: empty for none. What is no number sets no limit, and the field says so. */
export class Cap {
  readonly #kept: Persisted<string | undefined>
  readonly #unit: number
  readonly #tell: (bytes: number | undefined) => void

  constructor(
    store: SettingsStore,
    { name, unit, tell }: { name: string; unit: number; tell: (bytes: number | undefined) => void },
  ) {
    this.#kept = new Persisted(store, name, text)
    this.#unit = unit
    this.#tell = tell
    tell(this.bytes)
  }

  get text(): string {
    return this.#kept.value ?? ''
  }
  set text(typed: string) {
    this.#kept.value = typed.trim()
    this.#tell(this.bytes)
  }
  get isWrong(): boolean {
    return this.text !== '' && this.#number === undefined
  }
  /** Undefined for no limit. */
  get bytes(): number | undefined {
    const number = this.#number
    return number === undefined ? undefined : Math.round(number * this.#unit)
  }

  get #number(): number | undefined {
    if (!/^\d+(?:[.,]\d+)?$/.test(this.text)) return undefined
    const number = Number(this.text.replace(',', '.'))
    return number <= MOST ? number : undefined
  }
}

/** How much of the line and of the disk models may take. A limit that nobody obeys yet is not there. */
export class Caps {
  /** Megabytes a second. */
  readonly uploadRate: Cap | undefined
  /** Gigabytes a day for each peer. */
  readonly uploadBudget: Cap | undefined
  /** Gigabytes. */
  readonly storage: Cap | undefined

  constructor(store: SettingsStore, limits: NonNullable<ModelsHome['limits']>) {
    const cap = (name: string, unit: number, tell: ((bytes: number | undefined) => void) | undefined) =>
      tell && new Cap(store, { name: `models.${name}`, unit, tell: (bytes) => tell.call(limits, bytes) })
    this.uploadRate = cap('upload-rate', MB, limits.uploadRate)
    this.uploadBudget = cap('upload-budget', GB, limits.uploadBudget)
    this.storage = cap('storage', GB, limits.storage)
  }

  get isEmpty(): boolean {
    return !this.uploadRate && !this.uploadBudget && !this.storage
  }
}
