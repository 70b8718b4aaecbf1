import { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { filterRow, type FilterContext, type FilterRow } from './filter-row.ts'
import { attributeOf, itemOf } from './members.ts'
import { binary } from './operators.ts'
import { textOf } from './printing.ts'
import { chatFault } from './template-error.ts'
import {
  compare,
  Dict,
  elementsOf,
  isEqual,
  isTrue,
  List,
  typeName,
  Undefined,
  weightOf,
  type CallArguments,
  type Value,
} from './values.ts'

/** Reads what is looped over, and pays for it. */
function read(value: Value, budget: Budget): readonly Value[] {
  const items = elementsOf(value)
  budget.spendElements(items.length)
  return items
}

const generator = (items: readonly Value[]): List => new List(items, 'generator')

/** `'a.b.0'`: parts of a path, where digits are places in a list. */
function pathGetter(path: Value, budget: Budget, otherwise: Value | undefined): (item: Value) => Value {
  const parts: readonly Value[] =
    typeof path === 'string'
      ? path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
      : [path]
  return (item) => {
    let value = item
    for (const part of parts) {
      budget.spend(1)
      value = itemOf(value, part, budget)
      if (value instanceof Undefined && otherwise !== undefined) value = otherwise
    }
    return value
  }
}

const lowered = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value)

/** What is compared in place of each item: its attribute, and texts without their case. */
function keyGetter(given: Given, budget: Budget): (item: Value) => Value {
  const path = given.get('attribute') ?? null
  const get = path === null ? (item: Value): Value => item : pathGetter(path, budget, undefined)
  return given.flag('case_sensitive') ? get : (item) => lowered(get(item))
}

function sorted(
  items: readonly Value[],
  key: (item: Value) => Value,
  isReversed: boolean,
  budget: Budget,
): Value[] {
  budget.spend(items.length * Math.ceil(Math.log2(items.length + 1)))
  const keyed = items.map((item) => [key(item), item] as const)
  budget.spend(keyed.reduce((sum, [one]) => sum + weightOf(one), 0) * Math.log2(items.length + 1))
  const sign = isReversed ? -1 : 1
  return keyed.sort(([a], [b]) => sign * compare(a, b)).map(([, item]) => item)
}

function sort(value: Value, given: Given, { budget }: FilterContext): List {
  const items = read(value, budget)
  const path = given.get('attribute')
  const isReversed = given.flag('reverse')
  if (typeof path !== 'string' || !path.includes(','))
    return new List(sorted(items, keyGetter(given, budget), isReversed, budget))
  const getters = path.split(',').map((one) => pathGetter(one.trim(), budget, undefined))
  const isExact = given.flag('case_sensitive')
  const key = (item: Value): Value =>
    new List(getters.map((get) => (isExact ? get(item) : lowered(get(item)))))
  return new List(sorted(items, key, isReversed, budget))
}

function extreme(isBetter: (order: number) => boolean): FilterRow {
  return filterRow(['case_sensitive', 'attribute'], (value, given, { budget }) => {
    const key = keyGetter(given, budget)
    const items = read(value, budget)
    budget.spend(new List(items).weight)
    const [first] = items
    if (first === undefined) return new Undefined('an item')
    return items.reduce((best, item) => (isBetter(compare(key(item), key(best))) ? item : best), first)
  })
}

function unique(value: Value, given: Given, { budget }: FilterContext): List {
  const key = keyGetter(given, budget)
  const seen: Value[] = []
  const kept: Value[] = []
  for (const item of read(value, budget)) {
    const id = key(item)
    budget.spend(seen.length * weightOf(id))
    if (seen.some((other) => isEqual(other, id))) continue
    seen.push(id)
    kept.push(item)
  }
  return generator(kept)
}

function grouped(value: Value, given: Given, { budget }: FilterContext): List {
  const size = given.whole('linecount', 0)
  if (size < 1) throw chatFault('a batch needs a size')
  const fill = given.get('fill_with') ?? null
  const items = read(value, budget)
  const batches: List[] = []
  for (let at = 0; at < items.length; at += size) {
    const batch = items.slice(at, at + size)
    if (fill !== null) budget.spendElements(size)
    const missing = fill === null ? 0 : size - batch.length
    batches.push(new List([...batch, ...Array.from({ length: missing }, () => fill)]))
  }
  return generator(batches)
}

