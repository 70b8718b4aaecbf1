import { characters, complement, literal } from './byte-sets.ts'
import { badGrammar, type GrammarBuilder, type Piece, type Sequence } from './program.ts'

type Range = readonly [first: number, last: number]

const MAX_DEPTH = 32
const MAX_REPEATS = 1024

/** A part of a pattern, and how many characters it takes. */
interface Part {
  readonly sequence: Sequence
  readonly least: number
  readonly most: number
}

const EMPTY: Part = { sequence: [], least: 0, most: 0 }
const DIGITS: readonly Range[] = [[0x30, 0x39]]
const WORDS: readonly Range[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
const SPACES: readonly Range[] = [
  ...([
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ] as const),
]
const BREAKS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORDS,
  W: complement(WORDS),
  s: SPACES,
  S: complement(SPACES),
}
const ESCAPES: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, 0: 0 }
/** How JSON writes what may not stand in a text as it is. */
const JSON_ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', '\\': '\\\\' },
  ...{ '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' },
}

/**
 * Adds the rules of the inside of a JSON text that a regular expression fits, as JavaScript reads it; GRAMMAR.md says
 * which part of it. Undefined where it holds more than a grammar can (references back, looking ahead).
 *
 * @param any any one character of a JSON text
 */
export function addPattern(builder: GrammarBuilder, any: Piece, pattern: string): Part | undefined {
  try {
    return new Parser(builder, any, pattern).parse()
  } catch (error) {
    if (error instanceof Beyond) return undefined
    throw error
  }
}

/** A pattern that is not understood. */
class Beyond extends Error {}

class Parser {
  readonly #builder: GrammarBuilder
  readonly #anything: Part
  readonly #text: readonly string[]
  #at = 0

  constructor(builder: GrammarBuilder, any: Piece, pattern: string) {
    this.#builder = builder
    this.#anything = { sequence: builder.repeat([any], 0), least: 0, most: Infinity }
    this.#text = [...pattern]
  }

  parse(): Part {
    const all = [this.#whole()]
    while (this.#take('|')) all.push(this.#whole())
    if (this.#at < this.#text.length) throw new Beyond()
    return this.#oneOf(all)
  }

  /** One alternative of the outermost ones: without an anchor it may stand anywhere in the text. */
  #whole(): Part {
    const begin = this.#take('^') ? EMPTY : this.#anything
    const middle = this.#sequence(0)
    const end = this.#take('$') ? EMPTY : this.#anything
    return joined([begin, middle, end])
  }

  #sequence(depth: number): Part {
    const parts: Part[] = []
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined || next === '|' || next === ')') break
      if (next === '$' && depth === 0) break
      parts.push(this.#repeated(this.#atom(depth)))
    }
    return joined(parts)
  }

