import { SPACE, strip } from './python-text.ts'
import { TemplateError, unknownPart } from './template-error.ts'

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'open-print'
  | 'close-print'
  | 'name'
  | 'string'
  | 'whole'
  | 'float'
  | 'operator'

export interface Token {
  readonly kind: TokenKind
  readonly value: string
}

/** What a tag begins with, the text before it left out. */
const BEGIN = new RegExp(
  `\\{%(?<rawSign>[-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})|\\{(?<kind>[%#{])(?<sign>[-+]?)`,
  'g',
)
const END_COMMENT = new RegExp(`(?:\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?)`, 'g')
const END_RAW = new RegExp(
  `\\{%(?<sign>[-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
  'g',
)
const INSIDE = new RegExp(
  [
    `(?<space>[${SPACE}]+)`,
    `(?<close>\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
    `(?<print>-\\}\\}[${SPACE}]*|\\}\\})`,
    `(?<float>(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+))`,
    `(?<whole>0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\\da-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*)`,
    `(?<name>[\\p{L}_][\\p{L}\\p{N}\\p{Mn}_]*)`,
    `(?<string>'(?:[^'\\\\]|\\\\[^])*'|"(?:[^"\\\\]|\\\\[^])*")`,
    `(?<operator>//|\\*\\*|==|!=|>=|<=|[-+*/%~()[\\]{}<>=.:|,;])`,
  ].join('|'),
  'yu',
)

/**
 * Cuts a template as Python's Jinja does with the settings of `transformers`: line ends are made one kind, the line end
 * behind a block goes (`trim_blocks`), and so do the spaces before one that begins its line (`lstrip_blocks`).
 *
 * @throws TemplateError when a tag has no end or holds what is no token
 */
export function tokenize(template: string): Token[] {
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '')
  const tokens: Token[] = []
  let at = 0
  let isLineStart = true
  while (at < source.length) {
    BEGIN.lastIndex = at
    const begin = BEGIN.exec(source)
    if (!begin) {
      pushText(tokens, source.slice(at))
      break
    }
    const { kind, sign = '', rawSign = '' } = begin.groups ?? {}
    const before = source.slice(at, begin.index)
    pushText(tokens, kind === '{' && sign !== '-' ? before : trimmed(before, sign || rawSign, isLineStart))
    at = begin.index + begin[0].length
    if (kind === '%' || kind === '{') at = pushTag(tokens, source, at, kind === '{')
    else if (kind === '#') at = endOf(END_COMMENT, source, at).end
    else at = pushRaw(tokens, source, at)
    isLineStart = source[at - 1] === '\n'
  }
  return tokens
}

function pushText(tokens: Token[], value: string): void {
  if (value !== '') tokens.push({ kind: 'text', value })
}

function trimmed(text: string, sign: string, isLineStart: boolean): string {
  if (sign === '-') return strip(text, 'right')
  if (sign === '+') return text
  const line = text.lastIndexOf('\n') + 1
  return (line > 0 || isLineStart) && strip(text.slice(line), 'left') === '' ? text.slice(0, line) : text
}

function endOf(pattern: RegExp, source: string, from: number): { match: RegExpExecArray; end: number } {
  pattern.lastIndex = from
  const match = pattern.exec(source)
  if (!match) throw new TemplateError('syntax', 'a tag without an end')
  return { match, end: match.index + match[0].length }
}

function pushRaw(tokens: Token[], source: string, from: number): number {
  const { match, end } = endOf(END_RAW, source, from)
  pushText(tokens, trimmed(source.slice(from, match.index), match.groups?.sign ?? '', from === 0))
  return end
}

/** Pushes the tokens of one tag and gives where the text behind it begins. */
function pushTag(tokens: Token[], source: string, from: number, isPrint: boolean): number {
  tokens.push({ kind: isPrint ? 'open-print' : 'open', value: '' })
  let brackets = 0
  for (let at = from; at < source.length;) {
    INSIDE.lastIndex = at
    const match = INSIDE.exec(source)
    const found = match?.groups
    if (!match || !found) throw new TemplateError('syntax', 'an unknown character')
    const closes = isPrint ? found.print : found.close
    if (closes !== undefined && brackets === 0) {
      tokens.push({ kind: isPrint ? 'close-print' : 'close', value: '' })
      return at + closes.length
    }
    const token = tokenOf(found, match[0])
    at += token?.value.length ?? match[0].length
    if (!token) continue
    if ('([{'.includes(token.value)) brackets++
    if (')]}'.includes(token.value)) brackets--
    tokens.push(token)
  }
  throw new TemplateError('syntax', 'a tag without an end')
}

/** Undefined for space. What looks like an end within brackets is none: its first sign stands for itself. */
function tokenOf(found: Readonly<Record<string, string | undefined>>, text: string): Token | undefined {
  if (found.space !== undefined) return undefined
  for (const kind of ['float', 'whole', 'name', 'string', 'operator'] as const)
    if (found[kind] !== undefined) return { kind, value: text }
  return { kind: 'operator', value: text[0] ?? '' }
}

const PLAIN: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
}

/** The value of a string literal, with Python's escapes; an unknown one stays as it stands. */
export function unquoted(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/g,
      (found, ...groups: (string | undefined)[]) => {
        const [x, u, big, octal, other = ''] = groups
        const hex = x ?? u ?? big
        if (hex !== undefined) return fromCode(Number.parseInt(hex, 16))
        if (octal !== undefined) return fromCode(Number.parseInt(octal, 8))
        if (other === 'N') throw unknownPart('characters by their names')
        if ('xuU'.includes(other)) throw new TemplateError('syntax', `a broken escape ${found}`)
        return PLAIN[other] ?? found
      },
    )
}

function fromCode(code: number): string {
  if (code > 0x10ffff) throw new TemplateError('syntax', 'no character')
  return String.fromCodePoint(code)
}