function dictSort(value: Value, given: Given, { budget }: FilterContext): List {
  if (!(value instanceof Dict)) throw chatFault(`${typeName(value)} is no dict`)
  const by = given.maybeText('by') ?? 'key'
  if (by !== 'key' && by !== 'value') throw chatFault('by must be key or value')
  const place = by === 'key' ? 0 : 1
  const isExact = given.flag('case_sensitive')
  const entries = value.pairs().map((entry) => new List(entry, 'tuple'))
  const key = (entry: Value): Value => {
    const part = (entry as List).items[place] ?? null
    return isExact ? part : lowered(part)
  }
  return new List(sorted(entries, key, given.flag('reverse'), budget))
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return [...value].length
  if (value instanceof List) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof Undefined) return 0
  throw chatFault(`${typeName(value)} has no length`)
}

function end(pick: (items: readonly Value[]) => Value | undefined): FilterRow {
  return filterRow([], (value, _given, { budget }) => pick(read(value, budget)) ?? new Undefined('an item'))
}

const length = filterRow([], (value, _given, { budget }) => {
  if (typeof value === 'string') budget.spendText(value.length)
  return lengthOf(value)
})

/** Filters of lists and dicts. */
export const LIST_FILTERS: Readonly<Record<string, FilterRow>> = {
  attr: filterRow(['name'], (value, given, { budget }) => {
    const held = value instanceof Dict ? new Dict() : value
    return attributeOf(held, given.text('name'), budget)
  }),
  batch: filterRow(['linecount', 'fill_with'], grouped),
  count: length,
  dictsort: filterRow(['case_sensitive', 'by', 'reverse'], dictSort),
  first: end((items) => items[0]),
  items: filterRow([], (value) => {
    if (value instanceof Undefined) return generator([])
    if (!(value instanceof Dict)) throw chatFault(`${typeName(value)} is no dict`)
    return generator(value.pairs().map((entry) => new List(entry, 'tuple')))
  }),
  join: filterRow(['d', 'attribute'], (value, given, { budget }) => {
    const path = given.get('attribute') ?? null
    const get = path === null ? (item: Value): Value => item : pathGetter(path, budget, undefined)
    const separator = textOf(given.get('d') ?? '', budget)
    const parts = read(value, budget).map((item) => textOf(get(item), budget))
    budget.spendText(parts.reduce((sum, part) => sum + part.length + separator.length, 0))
    return parts.join(separator)
  }),
  last: end((items) => items.at(-1)),
  length,
  list: filterRow([], (value, _given, { budget }) => new List(read(value, budget))),
  max: extreme((order) => order > 0),
  min: extreme((order) => order < 0),
  reverse: filterRow([], (value, _given, { budget }) => {
    const items = read(value, budget).toReversed()
    return typeof value === 'string' ? [...value].reverse().join('') : generator(items)
  }),
  sort: filterRow(['reverse', 'case_sensitive', 'attribute'], sort),
  sum: filterRow(['attribute', 'start'], (value, given, { budget }) => {
    const path = given.get('attribute') ?? null
    const get = path === null ? (item: Value): Value => item : pathGetter(path, budget, undefined)
    const start = given.get('start') ?? 0
    return read(value, budget).reduce<Value>((sum, item) => binary('+', sum, get(item), budget), start)
  }),
  unique: filterRow(['case_sensitive', 'attribute'], unique),
}

/** `map`, `select`, `reject`, `selectattr` and `rejectattr` take the name of another filter or test, and its arguments. */
export function applyToEach(
  name: string,
  value: Value,
  given: CallArguments,
  context: FilterContext,
): List | undefined {
  if (name === 'map') return generator(read(value, context.budget).map(mapper(given, context)))
  const isKept = /^select(attr)?$/.test(name)
  if (!isKept && !/^reject(attr)?$/.test(name)) return undefined
  const [path, rest] = name.endsWith('attr') ? headOf(given) : [undefined, given]
  const get = path === undefined ? (item: Value): Value => item : pathGetter(path, context.budget, undefined)
  const [test, more] = rest.positional.length > 0 ? headOf(rest) : [undefined, rest]
  const isSo = (item: Value): boolean =>
    test === undefined ? isTrue(item) : context.test(textOf(test, context.budget), item, more)
  return generator(read(value, context.budget).filter((item) => isSo(get(item)) === isKept))
}

function headOf(given: CallArguments): readonly [Value, CallArguments] {
  const [head, ...positional] = given.positional
  if (head === undefined) throw chatFault('an argument is missing')
  return [head, { positional, named: given.named }]
}

function mapper(given: CallArguments, context: FilterContext): (item: Value) => Value {
  if (given.positional.length > 0) {
    const [name, rest] = headOf(given)
    return (item) => context.filter(textOf(name, context.budget), item, rest)
  }
  const read = new Given('map', given, ['attribute', 'default'])
  return pathGetter(read.need('attribute'), context.budget, read.get('default') ?? undefined)
}
