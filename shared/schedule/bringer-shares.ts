import type { Bringer, BringerKind } from './bringer.ts'

/** What bringers of one kind hold: who has most, at once, and what it brought last. */
export class BringerShares {
  readonly #groups = new Map<string, Holding>()
  readonly #bySize = new Map<number, Set<string>>()
  #largest = 0
  #size = 0

  /** Keys of all groups together. */
  get size(): number {
    return this.#size
  }

  sizeOf(group: string): number {
    return this.#groups.get(group)?.keys.size ?? 0
  }

  /** How many keys the group with the most has. */
  get largestSize(): number {
    return this.#largest
  }

  add(group: string, key: string): void {
    const holding = this.#groups.get(group) ?? { keys: new Set(), order: [] }
    if (holding.keys.has(key)) return
    this.#groups.set(group, holding)
    this.#resize(group, holding.keys.size, holding.keys.size + 1)
    holding.keys.add(key)
    holding.order.push(key)
    this.#size++
  }

  delete(group: string, key: string): void {
    const holding = this.#groups.get(group)
    if (!holding?.keys.delete(key)) return
    this.#size--
    this.#resize(group, holding.keys.size + 1, holding.keys.size)
    if (holding.keys.size === 0) this.#groups.delete(group)
    // What is gone stays in the order until half of it is gone: both are cheap on average.
    else if (holding.order.length > 2 * holding.keys.size + 16)
      holding.order = holding.order.filter((each) => holding.keys.has(each))
  }

  /** The newest of the largest group: what came last is what the others did not need. */
  get newestOfLargest(): string | undefined {
    const [group = ''] = this.#bySize.get(this.#largest) ?? []
    const holding = this.#groups.get(group)
    if (!holding) return undefined
    while (holding.order.length > 0) {
      const key = holding.order.at(-1)
      if (key !== undefined && holding.keys.has(key)) return key
      holding.order.pop()
    }
    return undefined
  }

  /** Sizes change by one, so the largest is at most one away. */
  #resize(group: string, from: number, to: number): void {
    const before = this.#bySize.get(from)
    before?.delete(group)
    if (before?.size === 0) this.#bySize.delete(from)
    if (to > 0) this.#bySize.set(to, (this.#bySize.get(to) ?? new Set()).add(group))
    if (to > this.#largest || !this.#bySize.has(this.#largest)) this.#largest = to
  }
}

interface Holding {
  readonly keys: Set<string>
  /** As they came; some of them are gone. */
  order: string[]
}

export interface PlacesInit {
  /** Places of all together. */
  readonly max: number
  /** Of these, for what unknown relays say. */
  readonly maxOfStrangers: number
}

/**
 * Who may have a place in a directory that is full, and who gives one up: what unknown relays said before what admitted
 * ones did, gossip before what providers bring themselves, and of one kind the newest of whoever brought most. So whoever
 * fills the places pays for it with its own.
 */
export class Places {
  readonly #init: PlacesInit
  readonly #shares: Readonly<Record<BringerKind, BringerShares>> = {
    provider: new BringerShares(),
    relay: new BringerShares(),
    stranger: new BringerShares(),
  }

  constructor(init: PlacesInit) {
    this.#init = init
  }

  get size(): number {
    const { provider, relay, stranger } = this.#shares
    return provider.size + relay.size + stranger.size
  }

  add({ kind, group }: Bringer, key: string): void {
    this.#shares[kind].add(group, key)
  }

  delete({ kind, group }: Bringer, key: string): void {
    this.#shares[kind].delete(group, key)
  }

  /** True when there is room without anybody giving up a place. */
  hasRoom({ kind }: Bringer): boolean {
    if (this.size >= this.#init.max) return false
    return kind !== 'stranger' || this.#shares.stranger.size < this.#init.maxOfStrangers
  }

  /** Whose place goes to this newcomer, while there is no room; undefined when it gets none. */
  placeFor(newcomer: Bringer): string | undefined {
    for (const kind of GIVING) {
      const shares = this.#shares[kind]
      if (kind === newcomer.kind) {
        // Not for one more that would have as many: two groups would take each other's places in turn.
        const isFair = shares.largestSize > shares.sizeOf(newcomer.group) + 1
        return isFair ? shares.newestOfLargest : undefined
      }
      if (shares.size > 0) return shares.newestOfLargest
    }
    return undefined
  }
}

/** Who gives up places first; nobody takes one of a kind after its own. */
const GIVING = ['stranger', 'relay', 'provider'] as const satisfies readonly BringerKind[]
