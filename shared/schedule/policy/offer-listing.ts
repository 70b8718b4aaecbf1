import type { Random } from '../../base/random.ts'
import { keyOfBringer, type Bringer, type BringerKind } from '../bringer.ts'
import { evenFrom } from './beta.ts'

/** The share of an answer that goes by merit; the rest is drawn. */
const BEST_SHARE = 0.5
/** Of what goes by merit one bringer gets this share at most, while others have something; so do all unknown relays. */
const BRINGER_SHARE = 0.25
/** Draws for each place that is still free, before the rest is filled up by merit. */
const DRAWS_PER_PLACE = 8
/**
 * How often each kind of bringer is drawn while all have something: providers that are connected here and those of
 * admitted relays alike, what unknown relays say half as often.
 */
const DRAW_WEIGHTS: Readonly<Record<BringerKind, number>> = { provider: 2, relay: 2, stranger: 1 }

/**
 * What a relay names when it may not name all: half by merit with a share for each bringer, the rest by chance, a bringer
 * at a time. So whoever has a thousand names behind one address, or says that it is the fastest, hides nobody.
 */
export class OfferListing<T> {
  readonly #ranked: readonly T[]
  readonly #bringerOf: (item: T) => Bringer
  readonly #kinds: readonly { readonly weight: number; readonly groups: readonly (readonly T[])[] }[]

  /** @param ranked all of them, best first */
  constructor(ranked: readonly T[], bringerOf: (item: T) => Bringer) {
    this.#ranked = ranked
    this.#bringerOf = bringerOf
    const kinds = new Map<BringerKind, Map<string, T[]>>()
    for (const item of ranked) {
      const { kind, group } = bringerOf(item)
      const groups = kinds.get(kind) ?? new Map<string, T[]>()
      kinds.set(kind, groups)
      const members = groups.get(group)
      if (members) members.push(item)
      else groups.set(group, [item])
    }
    this.#kinds = [...kinds].map(([kind, groups]) => ({
      weight: DRAW_WEIGHTS[kind],
      groups: [...groups.values()],
    }))
  }

  /** Those that are fit, best first. */
  fit(isFit: (item: T) => boolean): T[] {
    return this.#ranked.filter(isFit)
  }

  /** At most `limit` of those that are fit; all of them, best first, where there are no more. */
  choose(fit: readonly T[], limit: number, random: Random): T[] {
    if (fit.length <= limit) return [...fit]
    const chosen = this.#best(fit, Math.ceil(limit * BEST_SHARE))
    this.#draw(new Set(fit), chosen, limit, random)
    for (const item of fit) {
      if (chosen.size >= limit) break
      chosen.add(item)
    }
    return [...chosen]
  }

  /** By merit, as far as the shares of their bringers reach. */
  #best(fit: readonly T[], count: number): Set<T> {
    const chosen = new Set<T>()
    const share = Math.max(1, Math.floor(count * BRINGER_SHARE))
    const taken = new Map<string, number>()
    for (const item of fit) {
      if (chosen.size >= count) break
      const bringer = this.#bringerOf(item)
      const key = bringer.kind === 'stranger' ? bringer.kind : keyOfBringer(bringer)
      const had = taken.get(key) ?? 0
      if (had >= share) continue
      taken.set(key, had + 1)
      chosen.add(item)
    }
    return chosen
  }

  #draw(fit: ReadonlySet<T>, chosen: Set<T>, limit: number, random: Random): void {
    const even = evenFrom(random)
    const oneOf = <E>(list: readonly E[]): E | undefined => list[Math.floor(even() * list.length)]
    const sum = this.#kinds.reduce((total, { weight }) => total + weight, 0)
    for (let draws = DRAWS_PER_PLACE * (limit - chosen.size); draws > 0 && chosen.size < limit; draws--) {
      let rest = even() * sum
      const kind = this.#kinds.find(({ weight }) => (rest -= weight) < 0)
      const item = oneOf(oneOf(kind?.groups ?? []) ?? [])
      if (item !== undefined && fit.has(item)) chosen.add(item)
    }
  }
}
