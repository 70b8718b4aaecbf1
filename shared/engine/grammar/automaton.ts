import { badGrammar, calledRule, END, isNestedCall, MAX_NESTING, type Program } from './program.ts'

/** A place from which nothing fits any more. */
export const DEAD = -1
/** Where it is not worked out yet where a byte leads. */
export const UNKNOWN = -2

/** Most ways to read the same text that are followed side by side. */
const MAX_READINGS = 512
/** Most states that are kept. Beyond it they are forgotten between two tokens. */
const MAX_STATES = 8192
const MAX_NODES = 65_536
/** Most calls that may wait to return: deeper readings are not followed. */
const MAX_CALLS = 4096
/** Most places that one token's search may newly work out: it is what a stranger's grammar can cost per token. */
const MAX_WORK = 100_000

/**
 * Reads bytes by a grammar: a machine with a stack, made deterministic as it goes.
 *
 * A node is a place in the program with the stack under it; equal nodes are one, so a stack is a chain of numbers. A
 * state is the set of nodes at which reading may stand. Where a byte leads from a state is worked out once.
 */
export class Automaton {
  readonly #program: Program
  #place: number[] = []
  #under: number[] = []
  /** Levels of nesting that are open while the node waits for a call to return. */
  #nesting: number[] = []
  /** Calls that wait. */
  #calls: number[] = []
  #nodes = new Map<number, number>()
  #states: State[] = []
  #stateIds = new Map<string, number>()
  #next = new Int32Array(0)
  #seen: number[] = []
  #turn = 0
  #work = 0
  #generation = 0

  constructor(program: Program) {
    this.#program = program
    this.#forget()
  }

  /** The state before the first byte. */
  start(): number {
    const { alternatives, height, root } = this.#program
    const fitting = (alternatives[root] ?? []).filter(
      (begin) => (height.get(begin) ?? Infinity) <= MAX_NESTING,
    )
    return this.#stateOf(fitting.map((begin) => this.#node(begin, BOTTOM)))
  }

  /** The state after `byte`, or {@link DEAD}. */
  next(state: number, byte: number): number {
    const { classOf, classCount } = this.#program
    const at = state * classCount + (classOf[byte] ?? 0)
    const known = this.#next[at] ?? UNKNOWN
    return known === UNKNOWN ? this.#step(state, classOf[byte] ?? 0, at) : known
  }

  /** `next` as far as it is worked out, for long walks: `table[state * classCount + class]`. Void after a `next`. */
  get table(): Int32Array {
    return this.#next
  }