  #atom(depth: number): Part {
    const next = this.#next()
    if (next === '(') return this.#group(depth + 1)
    if (next === '[') return this.#character(this.#class())
    if (next === '.') return this.#character(complement(BREAKS))
    if (next === '\\') return this.#character(this.#escape())
    if ('^$*+?'.includes(next)) throw new Beyond()
    return this.#character([pointOf(next)])
  }

  #group(depth: number): Part {
    if (depth > MAX_DEPTH) throw badGrammar('too-deep')
    if (this.#take('?') && !this.#take(':')) {
      if (!this.#take('<') || /[=!]/.test(this.#text[this.#at] ?? '!')) throw new Beyond()
      while (!this.#take('>')) if (!/[\w$]/.test(this.#next())) throw new Beyond()
    }
    const all = [this.#sequence(depth)]
    while (this.#take('|')) all.push(this.#sequence(depth))
    if (!this.#take(')')) throw badGrammar('syntax')
    return this.#oneOf(all)
  }

  #repeated(item: Part): Part {
    const [least, most] = this.#counts()
    if (least === 1 && most === 1) return item
    // A part that may be empty, repeated without end, could be read in endlessly many ways.
    if (item.least === 0 && most === Infinity) throw new Beyond()
    const piece = item.sequence.length === 1 ? item.sequence : [this.#builder.rule(item.sequence)]
    const sequence = this.#builder.repeat(piece, least, most === Infinity ? undefined : most)
    return { sequence, least: item.least * least, most: most === 0 ? 0 : item.most * most }
  }

  #counts(): readonly [least: number, most: number] {
    const counts = this.#quantifier()
    if (counts) this.#take('?') // the lazy one fits the same texts
    if (counts && /[*+?]/.test(this.#text[this.#at] ?? '')) throw badGrammar('syntax')
    return counts ?? [1, 1]
  }

  #quantifier(): readonly [least: number, most: number] | undefined {
    if (this.#take('*')) return [0, Infinity]
    if (this.#take('+')) return [1, Infinity]
    if (this.#take('?')) return [0, 1]
    const found = /^\{(\d{1,5})(,?)(\d{0,5})\}/.exec(this.#text.slice(this.#at, this.#at + 14).join(''))
    if (!found) return undefined
    this.#at += found[0].length
    const least = Number(found[1])
    const most = found[2] === '' ? least : found[3] === '' ? Infinity : Number(found[3])
    if (most < least) throw badGrammar('syntax')
    if (least > MAX_REPEATS || (most > MAX_REPEATS && most < Infinity)) throw badGrammar('too-large')
    return [least, most]
  }

  /** Behind `[`. */
  #class(): readonly Range[] {
    const isNegated = this.#take('^')
    const ranges: Range[] = []
    while (!this.#take(']')) {
      const first = this.#classItem()
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (!isRange) {
        ranges.push(...first)
        continue
      }
      this.#at++
      const last = this.#classItem()
      const [from, to] = [first[0]?.[0] ?? 0, last[0]?.[1] ?? 0]
      if (first.length !== 1 || last.length !== 1 || to < from) throw new Beyond()
      ranges.push([from, to])
    }
    return isNegated ? complement(ranges) : ranges
  }

  #classItem(): readonly Range[] {
    const next = this.#next()
    if (next !== '\\') return [pointOf(next)]
    return this.#take('b') ? [[0x08, 0x08]] : this.#escape()
  }

  /** Behind a backslash. */
  #escape(): readonly Range[] {
    const next = this.#next()
    const known = CLASSES[next]
    if (known) return known
    const code = ESCAPES[next]
    if (code !== undefined) return [[code, code]]
    const digits = next === 'x' ? 2 : next === 'u' ? 4 : 0
    if (digits > 0) {
      const hex = this.#text.slice(this.#at, this.#at + digits).join('')
      if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(hex)) throw new Beyond()
      this.#at += digits
      const point = Number.parseInt(hex, 16)
      if (point >= 0xd800 && point <= 0xdfff) throw new Beyond()
      return [[point, point]]
    }
    if (/[\p{L}\p{N}]/u.test(next)) throw new Beyond()
    return [pointOf(next)]
  }

  #character(ranges: readonly Range[]): Part {
    const escaped: Sequence[] = []
    for (const code of [...Array.from({ length: 0x20 }, (_, i) => i), 0x22, 0x5c])
      if (ranges.some(([first, last]) => first <= code && code <= last)) escaped.push(literal(jsonOf(code)))
    const plain = characters(withoutEscaped(ranges))
    if (plain.length + escaped.length === 0) throw badGrammar('nothing-fits')
    return { sequence: [this.#builder.rule(...plain, ...escaped)], least: 1, most: 1 }
  }

  #oneOf(all: readonly Part[]): Part {
    const [only] = all
    if (only && all.length === 1) return only
    return {
      sequence: [this.#builder.rule(...all.map(({ sequence }) => sequence))],
      least: Math.min(...all.map(({ least }) => least)),
      most: Math.max(...all.map(({ most }) => most)),
    }
  }

  #next(): string {
    const next = this.#text[this.#at++]
    if (next === undefined) throw badGrammar('syntax')
    return next
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }
}

function joined(parts: readonly Part[]): Part {
  return {
    sequence: parts.flatMap(({ sequence }) => sequence),
    least: parts.reduce((sum, { least }) => sum + least, 0),
    most: parts.reduce((sum, { most }) => sum + most, 0),
  }
}

function pointOf(character: string): Range {
  const point = character.codePointAt(0) ?? 0
  if (point >= 0xd800 && point <= 0xdfff) throw badGrammar('syntax')
  return [point, point]
}

function jsonOf(code: number): string {
  const character = String.fromCharCode(code)
  return JSON_ESCAPES[character] ?? `\\u${code.toString(16).padStart(4, '0')}`
}

/** Code points that JSON writes as they are. */
function withoutEscaped(ranges: readonly Range[]): readonly Range[] {
  const others: readonly Range[] = [
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ]
  return complement([...complement(ranges), ...others])
}
