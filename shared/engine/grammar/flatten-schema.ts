import { hasCode } from '../../errors/infernet-error.ts'
import { badGrammar } from './program.ts'
import { ALL, isObject, listOf, mergeFlats, type Choice, type Flat, type Schema } from './schema-merge.ts'

export const MAX_DEPTH = 32
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
/** Keywords that describe and do not restrict. */
const NOTES = new Set(
  (
    '$schema $id $comment $defs $anchor $vocabulary definitions title description default examples example ' +
    'deprecated readOnly writeOnly format contentEncoding contentMediaType contentSchema discriminator ' +
    'externalDocs xml markdownDescription enumNames'
  ).split(' '),
)
/** Keywords that put schemas together. */
const JOINS = ['$ref', 'allOf', 'anyOf', 'oneOf']
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
/** What restricts values of each type; values of others fit. */
export const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: 'properties required additionalProperties propertyNames minProperties maxProperties'.split(' '),
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  number: NUMBERS,
  integer: NUMBERS,
}
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties']
const KNOWN = new Set(['type', 'enum', ...Object.values(KEYWORDS).flat()])

/** A JSON schema with its references, and where in it each part stands. */
export class SchemaText {
  readonly root: unknown
  readonly #paths = new WeakMap<object, string>()

  /** @throws InfernetError `engine.bad-grammar` (`syntax`) */
  constructor(text: string) {
    this.root = parse(text)
    const open: (readonly [value: unknown, path: string])[] = [[this.root, '']]
    for (let next = open.pop(); next; next = open.pop()) {
      const [value, path] = next
      if (typeof value !== 'object' || value === null) continue
      this.#paths.set(value, path)
      for (const [name, each] of Object.entries(value))
        open.push([each, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`])
    }
  }

  /** Where a schema stands, or, of one that was put together, its first part. */
  pathOf(schema: unknown): string {
    if (typeof schema !== 'object' || schema === null) return ''
    const known = this.#paths.get(schema)
    if (known !== undefined) return known
    const { allOf } = schema as Schema
    return Array.isArray(allOf) ? this.pathOf(allOf.find(isObject)) : ''
  }

  /** Runs, and says where what it throws went wrong. What is wrong with the whole is of no place. */
  at<T>(schema: unknown, run: () => T): T {
    try {
      return run()
    } catch (error) {
      const path = this.pathOf(schema)
      if (!hasCode(error, 'engine.bad-grammar') || error.facts['at'] || path === '') throw error
      const reason = String(error.facts['reason'])
      throw /^too-(?!precise)|^left/.test(reason) ? error : badGrammar(reason, path.slice(0, 200))
    }
  }

  /** @throws InfernetError `engine.bad-grammar` */
  target(reference: unknown): unknown {
    if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) throw keywordRefused('$ref')
    return reference
      .slice(1)
      .split('/')
      .slice(1)
      .map(decodeName)
      .reduce<unknown>(
        (at, name) =>
          typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Schema)[name] : undefined,
        this.root,
      )
  }

  /** A schema's keywords with those of all that it refers to, and its choices. */
  flatten(schema: unknown, depth = 0): Flat {
    return this.at(schema, () => {
      if (depth > MAX_DEPTH) throw badGrammar('too-deep')
      if (schema === true) return ALL
      if (!isObject(schema)) throw badGrammar(schema === false ? 'nothing-fits' : 'syntax')
      const parts = [
        ...('$ref' in schema ? [this.target(schema['$ref'])] : []),
        ...listOf(schema['allOf'] ?? []),
      ]
      const choices = (['anyOf', 'oneOf'] as const).filter((name) => name in schema)
      const own: Flat = {
        base: ownKeywords(schema),
        choices: choices.map((name): Choice => ({
          schemas: listOf(schema[name]),
          isExclusive: name === 'oneOf',
          owner: schema,
        })),
      }
      return parts.reduce<Flat>(
        (flat, part) => mergeFlats(flat, this.flatten(part, depth + 1), keywordRefused),
        own,
      )
    })
  }
}

/** Whether a schema is nothing but a reference. */
export function isReference(schema: Schema): boolean {
  return '$ref' in schema && Object.keys(schema).every((name) => name === '$ref' || isNote(name))
}

export function keywordRefused(name: string): Error {
  return badGrammar(/^\$?[a-zA-Z]{1,30}$/.test(name) ? `keyword-${name.replace('$', '')}` : 'keyword')
}

/** The keywords in one form each: `const` is an `enum` of one, a list of `items` is `prefixItems`. */
function ownKeywords(schema: Schema): Schema {
  const own: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(schema)) {
    if (isNote(name) || JOINS.includes(name)) continue
    if (COUNTS.includes(name) && !(Number.isInteger(value) && Number(value) >= 0)) throw badGrammar('syntax')
    if (NUMBERS.includes(name) && typeof value !== 'number') throw badGrammar('syntax')
    if (name === 'items' && Array.isArray(value)) own['prefixItems'] = value
    else if (name === 'additionalItems' && Array.isArray(schema['items'])) own['items'] = value
    else if (name === 'nullable' || name === 'const') continue
    else if (KNOWN.has(name)) own[name] = value
    else throw keywordRefused(name)
  }
  if ('type' in schema) own['type'] = typesOf(schema)
  if ('const' in schema) {
    const text = JSON.stringify(schema['const'])
    const isListed =
      !('enum' in schema) || listOf(schema['enum']).some((value) => JSON.stringify(value) === text)
    if (!isListed) throw badGrammar('nothing-fits')
    own['enum'] = [schema['const']]
  }
  return own
}

function isNote(name: string): boolean {
  return NOTES.has(name) || name.startsWith('x-')
}

function typesOf(schema: Schema): readonly string[] {
  const types = [schema['type']].flat()
  if (types.length === 0 || !types.every((type) => typeof type === 'string' && TYPES.includes(type)))
    throw badGrammar('syntax')
  const isNullable = schema['nullable'] === true
  return [...new Set([...types.map(String), ...(isNullable ? ['null'] : [])])]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badGrammar('syntax')
  }
}

/** A part of a JSON pointer in a URI fragment. */
function decodeName(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    throw badGrammar('syntax')
  }
}
