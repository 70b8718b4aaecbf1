import type { Budget } from './budget.ts'
import { calculate } from './numbers.ts'
import { reprOf, textOf } from './printing.ts'
import type { BinaryOperator, Comparison } from './syntax.ts'
import { chatFault } from './template-error.ts'
import { formatPercent } from './text-format.ts'
import {
  compare,
  Dict,
  elementsOf,
  isEqual,
  List,
  typeName,
  Undefined,
  weightOf,
  type Value,
} from './values.ts'

export function binary(operator: BinaryOperator, left: Value, right: Value, budget: Budget): Value {
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') {
      budget.spendText(left.length + right.length)
      return left + right
    }
    if (left instanceof List && right instanceof List) return addLists(left, right, budget)
  }
  if (operator === '*') {
    const [many, times] =
      typeof left === 'number' || typeof left === 'boolean' ? [right, left] : [left, right]
    if (typeof times === 'number' || typeof times === 'boolean') {
      if (typeof many === 'string') return repeatText(many, Number(times), budget)
      if (many instanceof List) return repeatList(many, Number(times), budget)
    }
  }
  if (operator === '%' && typeof left === 'string') {
    const filled = formatPercent(
      left,
      right,
      (value) => textOf(value, budget),
      (value) => reprOf(value, budget),
    )
    budget.spendText(filled.length)
    return filled
  }
  return calculate(operator, left, right)
}

function addLists(left: List, right: List, budget: Budget): List {
  if (left.kind !== right.kind || (left.kind !== 'list' && left.kind !== 'tuple'))
    throw chatFault(`${left.kind} + ${right.kind} has no meaning`)
  budget.spendElements(left.items.length + right.items.length)
  return new List([...left.items, ...right.items], left.kind)
}

function repeatText(text: string, times: number, budget: Budget): string {
  budget.spendText(text.length * Math.max(0, times))
  return text.repeat(Math.max(0, times))
}

function repeatList(list: List, times: number, budget: Budget): List {
  if (list.kind !== 'list' && list.kind !== 'tuple') throw chatFault(`${list.kind} * has no meaning`)
  budget.spendElements(list.items.length * Math.max(0, times))
  const items = Array.from({ length: Math.max(0, times) }, () => list.items).flat()
  return new List(items, list.kind)
}

export function isSo(comparison: Comparison, left: Value, right: Value, budget: Budget): boolean {
  spendOn(comparison, left, right, budget)
  switch (comparison) {
    case '==':
      return isEqual(left, right)
    case '!=':
      return !isEqual(left, right)
    case 'in':
      return holds(right, left)
    case 'not in':
      return !holds(right, left)
    case '<':
      return compare(left, right) < 0
    case '<=':
      return compare(left, right) <= 0
    case '>':
      return compare(left, right) > 0
    case '>=':
      return compare(left, right) >= 0
  }
}

/** Two values are compared up to their first difference, and what may hold another one is gone through. */
function spendOn(comparison: Comparison, left: Value, right: Value, budget: Budget): void {
  const isSearch = comparison === 'in' || comparison === 'not in'
  budget.spend(isSearch ? weightOf(right) : Math.min(weightOf(left), weightOf(right)))
}

function holds(many: Value, one: Value): boolean {
  if (typeof many === 'string') {
    if (typeof one !== 'string') throw chatFault(`${typeName(one)} cannot be in a text`)
    return many.includes(one)
  }
  if (many instanceof Dict) return many.get(one) !== undefined
  if (many instanceof Undefined) return false
  return elementsOf(many).some((item) => isEqual(item, one))
}
