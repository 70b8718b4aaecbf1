import type { PeerName } from '#shared/base/ids.ts'

/** Whoever was not seen for longest is forgotten first. */
const MAX_REMEMBERED = 1000

/** How often a provider's offer stood when this tab looked, from when it was first seen. */
export interface Sighting {
  readonly firstAt: number
  readonly seen: number
  /** Looks that relays answered. */
  readonly looks: number
}

/** Whose offers stood at each look of this tab, since it was opened. */
export class Sightings {
  readonly #first = new Map<PeerName, { readonly at: number; readonly look: number; seen: number }>()
  #looks = 0

  /** A look that relays answered, and whose offers stood. */
  note(providers: readonly PeerName[], at: number): void {
    this.#looks++
    for (const provider of new Set(providers)) {
      const known = this.#first.get(provider) ?? { at, look: this.#looks, seen: 0 }
      known.seen++
      this.#first.delete(provider)
      this.#first.set(provider, known)
    }
    for (const eldest of this.#first.keys()) {
      if (this.#first.size <= MAX_REMEMBERED) return
      this.#first.delete(eldest)
    }
  }

  /** Undefined for one that was never seen. */
  of(provider: PeerName): Sighting | undefined {
    const known = this.#first.get(provider)
    return known && { firstAt: known.at, seen: known.seen, looks: this.#looks - known.look + 1 }
  }
}
