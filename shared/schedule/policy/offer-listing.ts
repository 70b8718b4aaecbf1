import type { Random } from '../../base/random.ts'
import { keyOfBringer, type Bringer, type BringerKind } from '../bringer.ts'
import { evenFrom } from './beta.ts'

/** The share of an answer that goes by merit; the rest is drawn. */
const BEST_SHARE = 0.5
/**
 * Of what goes by merit one bringer gets this share at most, while others have something. All unknown relays together get
 * this share of the whole answer then: the rest of what they say waits for the next pages.
 */
const BRINGER_SHARE = 0.25
/** Draws for each place that is still free, before the rest is filled up by merit. */
const DRAWS_PER_PLACE = 8
/**
 * How often each kind of bringer is drawn while all have something: providers that are connected here and those of
 * admitted relays alike, what unknown relays say half as often.
 */
const DRAW_WEIGHTS: Readonly<Record<BringerKind, number>> = { provider: 2, relay: 2, stranger: 1 }

interface Group<T> {
  readonly members: T[]
  /** Whose share of what goes by merit it takes: its own, or that of all unknown relays. */
  readonly share: object
}

interface Kind<T> {
  readonly weight: number
  readonly groups: readonly Group<T>[]
}

/**
 * What a relay names when it may not name all: half by merit with a share for each bringer, the rest by chance, a bringer
 * at a time. So whoever has a thousand names behind one address, or says that it is the fastest, hides nobody.
 */
export class OfferListing<T> {
  readonly #ranked: readonly { readonly item: T; readonly share: object }[]
  readonly #kinds: readonly Kind<T>[]
  readonly #shares: number
  readonly #strangers = {}
  readonly #ofStrangers: ReadonlySet<T>

  /** @param ranked all of them, best first */
  constructor(ranked: readonly T[], bringerOf: (item: T) => Bringer) {
    const groups = new Map<string, Group<T> & { readonly kind: BringerKind }>()
    this.#ranked = ranked.map((item) => {
      const bringer = bringerOf(item)
      const key = keyOfBringer(bringer)
      const { kind } = bringer
      const members: T[] = []
      const group = groups.get(key) ?? { kind, members, share: kind === 'stranger' ? this.#strangers : {} }
      group.members.push(item)
      groups.set(key, group)
      return { item, share: group.share }
    })
    this.#ofStrangers = new Set(
      this.#ranked.flatMap(({ item, share }) => (share === this.#strangers ? [item] : [])),
    )
    const all = [...groups.values()]
    this.#shares = new Set(all.map(({ share }) => share)).size
    this.#kinds = [...new Set(all.map(({ kind }) => kind))].map((kind) => ({
      weight: DRAW_WEIGHTS[kind],
      groups: all.filter((group) => group.kind === kind),
    }))
  }

  get size(): number {
    return this.#ranked.length
  }

  count(isFit: (item: T) => boolean): number {
    return this.#ranked.reduce((count, { item }) => (isFit(item) ? count + 1 : count), 0)
  }

  /** At most `limit` of those that are fit; best first where none was left to chance. */
  choose(isFitAtAll: (item: T) => boolean, limit: number, random: Random): T[] {
    const chosen = new Set<T>()
    const isFit = this.#behindOthers(isFitAtAll, chosen, Math.ceil(limit * BRINGER_SHARE))
    if (this.#ranked.length > limit) {
      this.#best(chosen, isFit, Math.ceil(limit * BEST_SHARE))
      this.#draw(chosen, isFit, limit, random)
    }
    for (const { item } of this.#ranked) {
      if (chosen.size >= limit) return [...chosen]
      if (!chosen.has(item) && isFit(item)) chosen.add(item)
    }
    return this.#ranked.flatMap(({ item }) => (chosen.has(item) ? [item] : []))
  }

  /** While there is somebody else, no more than `most` of unknown relays are fit. */
  #behindOthers(isFit: (item: T) => boolean, chosen: ReadonlySet<T>, most: number): (item: T) => boolean {
    const strangers = this.#ofStrangers
    if (strangers.size === 0) return isFit
    const hasOthers = this.#ranked.some(({ item }) => !strangers.has(item) && isFit(item))
    if (!hasOthers) return isFit
    const taken = (): number => [...chosen].filter((item) => strangers.has(item)).length
    return (item) => isFit(item) && (!strangers.has(item) || taken() < most)
  }

  /** By merit, as far as the shares of their bringers reach. */
  #best(chosen: Set<T>, isFit: (item: T) => boolean, count: number): void {
    const most = Math.max(1, Math.floor(count * BRINGER_SHARE))
    const taken = new Map<object, number>()
    let spent = 0
    for (const { item, share } of this.#ranked) {
      if (chosen.size >= count || spent === this.#shares) return
      const had = taken.get(share) ?? 0
      if (had >= most || !isFit(item)) continue
      taken.set(share, had + 1)
      if (had + 1 === most) spent++
      chosen.add(item)
    }
  }

  #draw(chosen: Set<T>, isFit: (item: T) => boolean, limit: number, random: Random): void {
    const even = evenFrom(random)
    const oneOf = <E>(list: readonly E[]): E | undefined => list[Math.floor(even() * list.length)]
    const sum = this.#kinds.reduce((total, { weight }) => total + weight, 0)
    for (let draws = DRAWS_PER_PLACE * (limit - chosen.size); draws > 0 && chosen.size < limit; draws--) {
      let rest = even() * sum
      const kind = this.#kinds.find(({ weight }) => (rest -= weight) < 0)
      const item = oneOf(oneOf(kind?.groups ?? [])?.members ?? [])
      if (item !== undefined && isFit(item)) chosen.add(item)
    }
  }
}
