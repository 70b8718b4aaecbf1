import type { SettingsStore } from './services.ts'

/** How a value is written. Another version of this page may have written what is read: it never throws. */
export interface Form<T> {
  read(text: string | undefined): T
  write(value: T): string
}

/** One value that the visitor chose: read once, and kept in step with the store. */
export class Persisted<T> {
  readonly #store: SettingsStore
  readonly #name: string
  readonly #form: Form<T>
  #value = $state.raw() as T

  constructor(store: SettingsStore, name: string, form: Form<T>) {
    this.#store = store
    this.#name = name
    this.#form = form
    this.#value = form.read(store.get(name))
  }

  get value(): T {
    return this.#value
  }
  /** Takes what the form makes of it: a number out of bounds comes back within them. */
  set value(value: T) {
    const text = this.#form.write(value)
    this.#value = this.#form.read(text)
    this.#store.set(this.#name, text)
  }
}

/** Text as it was typed; undefined where there is none. */
export const text: Form<string | undefined> = {
  read: (kept) => kept || undefined,
  write: (value) => value ?? '',
}

/** One of some words, the first where there is none of them. */
export function oneOf<const T extends string>(first: T, ...others: readonly T[]): Form<T> {
  const words = [first, ...others]
  return { read: (kept) => words.find((word) => word === kept) ?? first, write: (value) => value }
}

export function yesNo(fallback: boolean): Form<boolean> {
  return {
    read: (kept) => (fallback ? kept !== 'no' : kept === 'yes'),
    write: (value) => (value ? 'yes' : 'no'),
  }
}

/** A whole percentage, `least` to 100; `fallback` where there is none. */
export function percent(least: number, fallback = 100): Form<number> {
  return whole({ least, most: 100, fallback })
}

/** A whole number within bounds; `fallback` where there is none. */
export function whole({
  least,
  most,
  fallback,
}: Record<'least' | 'most' | 'fallback', number>): Form<number> {
  return {
    read(kept) {
      const value = Number(kept ?? fallback)
      return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : fallback
    },
    write: String,
  }
}
