import { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { calculate } from './numbers.ts'
import { isSo } from './operators.ts'
import { textOf } from './printing.ts'
import { TEXT_TESTS } from './python-text.ts'
import { unknownPart } from './template-error.ts'
import type { Comparison } from './syntax.ts'
import {
  Attributes,
  Dict,
  Float,
  Func,
  isEqual,
  List,
  numberOf,
  Undefined,
  type CallArguments,
  type Value,
} from './values.ts'

type Test = (value: Value, budget: Budget) => boolean

const rest = (value: Value, by: number): Value => calculate('%', value, by)
const isWholeNumber = (value: Value): boolean => typeof value === 'number'
const isCased =
  (name: 'islower' | 'isupper'): Test =>
  (value, budget) =>
    TEXT_TESTS[name]?.(textOf(value, budget)) ?? false

/** Tests without an argument. */
const SIMPLE: Readonly<Record<string, Test>> = {
  boolean: (value) => typeof value === 'boolean',
  callable: (value) =>
    value instanceof Func ||
    value instanceof Undefined ||
    (value instanceof Attributes && value.call !== undefined),
  defined: (value) => !(value instanceof Undefined),
  even: (value) => isEqual(rest(value, 2), 0),
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  integer: isWholeNumber,
  iterable: (value) =>
    typeof value === 'string' || value instanceof List || value instanceof Dict || value instanceof Undefined,
  lower: isCased('islower'),
  mapping: (value) => value instanceof Dict,
  none: (value) => value === null,
  number: (value) => numberOf(value) !== undefined,
  odd: (value) => isEqual(rest(value, 2), 1),
  sequence: (value) =>
    typeof value === 'string' ||
    value instanceof Dict ||
    value instanceof Undefined ||
    (value instanceof List && value.kind !== 'view' && value.kind !== 'generator'),
  string: (value) => typeof value === 'string',
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: isCased('isupper'),
}

/** Tests that compare, by each of their names. */
const COMPARING: Readonly<Record<string, Comparison>> = {
  '==': '==',
  eq: '==',
  equalto: '==',
  '!=': '!=',
  ne: '!=',
  '<': '<',
  lt: '<',
  lessthan: '<',
  '<=': '<=',
  le: '<=',
  '>': '>',
  gt: '>',
  greaterthan: '>',
  '>=': '>=',
  ge: '>=',
  in: 'in',
}

/** `value is name(...)`. */
export function test(name: string, value: Value, given: CallArguments, budget: Budget): boolean {
  if (Object.hasOwn(SIMPLE, name)) {
    new Given(name, given, [])
    return SIMPLE[name]?.(value, budget) ?? false
  }
  const comparison = Object.hasOwn(COMPARING, name) ? COMPARING[name] : undefined
  if (comparison) return isSo(comparison, value, new Given(name, given, ['other']).need('other'), budget)
  if (name === 'divisibleby') {
    const by = new Given(name, given, ['num']).need('num')
    return isEqual(calculate('%', value, by), 0)
  }
  if (name !== 'sameas') throw unknownPart(`the test ${name}`)
  const other = new Given(name, given, ['other']).need('other')
  // One text or number may be another in Python or not, as it happens to keep them.
  if (typeof value === 'string' && value === other) throw unknownPart('sameas of texts')
  return typeof value === typeof other && value === other
}
