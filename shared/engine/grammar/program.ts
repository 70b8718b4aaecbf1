import { InfernetError } from '../../errors/infernet-error.ts'

/** A set of bytes: which of the 256 are in it. */
export type ByteSet = Uint8Array

/** What an alternative is made of: one byte of a set, or whatever another rule matches. */
export type Piece =
  | { readonly set: ByteSet }
  | {
      readonly rule: number
      /** Counts as one level of nesting, of which there are at most {@link MAX_NESTING}. Never the last piece. */
      readonly isNested?: boolean
    }
export type Sequence = readonly Piece[]

/** What a stranger's grammar may come to. JSON takes about 300 pieces. */
const MAX_RULES = 8192
const MAX_PIECES = 32_768
/** Longer repetitions are put together by doubling. */
const MAX_CHAIN = 1024
export const MAX_NESTING = 64

export const END = -1

/** A grammar over bytes, laid out flat: alternatives are runs of codes that end with {@link END}. */
export interface Program {
  /** 0 and up: a byte of that set. {@link END}. Below it: a call, see {@link calledRule}. */
  readonly code: Int32Array
  /** Where the alternatives of each rule begin. */
  readonly alternatives: readonly (readonly number[])[]
  /** By the begin of an alternative: the levels of nesting it takes at least; Infinity when it never ends. */
  readonly height: ReadonlyMap<number, number>
  readonly root: number
  /** Bytes that all sets treat alike have one class. */
  readonly classOf: Uint8Array
  readonly classCount: number
  /** `hasClass[set * classCount + class]` is 1 when the set holds the class. */
  readonly hasClass: Uint8Array
}

export const calledRule = (code: number): number => (-2 - code) >> 1
export const isNestedCall = (code: number): boolean => code < END && ((-2 - code) & 1) === 1
const callOf = (rule: number, isNested: boolean): number => -2 - 2 * rule - (isNested ? 1 : 0)

/** Collects rules. Rules are numbers, so that they can be named before they are defined. */
export class GrammarBuilder {
  readonly #rules: (readonly Sequence[] | undefined)[] = []
  #pieces = 0

  /** A rule to be defined later. */
  declare(): number {
    if (this.#rules.length >= MAX_RULES) throw badGrammar('too-large')
    return this.#rules.push(undefined) - 1
  }

  define(rule: number, alternatives: readonly Sequence[]): void {
    for (const sequence of alternatives) this.#pieces += sequence.length + 1
    if (this.#pieces > MAX_PIECES) throw badGrammar('too-large')
    this.#rules[rule] = alternatives
  }

  rule(...alternatives: readonly Sequence[]): Piece {
    const rule = this.declare()
    this.define(rule, alternatives)
    return { rule }
  }

  /** From `least` to `most` times; without `most`, without end. */
  repeat(sequence: Sequence, least: number, most?: number): Sequence {
    if (least * sequence.length > MAX_PIECES) throw badGrammar('too-large')
    const isLong = least > MAX_CHAIN || (most ?? 0) - least > MAX_CHAIN
    if (isLong) return this.#repeatLong(sequence, least, most)
    const first = Array.from({ length: least }, () => sequence).flat()
    if (most === undefined) {
      const more = this.declare()
      this.define(more, [[...sequence, { rule: more }], []])
      return [...first, { rule: more }]
    }
    let rest: Sequence = []
    for (let i = least; i < most; i++) rest = [this.rule([...sequence, ...rest], [])]
    return [...first, ...rest]
  }

  /**
   * By doubling, so that thousands take a few rules. Each count has one reading: its powers of two, largest first, so at
   * any place there are as many as a number has digits.
   */
  #repeatLong(sequence: Sequence, least: number, most: number | undefined): Sequence {
    const blocks: Piece[] = [this.rule(sequence)]
    const block = (power: number): Piece => {
      for (let at = blocks.length; at <= power; at++) {
        const half = blocks[at - 1] as Piece
        blocks.push(this.rule([half, half]))
      }
      return blocks[power] as Piece
    }
    const first: Piece[] = []
    for (let left = least; left > 0;) {
      const power = Math.floor(Math.log2(left))
      first.push(block(power))
      left -= 2 ** power
    }
    if (most === undefined) return [...first, ...this.repeat([block(0)], 0)]
    let below: Sequence = []
    const fewer = [below] // up to 2^power - 1 of them
    const count = most - least
    for (let power = 0; 2 ** (power + 1) <= count; power++)
      fewer.push((below = [this.rule([block(power), ...below], below)]))
    let rest: Sequence = []
    for (let power = 0; 2 ** power <= count; power++)
      if (Math.floor(count / 2 ** power) % 2 === 1)
        rest = [this.rule([block(power), ...rest], fewer[power] ?? [])]
    return [...first, ...rest]
  }

  /** @throws InfernetError `engine.bad-grammar` when the grammar is left-recursive or matches nothing */
  build(root: number): Program {
    const code: number[] = []
    const sets = new SetTable()
    const alternatives = this.#rules.map((sequences = []) =>
      sequences.map((sequence) => {
        const begin = code.length
        for (const piece of sequence)
          code.push('set' in piece ? sets.idOf(piece.set) : callOf(piece.rule, piece.isNested ?? false))
        code.push(END)
        return begin
      }),
    )
    refuseLeftRecursion(code, alternatives)
    const height = heightsOf(code, alternatives)
    if (!alternatives[root]?.some((begin) => (height.get(begin) ?? Infinity) <= MAX_NESTING))
      throw badGrammar('nothing-fits')
    return { code: Int32Array.from(code), alternatives, height, root, ...sets.classes() }
  }
}

