import type { SettingsStore } from '../session/services.ts'
import type { Wanted } from './services.ts'

const NAME = 'models.licences'
/** Far more models than a browser holds; older ones are asked about again. */
const MAX_KEPT = 200

/**
 * The licences that the visitor has accepted, each for the model that it was shown with. Read each time: another tab
 * may have asked meanwhile.
 */
export class Licences {
  readonly #store: SettingsStore

  constructor(store: SettingsStore) {
    this.#store = store
  }

  has(wanted: Wanted): boolean {
    return this.#accepted.includes(keyOf(wanted))
  }

  accept(wanted: Wanted): void {
    if (!this.has(wanted))
      this.#store.set(NAME, [...this.#accepted, keyOf(wanted)].slice(-MAX_KEPT).join(' '))
  }

  get #accepted(): readonly string[] {
    return (this.#store.get(NAME) ?? '').split(' ').filter((key) => key !== '')
  }
}

/** Tells downloads apart, and holds no space. */
export function keyOf(wanted: Wanted): string {
  if (wanted.kind === 'model') return wanted.model
  return `${wanted.repository}@${wanted.revision ?? ''}#${wanted.dtype}`
}
