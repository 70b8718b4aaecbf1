import { Persisted, text } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import { CAPS, capBytes } from './read-caps.ts'
import type { ModelsHome } from './services.ts'

/** A limit as the visitor typed it: empty for none of theirs. What is no number sets none either, and the field says so. */
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
    return this.text !== '' && this.bytes === undefined
  }
  /** Undefined where none is set: then the usual one holds, if there is one. */
  get bytes(): number | undefined {
    return capBytes(this.text, this.#unit)
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
    const cap = (name: keyof typeof CAPS) => {
      const tell = limits[name]
      return tell && new Cap(store, { ...CAPS[name], tell: (bytes) => tell.call(limits, bytes) })
    }
    this.uploadRate = cap('uploadRate')
    this.uploadBudget = cap('uploadBudget')
    this.storage = cap('storage')
  }

  get isEmpty(): boolean {
    return !this.uploadRate && !this.uploadBudget && !this.storage
  }
}