  /**
   * Splits a state at the deepest call that all its readings wait for: `inner` is the state without that caller, which
   * many states have in common (inside any text, say), and `outer` the state after the call has returned. What follows
   * a state is what follows `inner`, and where `inner` can end, also what follows `outer`.
   */
  split(state: number): { readonly inner: number; readonly outer: number } {
    const { nodes, canEnd } = this.#states[state] ?? { nodes: [], canEnd: false }
    let base = this.#under[nodes[0] ?? BOTTOM] ?? BOTTOM
    for (const node of nodes) base = this.#commonBase(base, this.#under[node] ?? BOTTOM)
    // A reading that is over has nothing below it; and near the bound of depth every call counts.
    const isWhole = canEnd || isBottom(base) || (this.#calls[base] ?? 0) > MAX_CALLS / 2
    if (isWhole) return { inner: state, outer: DEAD }
    const bottom = this.#nesting[base] ?? 0
    const inner = nodes.map((node) => this.#rebased(node, base, bottom))
    return { inner: this.#intern(inner, false), outer: this.#stateOf([base]) }
  }

  /** The node, with `bottom` in the place of `base` below it. */
  #rebased(node: number, base: number, bottom: number): number {
    if (node === base) return bottom
    return this.#node(this.#place[node] ?? END, this.#rebased(this.#under[node] ?? base, base, bottom))
  }

  #commonBase(a: number, b: number): number {
    while (a !== b) {
      const [depthA, depthB] = [this.#calls[a] ?? 0, this.#calls[b] ?? 0]
      if (depthA === 0 && depthB === 0) return BOTTOM
      if (depthA >= depthB) a = this.#under[a] ?? BOTTOM
      if (depthB >= depthA) b = this.#under[b] ?? BOTTOM
    }
    return a
  }

  /** True when what was read is complete. */
  canEnd(state: number): boolean {
    return this.#states[state]?.canEnd ?? false
  }

  /** True when what was read is complete and nothing can follow. */
  mustEnd(state: number): boolean {
    return this.canEnd(state) && this.#states[state]?.nodes.length === 0
  }

  /** Rises when states are forgotten: those known before are void. */
  get generation(): number {
    return this.#generation
  }

  /**
   * To be called before each token: gives the work back, and forgets old states when they are too many.
   *
   * @returns the number of `state` from now on
   */
  refresh(state: number): number {
    this.#work = 0
    if (this.#states.length <= MAX_STATES && this.#place.length <= MAX_NODES) return state
    this.#generation++
    const kept = this.#states[state]
    const stacks = (kept?.nodes ?? []).map((node) => this.#stackOf(node))
    this.#forget()
    const nodes = stacks.map((stack) => stack.reduceRight((under, place) => this.#node(place, under), BOTTOM))
    return this.#intern(nodes, kept?.canEnd ?? false)
  }

  #forget(): void {
    const bottoms = Array.from({ length: MAX_NESTING + 1 }, (_, nesting) => nesting)
    this.#place = bottoms.map(() => END)
    this.#under = bottoms.map(() => BOTTOM)
    this.#nesting = bottoms
    this.#calls = bottoms.map(() => 0)
    this.#seen = []
    this.#nodes = new Map()
    this.#states = []
    this.#stateIds = new Map()
    this.#next = new Int32Array(64 * this.#program.classCount).fill(UNKNOWN)
  }

  /** The places of a node and of all below it. */
  #stackOf(node: number): number[] {
    const places: number[] = []
    for (let at = node; !isBottom(at); at = this.#under[at] ?? BOTTOM) places.push(this.#place[at] ?? END)
    return places
  }

  #node(place: number, under: number): number {
    const key = place * NODE_SPAN + under
    const known = this.#nodes.get(key)
    if (known !== undefined) return known
    const id = this.#place.length
    const isNested = isNestedCall(this.#program.code[place - 1] ?? END)
    this.#place.push(place)
    this.#under.push(under)
    this.#nesting.push((this.#nesting[under] ?? 0) + (isNested ? 1 : 0))
    this.#calls.push((this.#calls[under] ?? 0) + 1)
    this.#nodes.set(key, id)
    return id
  }

  #step(state: number, byteClass: number, at: number): number {
    const { code, classCount, hasClass } = this.#program
    const after: number[] = []
    for (const node of this.#states[state]?.nodes ?? []) {
      const place = this.#place[node] ?? 0
      if (hasClass[(code[place] ?? 0) * classCount + byteClass] === 1)
        after.push(this.#node(place + 1, this.#under[node] ?? BOTTOM))
    }
    const next = after.length === 0 ? DEAD : this.#stateOf(after)
    this.#next[at] = next
    return next
  }

  /** The state of all places that can be reached from `open` without reading. */
  #stateOf(open: number[]): number {
    const { code } = this.#program
    const nodes: number[] = []
    let canEnd = false
    this.#turn++
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (this.#seen[node] === this.#turn) continue
      this.#seen[node] = this.#turn
      if (++this.#work > MAX_WORK) throw badGrammar('too-complex')
      const piece = code[this.#place[node] ?? 0] ?? END
      const under = this.#under[node] ?? BOTTOM
      if (piece >= 0) nodes.push(node)
      else if (piece < END) this.#call(node, piece, open)
      else if (isBottom(under)) canEnd = true
      else open.push(under)
    }
    if (nodes.length > MAX_READINGS) throw badGrammar('too-ambiguous')
    return nodes.length === 0 && !canEnd ? DEAD : this.#intern(nodes, canEnd)
  }

  #call(node: number, piece: number, open: number[]): void {
    const { code, alternatives, height } = this.#program
    const after = (this.#place[node] ?? 0) + 1
    const under = this.#under[node] ?? BOTTOM
    // Nothing is left to do after the call: it returns to who called us, so that a loop does not grow the stack.
    const isLast = code[after] === END
    const frame = isLast ? under : this.#node(after, under)
    const nesting = this.#nesting[frame] ?? 0
    if ((this.#calls[frame] ?? 0) > MAX_CALLS) return
    for (const begin of alternatives[calledRule(piece)] ?? [])
      if (nesting + (height.get(begin) ?? Infinity) <= MAX_NESTING) open.push(this.#node(begin, frame))
  }

  #intern(nodes: number[], canEnd: boolean): number {
    nodes.sort((a, b) => a - b)
    const key = `${nodes.join()}${canEnd ? '.' : ''}`
    const known = this.#stateIds.get(key)
    if (known !== undefined) return known
    const id = this.#states.push({ nodes, canEnd }) - 1
    this.#stateIds.set(key, id)
    const { classCount } = this.#program
    if ((id + 1) * classCount > this.#next.length) {
      const grown = new Int32Array(2 * this.#next.length).fill(UNKNOWN)
      grown.set(this.#next)
      this.#next = grown
    }
    return id
  }
}

interface State {
  /** Rising; each stands before a byte. */
  readonly nodes: readonly number[]
  readonly canEnd: boolean
}

/** The node under all others: a return to it is the end. There is one for each level of nesting, see `split`. */
const BOTTOM = 0
const isBottom = (node: number): boolean => node <= MAX_NESTING
/** Above any number of nodes: what is added per token is bounded by {@link MAX_WORK}. */
const NODE_SPAN = 2 ** 26