/**
 * @param reason one word, since that is what crosses the wire
 * @param at where in a schema, as a JSON pointer
 */
export function badGrammar(reason: string, at?: string): InfernetError {
  return new InfernetError('engine.bad-grammar', { reason, ...(at ? { at } : {}) })
}

class SetTable {
  readonly #ids = new Map<string, number>()
  readonly #sets: ByteSet[] = []

  idOf(set: ByteSet): number {
    const key = set.join('')
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    this.#ids.set(key, this.#sets.length)
    return this.#sets.push(set) - 1
  }

  classes(): Pick<Program, 'classOf' | 'classCount' | 'hasClass'> {
    const classOf = new Uint8Array(256)
    const representatives: number[] = []
    const known = new Map<string, number>()
    for (let byte = 0; byte < 256; byte++) {
      const key = this.#sets.map((set) => set[byte]).join('')
      let id = known.get(key)
      if (id === undefined) {
        id = representatives.push(byte) - 1
        known.set(key, id)
      }
      classOf[byte] = id
    }
    const hasClass = Uint8Array.from(
      this.#sets.flatMap((set) => representatives.map((byte) => set[byte] ?? 0)),
    )
    return { classOf, classCount: representatives.length, hasClass }
  }
}

type Alternatives = readonly (readonly number[])[]

/** A rule that can begin with itself would be expanded for ever. */
function refuseLeftRecursion(code: readonly number[], alternatives: Alternatives): void {
  const isNullable = nullableRules(code, alternatives)
  const firstCalls = alternatives.map((begins) => {
    const calls = new Set<number>()
    for (const begin of begins)
      for (let at = begin; (code[at] ?? END) < END; at++) {
        const rule = calledRule(code[at] ?? END)
        calls.add(rule)
        if (!isNullable[rule]) break
      }
    return [...calls]
  })
  // A rule is done when all it can begin with is; those of a circle never are.
  const callers = alternatives.map((): number[] => [])
  const open = firstCalls.map((calls) => calls.length)
  for (const [rule, calls] of firstCalls.entries()) for (const called of calls) callers[called]?.push(rule)
  const done = [...open.keys()].filter((rule) => open[rule] === 0)
  for (const rule of done)
    for (const caller of callers[rule] ?? []) {
      open[caller] = (open[caller] ?? 0) - 1
      if (open[caller] === 0) done.push(caller)
    }
  if (done.length < alternatives.length) throw badGrammar('left-recursive')
}

function nullableRules(code: readonly number[], alternatives: Alternatives): boolean[] {
  const isNullable = alternatives.map(() => false)
  const isEmpty = (begin: number): boolean => {
    let at = begin
    while ((code[at] ?? END) < END && isNullable[calledRule(code[at] ?? END)]) at++
    return code[at] === END
  }
  settle(alternatives, (rule, begins) => {
    if (isNullable[rule] || !begins.some(isEmpty)) return false
    isNullable[rule] = true
    return true
  })
  return isNullable
}

/** The least nesting of each alternative: what cannot be finished within the bound is not begun. */
function heightsOf(code: readonly number[], alternatives: Alternatives): Map<number, number> {
  const height = new Map<number, number>()
  const ruleHeight = alternatives.map(() => Infinity)
  settle(alternatives, (rule, begins) => {
    let least = Infinity
    for (const begin of begins) {
      let its = 0
      for (let at = begin; code[at] !== END && at < code.length; at++) {
        const piece = code[at] ?? END
        if (piece < END)
          its = Math.max(its, (ruleHeight[calledRule(piece)] ?? 0) + (isNestedCall(piece) ? 1 : 0))
      }
      height.set(begin, its)
      least = Math.min(least, its)
    }
    const isLower = least < (ruleHeight[rule] ?? 0)
    ruleHeight[rule] = least
    return isLower
  })
  return height
}

/** Goes over all rules, there and back, until nothing changes: mostly a rule stands after those that it calls. */
function settle(
  alternatives: Alternatives,
  change: (rule: number, begins: readonly number[]) => boolean,
): void {
  for (let isSettled = false, turn = 0; !isSettled; turn++) {
    isSettled = true
    for (let i = 0; i < alternatives.length; i++) {
      const rule = turn % 2 === 0 ? i : alternatives.length - 1 - i
      if (change(rule, alternatives[rule] ?? [])) isSettled = false
    }
  }
}
