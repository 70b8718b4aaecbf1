import { Given } from './arguments.ts'
import { applyToEach, LIST_FILTERS } from './list-filters.ts'
import type { FilterContext } from './filter-row.ts'
import { reprOf, textOf } from './printing.ts'
import { chatFault, unknownPart } from './template-error.ts'
import { formatPercent } from './text-format.ts'
import { TEXT_FILTERS } from './text-filters.ts'
import { Dict, List, type CallArguments, type Value } from './values.ts'

/**
 * `value | name(...)`. Those that make HTML, or print as Python likes it, are not known here: a chat has no use for them.
 *
 * @throws TemplateError for a filter that is not known
 */
export function filter(name: string, value: Value, given: CallArguments, context: FilterContext): Value {
  context.budget.spend(1)
  if (name === 'format') return formatted(value, given, context)
  const each = applyToEach(name, value, given, context)
  if (each) return each
  const all = Object.hasOwn(TEXT_FILTERS, name) ? TEXT_FILTERS : LIST_FILTERS
  const row = Object.hasOwn(all, name) ? all[name] : undefined
  if (!row) throw unknownPart(`the filter ${name}`)
  return row.run(value, new Given(name, given, row.names), context)
}

function formatted(value: Value, { positional, named }: CallArguments, { budget }: FilterContext): string {
  if (positional.length > 0 && named.size > 0) throw chatFault('values for a format by place or by name')
  const values = named.size > 0 ? new Dict(named) : new List(positional, 'tuple')
  const print = (one: Value): string => textOf(one, budget)
  const repr = (one: Value): string => reprOf(one, budget)
  const filled = formatPercent(textOf(value, budget), values, print, repr)
  budget.spendText(filled.length)
  return filled
}
