import { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { wholeOf } from './numbers.ts'
import { chatFault, unknownPart } from './template-error.ts'
import { textMethod } from './text-methods.ts'
import { Attributes, Dict, Func, isEqual, List, typeName, Undefined, type Value } from './values.ts'

/** `value.name`: what the value has by that name, else what it holds under it. */
export function attributeOf(value: Value, name: string, budget: Budget): Value {
  mustBeDefined(value, name)
  return methodOf(value, name, budget) ?? heldBy(value, name, budget) ?? new Undefined(name)
}

/** `value[key]`: what it holds under it, else what it has by that name. */
export function itemOf(value: Value, key: Value, budget: Budget): Value {
  mustBeDefined(value, 'an item')
  const held = heldBy(value, key, budget)
  if (held !== undefined) return held
  return (typeof key === 'string' ? methodOf(value, key, budget) : undefined) ?? new Undefined('an item')
}

function mustBeDefined(value: Value, what: string): void {
  if (value instanceof Undefined) throw chatFault(`${value.what} is undefined and has no ${what}`)
}

function heldBy(value: Value, key: Value, budget: Budget): Value | undefined {
  if (value instanceof Dict) return isHashable(key) ? value.get(key) : undefined
  if (typeof key !== 'number' && typeof key !== 'boolean') return undefined
  if (typeof value === 'string') {
    budget.spendText(value.length)
    return [...value].at(Number(key))
  }
  if (value instanceof List && value.kind !== 'view' && value.kind !== 'generator')
    return value.items.at(Number(key))
  return undefined
}

const isHashable = (key: Value): boolean =>
  !(key instanceof Dict) && !(key instanceof List && key.kind !== 'tuple') && !(key instanceof Undefined)

/** They would change what others see; the sandbox that reads templates in Python refuses them as well. */
const CHANGING = new Set(
  'append clear extend insert pop popitem remove reverse setdefault sort update __setitem__'.split(' '),
)

function methodOf(value: Value, name: string, budget: Budget): Value | undefined {
  if (name.startsWith('_')) return undefined
  if (value instanceof Attributes) return value.values.get(name)
  if (typeof value === 'string') return textMethod(value, name, budget)
  const isMany = value instanceof Dict || (value instanceof List && value.kind === 'list')
  if (isMany && CHANGING.has(name)) {
    const isItsOwn = value instanceof Dict ? !DICT_HAS_NOT.has(name) : !LIST_HAS_NOT.has(name)
    if (isItsOwn) throw chatFault(`${typeName(value)}.${name} is not safe`)
  }
  if (value instanceof Dict) return dictMethod(value, name, budget)
  if (value instanceof List) return listMethod(value, name, budget)
  if (
    value !== null &&
    typeof value !== 'boolean' &&
    /^(?:is_integer|bit_length|as_integer_ratio)$/.test(name)
  )
    throw unknownPart(`the method ${name} of a number`)
  return undefined
}

const DICT_HAS_NOT = new Set(['append', 'extend', 'insert', 'remove', 'reverse', 'sort'])
const LIST_HAS_NOT = new Set(['popitem', 'setdefault', 'update'])

function dictMethod(dict: Dict, name: string, budget: Budget): Func | undefined {
  const listed = (items: () => readonly Value[]): Func =>
    new Func(name, (given) => {
      new Given(name, given, [])
      budget.spendElements(dict.size)
      return new List(items(), 'view')
    })
  switch (name) {
    case 'get':
      return new Func(name, (given) => {
        const read = new Given(name, given, ['key', 'default'])
        return dict.get(read.need('key')) ?? read.get('default') ?? null
      })
    case 'keys':
      return listed(() => dict.keys())
    case 'values':
      return listed(() => dict.pairs().map(([, value]) => value))
    case 'items':
      return listed(() => dict.pairs().map((entry) => new List(entry, 'tuple')))
    case 'copy':
      return new Func(name, () => dict)
    case 'fromkeys':
      throw unknownPart('dict.fromkeys')
    default:
      return undefined
  }
}

function listMethod(list: List, name: string, budget: Budget): Func | undefined {
  if (list.kind === 'view' || list.kind === 'generator') return undefined
  const isList = list.kind === 'list'
  if (name === 'copy' && isList) return new Func(name, () => list)
  if (name !== 'index' && name !== 'count') return undefined
  return new Func(name, (given) => {
    budget.spend(list.weight)
    const wanted = new Given(name, given, ['value']).need('value')
    const found = list.items.filter((item) => isEqual(item, wanted)).length
    if (name === 'count') return found
    if (found === 0) throw chatFault('the value is not in the list')
    return list.items.findIndex((item) => isEqual(item, wanted))
  })
}

/** `value[start:stop:step]`. */
export function sliceOf(value: Value, parts: readonly (Value | undefined)[], budget: Budget): Value {
  if (typeof value === 'string') {
    budget.spendText(value.length)
    return picked([...value], parts).join('')
  }
  if (!(value instanceof List) || value.kind === 'view' || value.kind === 'generator') {
    mustBeDefined(value, 'slice')
    throw chatFault(`${typeName(value)} has no slices`)
  }
  budget.spendElements(value.items.length)
  return new List(picked(value.items, parts), value.kind)
}

function picked<T>(items: readonly T[], parts: readonly (Value | undefined)[]): T[] {
  const [start, stop, step = 1] = parts.map((part) =>
    part === undefined || part === null ? undefined : wholeOf(part, 'a slice'),
  )
  if (step === 0) throw chatFault('a slice with step 0')
  const isForward = step > 0
  const place = (value: number | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise
    const absolute = value < 0 ? value + items.length : value
    return Math.max(isForward ? 0 : -1, Math.min(isForward ? items.length : items.length - 1, absolute))
  }
  const from = place(start, isForward ? 0 : items.length - 1)
  const to = place(stop, isForward ? items.length : -1)
  const chosen: T[] = []
  for (let i = from; isForward ? i < to : i > to; i += step) chosen.push(items[i] as T)
  return chosen
}
