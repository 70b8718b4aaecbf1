import { blockOf } from './address-block.ts'

interface Block {
  readonly name: string
  readonly addresses: Map<string, Address<unknown>>
  readonly ladder: Ladder
}

interface Address<T> {
  readonly name: string
  readonly block: Block
  /** The oldest first. */
  readonly members: T[]
}

/**
 * Who shares something scarce, by address block and by address in it. When it is full, whoever has most gives way: first
 * the block with most members is looked for, then the address with most in it. So who comes from many addresses of one
 * block counts as one, and a stranger can only push out its own. All is found in constant time, since a flood asks
 * thousands of times a second.
 */
export class Crowd<T extends object> {
  readonly #blocks = new Map<string, Block>()
  readonly #ladder = new Ladder()
  readonly #places = new Map<T, Address<T>>()

  get size(): number {
    return this.#places.size
  }

  /** Adds the member, or moves it to another address, where it is the newest. */
  add(member: T, group: string): void {
    const place = this.#places.get(member)
    if (place?.name === group) return
    if (place) this.remove(member)
    const name = blockOf(group)
    const block: Block = this.#blocks.get(name) ?? { name, addresses: new Map(), ladder: new Ladder() }
    this.#blocks.set(name, block)
    const address = (block.addresses.get(group) ?? { name: group, block, members: [] }) as Address<T>
    block.addresses.set(group, address)
    address.members.push(member)
    block.ladder.climb(group)
    this.#ladder.climb(name)
    this.#places.set(member, address)
  }

  remove(member: T): void {
    const address = this.#places.get(member)
    if (!address) return
    this.#places.delete(member)
    address.members.splice(address.members.lastIndexOf(member), 1)
    const { name, block } = address
    block.ladder.descend(name)
    this.#ladder.descend(block.name)
    if (address.members.length === 0) block.addresses.delete(name)
    if (block.addresses.size === 0) this.#blocks.delete(block.name)
  }

  /**
   * Who gives way to that newcomer, who is a member already: of the address that has most, the oldest one that wasted its
   * time, else the newest. Where the newcomer's own block, or its own address in it, has as many as any other, it is taken
   * there, so that two equals do not push each other out in turns. Undefined for who is no member.
   */
  giveWayTo(newcomer: T, wastesTime: (member: T) => boolean = () => false): T | undefined {
    const own = this.#places.get(newcomer)
    if (!own) return undefined
    const block = this.#blocks.get(this.#ladder.top(own.block.name)) ?? own.block
    const address = block.addresses.get(block.ladder.top(own.name)) as Address<T> | undefined
    return address?.members.find(wastesTime) ?? address?.members.at(-1)
  }

  /** Whose turn is next: the oldest of the address with least in the block with least. Undefined when nobody is there. */
  mostModest(): T | undefined {
    const block = this.#blocks.get(this.#ladder.bottom() ?? '')
    const address = block?.addresses.get(block.ladder.bottom() ?? '')
    return address?.members[0] as T | undefined
  }
}

/** Counts by name, and one of the names with the highest count. */
class Ladder {
  readonly #counts = new Map<string, number>()
  /** By count; the one at 0 is empty. */
  readonly #rungs: Set<string>[] = [new Set()]

  climb(name: string): void {
    this.#move(name, 1)
  }

  descend(name: string): void {
    this.#move(name, -1)
    while (this.#rungs.length > 1 && this.#rungs.at(-1)?.size === 0) this.#rungs.pop()
  }

  /** A name with the highest count: the preferred one if it is among them, else whoever came to it first. */
  top(preferred: string): string {
    const names = this.#rungs.at(-1)
    if (!names || names.has(preferred)) return preferred
    for (const name of names) return name
    return preferred
  }

  /** A name with the lowest count: whoever came to it first. */
  bottom(): string | undefined {
    for (const names of this.#rungs) for (const name of names ?? []) return name
    return undefined
  }

  #move(name: string, by: 1 | -1): void {
    const count = this.#counts.get(name) ?? 0
    this.#rungs[count]?.delete(name)
    const next = count + by
    if (next === 0) return void this.#counts.delete(name)
    this.#counts.set(name, next)
    const rung = (this.#rungs[next] ??= new Set())
    rung.add(name)
  }
}
