import { badGrammar } from './program.ts'

export type Schema = Readonly<Record<string, unknown>>

/** What every value of a schema fits: keywords without references, and choices of which each must be fitted too. */
export interface Flat {
  readonly base: Schema
  readonly choices: readonly Choice[]
}

export interface Choice {
  readonly schemas: readonly unknown[]
  /** Exactly one may be fitted, not one or more. */
  readonly isExclusive: boolean
  /** The schema that it stands in, for what is told of it. */
  readonly owner: Schema
}

export const ALL: Flat = { base: {}, choices: [] }

const LOWER = ['minLength', 'minItems', 'minimum', 'exclusiveMinimum', 'minProperties']
const UPPER = ['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum', 'maxProperties']

/** @throws InfernetError `engine.bad-grammar` when no value could fit both, or a keyword cannot be put together */
export function mergeFlats(a: Flat, b: Flat, refuse: (keyword: string) => Error): Flat {
  return { base: mergeBases(a.base, b.base, refuse), choices: [...a.choices, ...b.choices] }
}

function mergeBases(a: Schema, b: Schema, refuse: (keyword: string) => Error): Schema {
  const merged: Record<string, unknown> = { ...a, ...b }
  for (const name of Object.keys(b).filter((name) => name in a))
    merged[name] = mergeValues(name, a[name], b[name], refuse)
  if ('properties' in a || 'properties' in b || 'required' in a || 'required' in b)
    Object.assign(merged, mergeProperties(a, b))
  if (isTuple(a) || isTuple(b)) Object.assign(merged, mergeTuples(a, b))
  return merged
}

function mergeValues(name: string, a: unknown, b: unknown, refuse: (keyword: string) => Error): unknown {
  if (LOWER.includes(name)) return Math.max(Number(a), Number(b))
  if (UPPER.includes(name)) return Math.min(Number(a), Number(b))
  switch (name) {
    case 'type':
      return commonTypes([a].flat(), [b].flat())
    case 'enum':
      return commonValues(a, b)
    case 'required':
      return [...new Set([...listOf(a), ...listOf(b)])]
    case 'items':
    case 'additionalProperties':
    case 'propertyNames':
      return both(a, b)
    case 'properties':
    case 'prefixItems':
      return b // put together with what belongs to them
    case 'uniqueItems':
      return a === true || b === true
    default:
      if (JSON.stringify(a) === JSON.stringify(b)) return b
      throw refuse(name)
  }
}

function both(a: unknown, b: unknown): unknown {
  if (a === undefined || a === true) return b
  if (b === undefined || b === true) return a
  if (a === false || b === false) return false
  return { allOf: [a, b] }
}

/** A name that only one of the two lists must fit what the other says of names that it does not list. */
function mergeProperties(a: Schema, b: Schema): Schema {
  const [listA, listB] = [propertiesOf(a), propertiesOf(b)]
  const of = (list: Schema, schema: Schema, name: string): unknown =>
    Object.hasOwn(list, name) ? list[name] : schema['additionalProperties']
  const names = [...new Set([...Object.keys(listA), ...Object.keys(listB)])]
  const all = names.map((name) => [name, both(of(listA, a, name), of(listB, b, name)) ?? true])
  return names.length > 0 ? { properties: Object.fromEntries(all) as Schema } : {}
}

function isTuple(schema: Schema): boolean {
  return 'prefixItems' in schema
}

function mergeTuples(a: Schema, b: Schema): Schema {
  const [listA, listB] = [listOf(a['prefixItems'] ?? []), listOf(b['prefixItems'] ?? [])]
  const length = Math.max(listA.length, listB.length)
  const at = (list: readonly unknown[], schema: Schema, i: number): unknown =>
    i < list.length ? list[i] : schema['items']
  const prefixItems = Array.from({ length }, (_, i) => both(at(listA, a, i), at(listB, b, i)) ?? true)
  return { prefixItems }
}

/** The types of both; a whole number is a number. */
function commonTypes(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  const narrow = (one: readonly unknown[], other: readonly unknown[]): unknown[] =>
    one.filter((type) => other.includes(type) || (type === 'integer' && other.includes('number')))
  const common = [...new Set([...narrow(a, b), ...narrow(b, a)])]
  if (common.length === 0) throw badGrammar('nothing-fits')
  return common
}

function commonValues(a: unknown, b: unknown): readonly unknown[] {
  const known = new Set(listOf(b).map((value) => JSON.stringify(value)))
  const common = listOf(a).filter((value) => known.has(JSON.stringify(value)))
  if (common.length === 0) throw badGrammar('nothing-fits')
  return common
}

export function propertiesOf(schema: Schema): Schema {
  const { properties = {} } = schema
  if (!isObject(properties)) throw badGrammar('syntax')
  return properties
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badGrammar('syntax')
  return value
}

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
