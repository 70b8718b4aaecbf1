import { unquoted } from './lexer.ts'
import { Float } from './values.ts'
import { TemplateError, unknownPart } from './template-error.ts'
import type { Arguments, BinaryOperator, Comparison, Expression, FilterCall } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** An expression with its conditions: `a if b else c`. The order of the operators is Jinja's own, which is not Python's. */
export function parseExpression(reader: TokenReader): Expression {
  return reader.nested(() => {
    let then = parseOr(reader)
    while (reader.skip('name', 'if')) {
      const condition = parseOr(reader)
      const otherwise = reader.skip('name', 'else') ? parseExpression(reader) : undefined
      then = { type: 'choose', condition, then, otherwise }
    }
    return then
  })
}

export function parseOr(reader: TokenReader): Expression {
  let left = parseAnd(reader)
  while (reader.skip('name', 'or')) left = { type: 'or', left, right: parseAnd(reader) }
  return left
}

function parseAnd(reader: TokenReader): Expression {
  let left = parseNot(reader)
  while (reader.skip('name', 'and')) left = { type: 'and', left, right: parseNot(reader) }
  return left
}

function parseNot(reader: TokenReader): Expression {
  if (!reader.skip('name', 'not')) return parseComparison(reader)
  return { type: 'not', of: reader.nested(() => parseNot(reader)) }
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

function parseComparison(reader: TokenReader): Expression {
  const first = parseSum(reader)
  const rest: [Comparison, Expression][] = []
  for (let found = comparison(reader); found; found = comparison(reader)) rest.push([found, parseSum(reader)])
  return rest.length === 0 ? first : { type: 'compare', first, rest }
}

function comparison(reader: TokenReader): Comparison | undefined {
  const token = reader.peek()
  if (token?.kind === 'operator' && COMPARISONS.has(token.value)) return reader.next().value as Comparison
  if (reader.skip('name', 'in')) return 'in'
  if (!reader.isWord('not') || !reader.is('name', 'in', 1)) return undefined
  reader.next()
  reader.next()
  return 'not in'
}

function parseBinary(
  reader: TokenReader,
  operators: readonly BinaryOperator[],
  parse: (reader: TokenReader) => Expression,
): Expression {
  let left = parse(reader)
  for (;;) {
    const operator = operators.find((one) => reader.isOperator(one))
    if (operator === undefined) return left
    reader.next()
    left = { type: 'binary', operator, left, right: parse(reader) }
  }
}

const parseSum = (reader: TokenReader): Expression => parseBinary(reader, ['+', '-'], parseConcatenation)
const parseProduct = (reader: TokenReader): Expression =>
  parseBinary(reader, ['*', '/', '//', '%'], parsePower)
const parsePower = (reader: TokenReader): Expression =>
  parseBinary(reader, ['**'], (r) => parseUnary(r, true))

function parseConcatenation(reader: TokenReader): Expression {
  const parts = [parseProduct(reader)]
  while (reader.skip('operator', '~')) parts.push(parseProduct(reader))
  const [only] = parts
  return parts.length === 1 && only ? only : { type: 'concatenate', parts }
}

function parseUnary(reader: TokenReader, withFilters: boolean): Expression {
  const sign = reader.isOperator('-') ? 'negative' : reader.isOperator('+') ? 'positive' : undefined
  if (sign) reader.next()
  const operand: Expression = sign
    ? { type: sign, of: reader.nested(() => parseUnary(reader, false)) }
    : parsePrimary(reader)
  const whole = parsePostfix(reader, operand)
  return withFilters ? parseFiltersAndTests(reader, whole) : whole
}

function parsePostfix(reader: TokenReader, expression: Expression): Expression {
  let whole = expression
  for (;;) {
    if (reader.skip('operator', '.')) whole = parseAttribute(reader, whole)
    else if (reader.skip('operator', '[')) whole = parseItem(reader, whole)
    else if (reader.isOperator('(')) whole = { type: 'call', callee: whole, given: parseArguments(reader) }
    else return whole
  }
}

function parseFiltersAndTests(reader: TokenReader, expression: Expression): Expression {
  let whole = expression
  for (;;) {
    if (reader.skip('operator', '|')) whole = { type: 'filter', of: whole, filter: parseFilter(reader) }
    else if (reader.skip('name', 'is')) whole = parseTest(reader, whole)
    else if (reader.isOperator('(')) whole = { type: 'call', callee: whole, given: parseArguments(reader) }
    else return whole
  }
}

const NOTHING: Arguments = { positional: [], named: [], spread: undefined, spreadNamed: undefined }

/** The name of a filter and what stands behind it. */
export function parseFilter(reader: TokenReader): FilterCall {
  const name = dottedName(reader)
  return { name, given: reader.isOperator('(') ? parseArguments(reader) : NOTHING }
}

function dottedName(reader: TokenReader): string {
  let name = reader.expect('name').value
  while (reader.skip('operator', '.')) name += `.${reader.expect('name').value}`
  return name
}

/** A test's one argument may stand without brackets: `is divisibleby 3`. */
function parseTest(reader: TokenReader, of: Expression): Expression {
  const isNegated = reader.skip('name', 'not')
  const name = dottedName(reader)
  const test: Expression = { type: 'test', of, name, given: testArguments(reader) }
  return isNegated ? { type: 'not', of: test } : test
}

function testArguments(reader: TokenReader): Arguments {
  if (reader.isOperator('(')) return parseArguments(reader)
  const token = reader.peek()
  const begins =
    token?.kind === 'operator'
      ? token.value === '[' || token.value === '{'
      : token !== undefined && ['name', 'string', 'whole', 'float'].includes(token.kind)
  if (!begins || reader.isWord('else', 'or', 'and')) return NOTHING
  if (reader.isWord('is')) throw new TemplateError('syntax', 'tests cannot be chained')
  // Where a word follows that continues the sentence, Jinja too reads it as an argument, but for the three above.
  return { ...NOTHING, positional: [parsePostfix(reader, parsePrimary(reader))] }
}

function parseAttribute(reader: TokenReader, of: Expression): Expression {
  const token = reader.next()
  if (token.kind === 'name') return { type: 'attribute', of, name: token.value }
  if (token.kind !== 'whole') throw new TemplateError('syntax', 'a name expected behind a point')
  return { type: 'item', of, key: { type: 'constant', value: wholeNumber(token.value) } }
}

function parseItem(reader: TokenReader, of: Expression): Expression {
  const parts: (Expression | undefined)[] = []
  const isEnd = (): boolean => reader.isOperator(']') || reader.isOperator(':') || reader.isOperator(',')
  parts.push(isEnd() ? undefined : parseExpression(reader))
  while (parts.length < 3 && reader.skip('operator', ':'))
    parts.push(isEnd() ? undefined : parseExpression(reader))
  if (reader.isOperator(',')) throw unknownPart('several items at once')
  reader.expect('operator', ']')
  const [key] = parts
  if (parts.length > 1) return { type: 'slice', of, parts }
  if (!key) throw new TemplateError('syntax', 'an item without a key')
  return { type: 'item', of, key }
}

function parseArguments(reader: TokenReader): Arguments {
  reader.expect('operator', '(')
  const positional: Expression[] = []
  const named: [string, Expression][] = []
  let spread: Expression | undefined
  let spreadNamed: Expression | undefined
  const broken = (): TemplateError => new TemplateError('syntax', 'arguments in a wrong order')
  while (!reader.skip('operator', ')')) {
    if (positional.length + named.length > 0 || spread || spreadNamed) {
      reader.expect('operator', ',')
      if (reader.skip('operator', ')')) break
    }
    if (reader.skip('operator', '*')) {
      if (spread || spreadNamed) throw broken()
      spread = parseExpression(reader)
    } else if (reader.skip('operator', '**')) {
      if (spreadNamed) throw broken()
      spreadNamed = parseExpression(reader)
    } else if (reader.is('name') && reader.is('operator', '=', 1)) {
      if (spreadNamed) throw broken()
      const name = reader.next().value
      reader.next()
      named.push([name, parseExpression(reader)])
    } else {
      if (named.length > 0 || spread || spreadNamed) throw broken()
      positional.push(parseExpression(reader))
    }
  }
  return { positional, named, spread, spreadNamed }
}

const CONSTANTS = new Map<string, boolean | null>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
])

