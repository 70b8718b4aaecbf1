import { TemplateError } from './template-error.ts'
import type { Token, TokenKind } from './lexer.ts'

/** Brackets within brackets, blocks within blocks. */
const MAX_NESTING = 200

/** The tokens of a template, one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0
  #nesting = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }
  next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw new TemplateError('syntax', 'the template ends too early')
    return token
  }
  is(kind: TokenKind, value?: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token?.kind === kind && (value === undefined || token.value === value)
  }
  isOperator(value: string): boolean {
    return this.is('operator', value)
  }
  isWord(...words: readonly string[]): boolean {
    const token = this.peek()
    return token?.kind === 'name' && words.includes(token.value)
  }
  /** Takes the token if it is this one. */
  skip(kind: TokenKind, value?: string): boolean {
    const isIt = this.is(kind, value)
    if (isIt) this.#at++
    return isIt
  }
  expect(kind: TokenKind, value?: string): Token {
    if (!this.is(kind, value))
      throw new TemplateError('syntax', `${value ?? kind} expected, not ${this.peek()?.value ?? 'the end'}`)
    return this.next()
  }
  /** Ends a template whose depth would end our stack. */
  nested<T>(read: () => T): T {
    if (this.#nesting >= MAX_NESTING) throw new TemplateError('syntax', 'nested too deeply')
    this.#nesting++
    try {
      return read()
    } finally {
      this.#nesting--
    }
  }
}
