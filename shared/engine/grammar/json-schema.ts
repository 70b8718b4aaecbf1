import { literal } from './byte-sets.ts'
import { nested, type JsonRules } from './json-rules.ts'
import { badGrammar, type GrammarBuilder, type Piece, type Sequence } from './program.ts'

type Schema = Readonly<Record<string, unknown>>

const MAX_DEPTH = 32
const MAX_PROPERTIES = 256
/** Of minItems, maxItems, minLength and maxLength. */
const MAX_COUNT = 1024
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
/** Keywords that describe and do not restrict. */
const NOTES = new Set(
  '$schema $id $comment $defs definitions title description default examples deprecated readOnly writeOnly format'.split(
    ' ',
  ),
)
/** Keywords that each way of saying what a value is may have beside it. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
}

/**
 * Adds the rules of a JSON schema. GRAMMAR.md says which part of JSON Schema is understood; what is not is refused, so
 * that an answer that fits the rules fits the schema.
 *
 * @throws InfernetError `engine.bad-grammar`, naming the keyword where one is not understood
 */
export function addSchema(builder: GrammarBuilder, json: JsonRules, text: string): Piece {
  const root = parse(text)
  const references = new Map<string, Piece>()

  function resolve(reference: unknown): Piece {
    if (typeof reference !== 'string' || !reference.startsWith('#')) throw keywordRefused('$ref')
    const known = references.get(reference)
    if (known) return known
    const rule = builder.declare()
    references.set(reference, { rule })
    const target = reference
      .slice(1)
      .split('/')
      .slice(1)
      .map((part) => decodeName(part))
      .reduce<unknown>((at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), root)
    builder.define(rule, [[compile(target, 0)]])
    return { rule }
  }

  function compile(schema: unknown, depth: number): Piece {
    if (depth > MAX_DEPTH) throw badGrammar('too-deep')
    if (schema === true) return json.any
    if (!isObject(schema)) throw badGrammar(schema === false ? 'nothing-fits' : 'syntax')
    if ('$ref' in schema) {
      allowOnly(schema, ['$ref'])
      return resolve(schema['$ref'])
    }
    if ('anyOf' in schema) {
      allowOnly(schema, ['anyOf'])
      return builder.rule(...listOf(schema['anyOf']).map((each): Sequence => [compile(each, depth + 1)]))
    }
    const types = typesOf(schema)
    if ('const' in schema || 'enum' in schema) return constants(schema, types)
    allowOnly(schema, ['type', ...types.flatMap((type) => KEYWORDS[type] ?? [])])
    if (!('type' in schema)) return json.any
    return builder.rule(...types.map((type): Sequence => [ofType(schema, type, depth)]))
  }

  function ofType(schema: Schema, type: string, depth: number): Piece {
    switch (type) {
      case 'object':
        return objectOf(schema, depth)
      case 'array': {
        const item = 'items' in schema ? compile(schema['items'], depth + 1) : json.any
        return json.arrayOf(item, ...countsOf(schema, 'minItems', 'maxItems'))
      }
      case 'string':
        return json.stringOf(...countsOf(schema, 'minLength', 'maxLength'))
      case 'number':
        return json.number
      case 'integer':
        return json.integer
      case 'boolean':
        return builder.rule(literal('true'), literal('false'))
      default:
        return builder.rule(literal('null'))
    }
  }

  function objectOf(schema: Schema, depth: number): Piece {
    const { properties: named = {} } = schema
    if (!isObject(named)) throw badGrammar('syntax')
    const properties = new Map(Object.entries(named))
    const required = new Set(listOf(schema['required'] ?? []).map(String))
    for (const name of required) if (!properties.has(name)) properties.set(name, true)
    if (properties.size > MAX_PROPERTIES) throw badGrammar('too-large')
    const others = schema['additionalProperties'] ?? true
    if (properties.size === 0)
      return others === false
        ? builder.rule([...literal('{'), json.gap, ...literal('}')])
        : json.mapOf(compile(others, depth + 1))
    if (others !== true && others !== false) compile(others, depth + 1)
    const pairs = [...properties].map(([name, value]) => ({
      isRequired: required.has(name),
      pair: builder.rule([
        ...literal(write(name)),
        ...literal(':'),
        json.gap,
        nested(compile(value, depth + 1)),
        json.gap,
      ]),
    }))
    return builder.rule([...literal('{'), json.gap, members(pairs), ...literal('}')])
  }

  /** The pairs in their order, those that are not required left out or not, with commas between those that are there. */
  function members(pairs: readonly { readonly isRequired: boolean; readonly pair: Piece }[]): Piece {
    const comma: Sequence = [...literal(','), json.gap]
    let first: Piece = builder.rule([])
    let later: Piece = builder.rule([])
    for (const { isRequired, pair } of pairs.toReversed()) {
      const skipFirst: readonly Sequence[] = isRequired ? [] : [[first]]
      const skipLater: readonly Sequence[] = isRequired ? [] : [[later]]
      first = builder.rule([pair, later], ...skipFirst)
      later = builder.rule([...comma, pair, later], ...skipLater)
    }
    return first
  }

  function constants(schema: Schema, types: readonly string[]): Piece {
    allowOnly(schema, ['const', 'enum', 'type'])
    const listed = 'enum' in schema ? listOf(schema['enum']) : [schema['const']]
    const fitting = listed.filter(
      (value) =>
        types.some((type) => isOfType(value, type)) &&
        (!('const' in schema) || write(value) === write(schema['const'])),
    )
    if (fitting.length === 0) throw badGrammar('nothing-fits')
    return tree(builder, [...new Set(fitting.map(write))])
  }

  return compile(root, 0)
}

