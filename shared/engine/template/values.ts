import { chatFault, unknownPart } from './template-error.ts'

/**
 * What a template computes with, as Python has it. Whole numbers are JavaScript's numbers; what has a fraction is a
 * {@link Float}, since Python writes 2.0 where JavaScript would write 2.
 */
export type Value = null | boolean | number | string | Float | Undefined | List | Dict | Attributes | Func

export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A name that nobody defined. Prints nothing and is false; to look into it is an error. */
export class Undefined {
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

/**
 * `view` and `range` print themselves in words of Python's own; a `generator` can be read once and has no length. To
 * print one of these is refused.
 */
export type ListKind = 'list' | 'tuple' | 'range' | 'view' | 'generator'

export class List {
  readonly kind: ListKind
  /** As {@link weightOf}. */
  readonly weight: number
  #items: readonly Value[]
  constructor(items: readonly Value[], kind: ListKind = 'list') {
    this.#items = items
    this.kind = kind
    this.weight = items.reduce<number>((sum, item) => sum + weightOf(item), 1)
  }
  /** @throws TemplateError for a generator, which has no length and no places */
  get items(): readonly Value[] {
    if (this.kind === 'generator') throw chatFault('a generator has no length')
    return this.#items
  }
  /** What a loop sees. */
  read(): readonly Value[] {
    const items = this.#items
    if (this.kind === 'generator') this.#items = []
    return items
  }
}

export class Dict {
  readonly #entries = new Map<string, readonly [Value, Value]>()
  /** As {@link weightOf}. */
  readonly weight: number

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) {
      const id = keyOf(key)
      this.#entries.set(id, [this.#entries.get(id)?.[0] ?? key, value])
    }
    this.weight = this.pairs().reduce((sum, [, value]) => sum + 1 + weightOf(value), 1)
  }
  get size(): number {
    return this.#entries.size
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1]
  }
  pairs(): (readonly [Value, Value])[] {
    return [...this.#entries.values()]
  }
  keys(): Value[] {
    return this.pairs().map(([key]) => key)
  }
}

/** `loop`, `namespace(...)` and what else has attributes alone. Only a namespace can be written to, and printed. */
export class Attributes {
  readonly kind: 'loop' | 'namespace' | 'macro' | 'cycler' | 'joiner'
  readonly values: Map<string, Value>
  /** What calling it does, where that has a meaning. */
  readonly call: Call | undefined
  constructor(kind: Attributes['kind'], values: Iterable<readonly [string, Value]>, call?: Call) {
    this.kind = kind
    this.values = new Map(values)
    this.call = call
  }
}

export interface CallArguments {
  readonly positional: readonly Value[]
  readonly named: ReadonlyMap<string, Value>
}
export type Call = (given: CallArguments) => Value

export class Func {
  readonly name: string
  readonly call: Call
  constructor(name: string, call: Call) {
    this.name = name
    this.call = call
  }
}

/** How many steps it takes to look at all of a value. A list that holds another one twice weighs it twice. */
export function weightOf(value: Value): number {
  if (typeof value === 'string') return 1 + value.length / 16
  return value instanceof List || value instanceof Dict ? value.weight : 1
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Float) return value.value !== 0
    if (value instanceof List) return value.kind === 'generator' || value.items.length > 0
    if (value instanceof Dict) return value.size > 0
    return !(value instanceof Undefined)
  }
  return Boolean(value)
}

/** A number's value, booleans included as in Python; undefined where it is none. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  return value instanceof Float ? value.value : undefined
}

export function isEqual(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== undefined || y !== undefined) return x === y
  if (a === b) return true
  if (a instanceof List && b instanceof List)
    return (
      a.kind === b.kind &&
      a.items.length === b.items.length &&
      a.items.every((item, i) => isEqual(item, b.items[i] ?? null))
    )
  if (a instanceof Dict && b instanceof Dict)
    return a.size === b.size && a.pairs().every(([key, value]) => isSame(value, b.get(key)))
  if (a instanceof Undefined && b instanceof Undefined) return true
  return false
}

function isSame(value: Value, other: Value | undefined): boolean {
  return other !== undefined && isEqual(value, other)
}

/** Below zero where `a` comes first. Texts compare by code points, as in Python. */
export function compare(a: Value, b: Value): number {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (a instanceof List && b instanceof List && a.kind === b.kind) return compareLists(a, b)
  throw chatFault(`${typeName(a)} and ${typeName(b)} have no order`)
}

function compareTexts(a: string, b: string): number {
  const [x, y] = [[...a], [...b]]
  const first = x.findIndex((character, i) => character !== y[i])
  if (first < 0) return x.length < y.length ? -1 : 0
  const other = y[first]
  return other === undefined || (x[first]?.codePointAt(0) ?? 0) > (other.codePointAt(0) ?? 0) ? 1 : -1
}

function compareLists(a: List, b: List): number {
  for (const [i, item] of a.items.entries()) {
    const other = b.items[i]
    if (other === undefined) return 1
    if (!isEqual(item, other)) return compare(item, other)
  }
  return a.items.length < b.items.length ? -1 : 0
}

const MAX_KEY = 1000

/** Two keys that Python takes for one have one id. */
function keyOf(key: Value): string {
  const number = numberOf(key)
  if (number !== undefined) return `#${number}`
  if (typeof key === 'string') return `'${key}`
  if (key === null) return 'none'
  if (key instanceof List && key.weight > MAX_KEY) throw unknownPart('a tuple of that size as a key')
  if (key instanceof List && key.kind === 'tuple') return `(${key.items.map(keyOf).map(escapeKey).join()})`
  throw chatFault(`${typeName(key)} is no key`)
}

const escapeKey = (id: string): string => JSON.stringify(id)

export function typeName(value: Value): string {
  if (value === null) return 'none'
  if (typeof value !== 'object') return typeof value
  if (value instanceof Undefined) return `${value.what}, which is undefined,`
  return value instanceof List ? value.kind : value.constructor.name.toLowerCase()
}

/** What can be looped over: lists, the keys of a dict, the characters of a text. */
export function elementsOf(value: Value): readonly Value[] {
  if (value instanceof List) return value.read()
  if (typeof value === 'string') return [...value]
  if (value instanceof Dict) return value.keys()
  if (value instanceof Undefined) return []
  throw chatFault(`${typeName(value)} has no elements`)
}

/** What a caller hands in. */
export function fromPlain(plain: unknown): Value {
  if (plain === null || typeof plain === 'boolean' || typeof plain === 'string') return plain
  if (typeof plain === 'number') return !Number.isInteger(plain) ? new Float(plain) : plain
  if (Array.isArray(plain)) return new List(plain.map(fromPlain))
  if (typeof plain === 'object') return new Dict(Object.entries(plain).map(([k, v]) => [k, fromPlain(v)]))
  throw unknownPart(typeof plain)
}
