import type { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import type { CallArguments, Value } from './values.ts'

/** What filters and tests may use besides their value: some of them call others by name. */
export interface FilterContext {
  readonly budget: Budget
  filter(name: string, value: Value, given: CallArguments): Value
  test(name: string, value: Value, given: CallArguments): boolean
}

/** A filter: the names of its arguments, in Python's order, and what it does. */
export interface FilterRow {
  readonly names: readonly string[]
  readonly run: (value: Value, given: Given, context: FilterContext) => Value
}

export function filterRow(names: readonly string[], run: FilterRow['run']): FilterRow {
  return { names, run }
}