/** Texts as a tree of common beginnings, so that a long list does not mean as many readings. */
function tree(builder: GrammarBuilder, texts: readonly string[]): Piece {
  const groups = Map.groupBy(texts, ([first = '']) => first)
  return builder.rule(
    ...[...groups].map(([first, group]): Sequence => {
      if (first === '') return []
      const begin = commonBeginning(group)
      if (group.length === 1) return literal(begin)
      return [
        ...literal(begin),
        tree(
          builder,
          group.map((text) => text.slice(begin.length)),
        ),
      ]
    }),
  )
}

/** In whole characters. */
function commonBeginning(texts: readonly string[]): string {
  let begin = [...(texts[0] ?? '')]
  for (const text of texts) {
    const characters = [...text]
    const differs = begin.findIndex((character, i) => character !== characters[i])
    if (differs >= 0) begin = begin.slice(0, differs)
  }
  return begin.join('')
}

/** As JSON without gaps. A number beyond all bounds, as 1e999, would become `null`. */
function write(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each === Infinity || each === -Infinity) throw badGrammar('nothing-fits')
    return each
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badGrammar('syntax')
  }
}

function allowOnly(schema: Schema, keywords: readonly string[]): void {
  for (const name of Object.keys(schema))
    if (!keywords.includes(name) && !NOTES.has(name)) throw keywordRefused(name)
}

function keywordRefused(name: string): Error {
  return badGrammar(/^\$?[a-zA-Z]{1,30}$/.test(name) ? `keyword-${name.replace('$', '')}` : 'keyword')
}

function typesOf(schema: Schema): readonly string[] {
  if (!('type' in schema)) return TYPES
  const types = Array.isArray(schema['type']) ? listOf(schema['type']) : [schema['type']]
  if (types.length === 0 || !types.every((type) => typeof type === 'string' && TYPES.includes(type)))
    throw badGrammar('syntax')
  return [...new Set(types.map(String))]
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function countsOf(
  schema: Schema,
  leastName: string,
  mostName: string,
): [least: number, most: number | undefined] {
  const [least = 0, most] = [leastName, mostName].map((name) => {
    const value = schema[name]
    if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 0)) throw badGrammar('syntax')
    if (Number(value) > MAX_COUNT) throw badGrammar('too-large')
    return value as number | undefined
  })
  if (least > (most ?? Infinity)) throw badGrammar('nothing-fits')
  return [least, most]
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badGrammar('syntax')
  return value
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A part of a JSON pointer in a URI fragment. */
function decodeName(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    throw badGrammar('syntax')
  }
}