function parsePrimary(reader: TokenReader): Expression {
  const token = reader.next()
  switch (token.kind) {
    case 'name': {
      const value = CONSTANTS.get(token.value)
      return value === undefined ? { type: 'name', name: token.value } : { type: 'constant', value }
    }
    case 'string': {
      let value = unquoted(token.value)
      while (reader.is('string')) value += unquoted(reader.next().value)
      return { type: 'constant', value }
    }
    case 'whole':
      return { type: 'constant', value: wholeNumber(token.value) }
    case 'float':
      return { type: 'constant', value: new Float(Number(token.value.replaceAll('_', ''))) }
    default:
      return reader.nested(() => parseBrackets(reader, token.value))
  }
}

function parseBrackets(reader: TokenReader, open: string): Expression {
  if (open === '(') {
    const inside = reader.isOperator(')')
      ? ({ type: 'tuple', items: [] } as const)
      : parseTuple(reader, parseExpression)
    reader.expect('operator', ')')
    return inside
  }
  if (open === '[') return { type: 'list', items: parseUntil(reader, ']', parseExpression) }
  if (open !== '{') throw new TemplateError('syntax', `unexpected ${open || 'end of a tag'}`)
  const entries = parseUntil(reader, '}', (r) => {
    const key = parseExpression(r)
    r.expect('operator', ':')
    return [key, parseExpression(r)] as const
  })
  return { type: 'dict', entries }
}

function parseUntil<T>(reader: TokenReader, close: string, parse: (reader: TokenReader) => T): T[] {
  const items: T[] = []
  while (!reader.skip('operator', close)) {
    if (items.length > 0) {
      reader.expect('operator', ',')
      if (reader.skip('operator', close)) break
    }
    items.push(parse(reader))
  }
  return items
}

/** One expression, or several with commas between. */
export function parseTuple(reader: TokenReader, parse: (reader: TokenReader) => Expression): Expression {
  const first = parse(reader)
  if (!reader.isOperator(',')) return first
  const items = [first]
  while (reader.skip('operator', ',')) {
    if (reader.isOperator(')') || reader.is('close') || reader.is('close-print') || reader.isOperator('='))
      break
    items.push(parse(reader))
  }
  return { type: 'tuple', items }
}

function wholeNumber(literal: string): number {
  const value = Number(literal.replaceAll('_', ''))
  if (!Number.isSafeInteger(value)) throw unknownPart('a number of more than 15 digits')
  return value
}
