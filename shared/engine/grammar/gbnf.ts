import { characters, complement, literal } from './byte-sets.ts'
import { badGrammar, type GrammarBuilder, type Piece, type Sequence } from './program.ts'

type Range = readonly [first: number, last: number]

const MAX_DEPTH = 64
/** Of `{n}`, `{n,}` and `{n,m}`. */
const MAX_REPEATS = 1024
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/**
 * Adds the rules of a grammar in the notation of llama.cpp (GBNF); GRAMMAR.md says which part of it. The rule `root` is
 * where it begins.
 *
 * @throws InfernetError `engine.bad-grammar`
 */
export function addGbnf(builder: GrammarBuilder, text: string): Piece {
  return new Parser(builder, text).parse()
}

class Parser {
  readonly #builder: GrammarBuilder
  readonly #text: string
  readonly #rules = new Map<string, { readonly rule: number; isDefined: boolean }>()
  #at = 0

  constructor(builder: GrammarBuilder, text: string) {
    this.#builder = builder
    this.#text = text
  }

  parse(): Piece {
    this.#skip(true)
    while (this.#at < this.#text.length) {
      const name = this.#name()
      this.#skip(false)
      this.#expect('::=')
      this.#skip(true)
      const entry = this.#ruleOf(name)
      if (entry.isDefined) throw badGrammar('syntax')
      entry.isDefined = true
      this.#builder.define(entry.rule, this.#alternatives(0))
      this.#skip(true)
    }
    const root = this.#rules.get('root')
    if (!root || [...this.#rules.values()].some(({ isDefined }) => !isDefined))
      throw badGrammar('missing-rule')
    return { rule: root.rule }
  }

  #ruleOf(name: string): { readonly rule: number; isDefined: boolean } {
    const known = this.#rules.get(name)
    if (known) return known
    const entry = { rule: this.#builder.declare(), isDefined: false }
    this.#rules.set(name, entry)
    return entry
  }

  #alternatives(depth: number): readonly Sequence[] {
    if (depth > MAX_DEPTH) throw badGrammar('too-deep')
    const all = [this.#sequence(depth)]
    while (this.#take('|')) {
      this.#skip(true)
      all.push(this.#sequence(depth))
    }
    return all
  }

  #sequence(depth: number): Sequence {
    const pieces: Piece[] = []
    for (;;) {
      const item = this.#item(depth)
      if (!item) return pieces
      pieces.push(...this.#repeated(item))
      this.#skip(depth > 0)
    }
  }

  /** Undefined where the sequence ends. */
  #item(depth: number): Sequence | undefined {
    if (this.#take('"')) return this.#quoted()
    if (this.#take('[')) return [this.#builder.rule(...this.#characterClass())]
    if (this.#take('.')) return [this.#builder.rule(...characters([[0, 0x10ffff]]))]
    if (this.#take('(')) {
      this.#skip(true)
      const inner = this.#builder.rule(...this.#alternatives(depth + 1))
      this.#expect(')')
      return [inner]
    }
    if (!/[a-zA-Z]/.test(this.#peek()) || this.#isDefinition()) return undefined
    return [{ rule: this.#ruleOf(this.#name()).rule }]
  }

  /** Inside parentheses lines may break, so a name that is followed by `::=` begins the next rule. */
  #isDefinition(): boolean {
    return /^[a-zA-Z][\w-]*[ \t]*::=/.test(this.#text.slice(this.#at, this.#at + 200))
  }

  #repeated(item: Sequence): Sequence {
    const piece = item.length === 1 ? item : [this.#builder.rule(item)]
    if (this.#take('*')) return this.#builder.repeat(piece, 0)
    if (this.#take('+')) return this.#builder.repeat(piece, 1)
    if (this.#take('?')) return this.#builder.repeat(piece, 0, 1)
    if (!this.#take('{')) return item
    const [, least = '', comma = '', most = ''] = this.#match(/(\d{1,5})(,?)(\d{0,5})\}/y)
    const bounds = [Number(least), Number(most)]
    if (bounds.some((bound) => bound > MAX_REPEATS)) throw badGrammar('too-large')
    if (comma === '') return this.#builder.repeat(piece, Number(least), Number(least))
    if (most === '') return this.#builder.repeat(piece, Number(least))
    if (Number(most) < Number(least)) throw badGrammar('syntax')
    return this.#builder.repeat(piece, Number(least), Number(most))
  }

  #quoted(): Sequence {
    let text = ''
    while (!this.#take('"')) text += this.#character()
    return literal(text)
  }

  #characterClass(): readonly Sequence[] {
    const isNegated = this.#take('^')
    const ranges: Range[] = []
    while (!this.#take(']')) {
      const first = this.#character().codePointAt(0) ?? 0
      const isRange = this.#peek() === '-' && this.#text[this.#at + 1] !== ']'
      if (isRange) this.#at++
      const last = isRange ? (this.#character().codePointAt(0) ?? 0) : first
      if (last < first) throw badGrammar('syntax')
      ranges.push([first, last])
    }
    return characters(isNegated ? complement(ranges) : ranges)
  }

  /** One character of a text or class, escapes resolved. */
  #character(): string {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined || code === 0x0a) throw badGrammar('syntax')
    const character = String.fromCodePoint(code)
    this.#at += character.length
    if (character !== '\\') return isSurrogate(code) ? fail() : character
    const escape = this.#text[this.#at++] ?? fail()
    const digits = HEX_ESCAPES[escape]
    if (digits === undefined) return ESCAPES[escape] ?? (/[\\"[\]^\-]/.test(escape) ? escape : fail())
    const hex = this.#text.slice(this.#at, this.#at + digits)
    this.#at += digits
    const point = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : Infinity
    return point > 0x10ffff || isSurrogate(point) ? fail() : String.fromCodePoint(point)
  }

  #name(): string {
    const [name] = this.#match(/[a-zA-Z][\w-]{0,99}/y)
    return name
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (!found) throw badGrammar('syntax')
    this.#at += found[0].length
    return found
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw badGrammar('syntax')
  }

  /** Spaces and comments; with `lines` also line breaks. */
  #skip(lines: boolean): void {
    this.#match(lines ? /(?:[ \t\r\n]|#[^\n]*)*/y : /(?:[ \t]|#[^\n]*)*/y)
  }
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}

function fail(): never {
  throw badGrammar('syntax')
}
