import { tokenize } from './lexer.ts'
import { parseExpression, parseFilter, parseOr, parseTuple } from './parse-expression.ts'
import type { Body, Expression, FilterCall, Signature, Statement, Target } from './syntax.ts'
import { TemplateError, unknownPart } from './template-error.ts'
import { TokenReader } from './token-reader.ts'

/**
 * Reads a template.
 *
 * @throws TemplateError when it is broken, or has a tag that is not known here
 */
export function parseTemplate(source: string): Body {
  const reader = new TokenReader(tokenize(source))
  const body = parseBody(reader)
  if (reader.peek()) throw new TemplateError('syntax', 'an end without a beginning')
  return body
}

/** Up to a tag that begins with one of the words, which stays unread; without words, to the end. */
function parseBody(reader: TokenReader, ...ends: readonly string[]): Body {
  return reader.nested(() => {
    const body: Statement[] = []
    while (reader.peek()) {
      if (reader.is('open') && ends.includes(reader.peek(1)?.value ?? '')) return body
      body.push(...parseStatement(reader))
    }
    if (ends.length > 0) throw new TemplateError('syntax', `${ends.join(' or ')} is missing`)
    return body
  })
}

function endTag(reader: TokenReader, name: string): void {
  reader.expect('open')
  reader.expect('name', name)
  reader.expect('close')
}

function parseStatement(reader: TokenReader): Body {
  const token = reader.next()
  if (token.kind === 'text') return [{ type: 'text', text: token.value }]
  if (token.kind === 'open-print') {
    const value = parseTuple(reader, parseExpression)
    reader.expect('close-print')
    return [{ type: 'print', value }]
  }
  const name = reader.expect('name').value
  const parse = Object.hasOwn(TAGS, name) ? TAGS[name] : undefined
  if (!parse) throw KNOWN_TO_JINJA.has(name) ? unknownPart(`{% ${name} %}`) : badTag(name)
  return parse(reader)
}

const KNOWN_TO_JINJA = new Set('autoescape block do extends from import include trans debug'.split(' '))
const badTag = (name: string): TemplateError => new TemplateError('syntax', `an unknown tag ${name}`)

const TAGS: Readonly<Record<string, (reader: TokenReader) => Body>> = {
  if: (reader) => [parseIf(reader)],
  for: (reader) => [parseFor(reader)],
  set: (reader) => [parseSet(reader)],
  with: (reader) => [parseWith(reader)],
  macro: (reader) => [parseMacro(reader)],
  call: (reader) => [parseCallBlock(reader)],
  filter: (reader) => [parseFilterBlock(reader)],
  generation: parseGeneration,
  print: (reader) => {
    const value = parseTuple(reader, parseExpression)
    reader.expect('close')
    return [{ type: 'print', value }]
  },
  break: (reader) => parseJump(reader, 'break'),
  continue: (reader) => parseJump(reader, 'continue'),
}

function parseJump(reader: TokenReader, type: 'break' | 'continue'): Body {
  reader.expect('close')
  return [{ type }]
}

function parseIf(reader: TokenReader): Statement {
  const branches: [Expression, Body][] = []
  for (;;) {
    const condition = parseTuple(reader, parseOr)
    reader.expect('close')
    branches.push([condition, parseBody(reader, 'elif', 'else', 'endif')])
    reader.next()
    if (reader.skip('name', 'elif')) continue
    const otherwise = parseElse(reader, 'endif')
    return { type: 'if', branches, otherwise }
  }
}

/** Behind the open sign of `{% else %}` or of the end. */
function parseElse(reader: TokenReader, end: string): Body {
  if (!reader.skip('name', 'else')) {
    reader.expect('name', end)
    reader.expect('close')
    return []
  }
  reader.expect('close')
  const body = parseBody(reader, end)
  endTag(reader, end)
  return body
}

function parseFor(reader: TokenReader): Statement {
  const target = parseTarget(reader)
  reader.expect('name', 'in')
  const over = parseTuple(reader, parseOr)
  const where = reader.skip('name', 'if') ? parseExpression(reader) : undefined
  const isRecursive = reader.skip('name', 'recursive')
  reader.expect('close')
  const body = parseBody(reader, 'else', 'endfor')
  reader.next()
  const otherwise = parseElse(reader, 'endfor')
  return { type: 'for', target, over, where, isRecursive, body, otherwise }
}

