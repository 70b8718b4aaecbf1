import { Persisted } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import type { Wanted } from './services.ts'

/** Far more models than a browser holds; older ones are asked about again. */
const MAX_KEPT = 200

/** The licences that the visitor has accepted, each for the model that it was shown with. */
export class Licences {
  readonly #accepted: Persisted<readonly string[]>

  constructor(store: SettingsStore) {
    this.#accepted = new Persisted<readonly string[]>(store, 'models.licences', {
      read: (kept) => (kept ?? '').split(' ').filter((key) => key !== ''),
      write: (keys) => keys.slice(-MAX_KEPT).join(' '),
    })
  }

  has(wanted: Wanted): boolean {
    return this.#accepted.value.includes(keyOf(wanted))
  }

  accept(wanted: Wanted): void {
    if (!this.has(wanted)) this.#accepted.value = [...this.#accepted.value, keyOf(wanted)]
  }
}

/** Tells downloads apart, and holds no space. */
export function keyOf(wanted: Wanted): string {
  if (wanted.kind === 'model') return wanted.model
  return `${wanted.repository}@${wanted.revision ?? ''}#${wanted.dtype}`
}