/** A name, a namespace's attribute, or several names with commas between, in brackets or not. */
function parseTarget(reader: TokenReader): Target {
  const first = parseOneTarget(reader)
  if (!reader.isOperator(',')) return first
  const targets = [first]
  while (reader.skip('operator', ','))
    if (reader.isOperator('(') || (reader.is('name') && !reader.isWord('in')))
      targets.push(parseOneTarget(reader))
  return { type: 'targets', targets }
}

function parseOneTarget(reader: TokenReader): Target {
  if (reader.skip('operator', '(')) {
    const inside = reader.nested(() => parseTarget(reader))
    reader.expect('operator', ')')
    return inside
  }
  const name = reader.expect('name').value
  if (!reader.skip('operator', '.')) return { type: 'name', name }
  return { type: 'attribute', of: name, name: reader.expect('name').value }
}

function parseSet(reader: TokenReader): Statement {
  const target = parseTarget(reader)
  if (reader.skip('operator', '=')) {
    const value = parseTuple(reader, parseExpression)
    reader.expect('close')
    return { type: 'set', target, value }
  }
  const filters = parseFilters(reader)
  reader.expect('close')
  const body = parseBody(reader, 'endset')
  endTag(reader, 'endset')
  return { type: 'set-block', target, filters, body }
}

function parseFilters(reader: TokenReader): FilterCall[] {
  const filters: FilterCall[] = []
  while (reader.skip('operator', '|')) filters.push(parseFilter(reader))
  return filters
}

function parseWith(reader: TokenReader): Statement {
  const sets: [Target, Expression][] = []
  while (!reader.skip('close')) {
    if (sets.length > 0) reader.expect('operator', ',')
    const target = parseOneTarget(reader)
    reader.expect('operator', '=')
    sets.push([target, parseExpression(reader)])
  }
  const body = parseBody(reader, 'endwith')
  endTag(reader, 'endwith')
  return { type: 'with', sets, body }
}

function parseSignature(reader: TokenReader): Signature {
  reader.expect('operator', '(')
  const names: string[] = []
  const defaults = new Map<string, Expression>()
  while (!reader.skip('operator', ')')) {
    if (names.length > 0) reader.expect('operator', ',')
    const name = reader.expect('name').value
    if (names.includes(name)) throw new TemplateError('syntax', `two parameters ${name}`)
    names.push(name)
    if (reader.skip('operator', '=')) defaults.set(name, parseExpression(reader))
    else if (defaults.size > 0) throw new TemplateError('syntax', 'a default value before none')
  }
  return { names, defaults }
}

function parseMacro(reader: TokenReader): Statement {
  const name = reader.expect('name').value
  const signature = parseSignature(reader)
  reader.expect('close')
  const body = parseBody(reader, 'endmacro')
  endTag(reader, 'endmacro')
  return { type: 'macro', name, signature, body }
}

function parseCallBlock(reader: TokenReader): Statement {
  const signature = reader.isOperator('(')
    ? parseSignature(reader)
    : { names: [], defaults: new Map<string, Expression>() }
  const call = parseExpression(reader)
  if (call.type !== 'call') throw new TemplateError('syntax', 'a call expected')
  reader.expect('close')
  const body = parseBody(reader, 'endcall')
  endTag(reader, 'endcall')
  return { type: 'call-block', signature, callee: call.callee, given: call.given, body }
}

function parseFilterBlock(reader: TokenReader): Statement {
  const filters = [parseFilter(reader), ...parseFilters(reader)]
  reader.expect('close')
  const body = parseBody(reader, 'endfilter')
  endTag(reader, 'endfilter')
  return { type: 'filter-block', filters, body }
}

/** `transformers` marks with it what the assistant said, for training. It prints what it holds. */
function parseGeneration(reader: TokenReader): Body {
  reader.expect('close')
  const body = parseBody(reader, 'endgeneration')
  endTag(reader, 'endgeneration')
  return [{ type: 'with', sets: [], body }]
}
