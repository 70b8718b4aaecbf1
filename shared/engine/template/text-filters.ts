import type { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { filterRow, type FilterRow } from './filter-row.ts'
import { roundTo } from './numbers.ts'
import { jsonOf, textOf, type JsonLayout } from './printing.ts'
import * as py from './python-text.ts'
import { chatFault, unknownPart } from './template-error.ts'
import { replaceBounded } from './text-methods.ts'
import { Float, isTrue, List, numberOf, typeName, Undefined, type Value } from './values.ts'

/** Filters of text take whatever can be printed. */
const ofText = (
  names: readonly string[],
  run: (text: string, given: Given, budget: Budget) => string | number,
): FilterRow =>
  filterRow(names, (value, given, { budget }) => {
    const text = textOf(value, budget)
    budget.spendText(text.length)
    return run(text, given, budget)
  })

const orDefault = filterRow(['default_value', 'boolean'], (value, given) => {
  const isMissing = value instanceof Undefined || (given.flag('boolean') && !isTrue(value))
  return isMissing ? (given.get('default_value') ?? '') : value
})

/** Filters of one text, number or other single value. */
export const TEXT_FILTERS: Readonly<Record<string, FilterRow>> = {
  abs: filterRow([], (value) => {
    const number = numberOf(value)
    if (number === undefined) throw chatFault(`${typeName(value)} is no number`)
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number)
  }),
  capitalize: ofText([], py.capitalize),
  center: ofText(['width'], (text, given, budget) => {
    budget.spendText(given.whole('width', 80))
    return py.pad(text, given.whole('width', 80), 'both')
  }),
  d: orDefault,
  default: orDefault,
  float: filterRow(['default'], (value, given) => floatOf(value) ?? given.get('default') ?? new Float(0)),
  indent: ofText(['width', 'first', 'blank'], indent),
  int: filterRow(['default', 'base'], (value, given) => {
    if (given.has('base') && given.whole('base', 10) !== 10) throw unknownPart('int with a base')
    return wholeNumberOf(value) ?? given.get('default') ?? 0
  }),
  lower: ofText([], (text) => text.toLowerCase()),
  replace: ofText(['old', 'new', 'count'], (text, given, budget) => {
    const count = (given.get('count') ?? null) === null ? -1 : given.whole('count', -1)
    const [from, to] = [textOf(given.need('old'), budget), textOf(given.need('new'), budget)]
    return replaceBounded(text, from, to, count, budget)
  }),
  round: filterRow(['precision', 'method'], (value, given) => {
    const number = numberOf(value)
    if (number === undefined) throw chatFault(`${typeName(value)} is no number`)
    const method = given.maybeText('method') ?? 'common'
    const digits = given.whole('precision', 0)
    if (Math.abs(digits) > 20) throw unknownPart('round to so many digits')
    const rounded = roundTo(number, digits, method)
    return value instanceof Float || method !== 'common' ? new Float(rounded) : rounded
  }),
  string: ofText([], (text) => text),
  title: ofText([], (text) =>
    text
      .split(WORD_BEGINS)
      .map((part) => py.capitalize(part))
      .join(''),
  ),
  tojson: filterRow(['ensure_ascii', 'indent', 'separators', 'sort_keys'], (value, given, { budget }) =>
    jsonOf(value, layoutOf(given, budget), budget),
  ),
  trim: ofText(['chars'], (text, given) => py.strip(text, 'both', given.maybeText('chars'))),
  truncate: ofText(['length', 'killwords', 'end', 'leeway'], truncate),
  upper: ofText([], (text) => text.toUpperCase()),
  wordcount: ofText([], (text) => text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
}

const WORD_BEGINS = new RegExp(`([-${py.SPACE}({[<]+)`)

function layoutOf(given: Given, budget: Budget): JsonLayout {
  const indent = given.get('indent') ?? null
  const separators = given.get('separators') ?? null
  if (separators !== null && !(separators instanceof List && separators.items.length === 2))
    throw chatFault('separators must be two')
  const [item, key] = separators === null ? [] : separators.items.map((one) => textOf(one, budget))
  const width =
    typeof indent === 'string'
      ? indent.length
      : given.has('indent') && indent !== null
        ? given.whole('indent', 0)
        : 0
  budget.spendText(width)
  return {
    indent:
      indent === null ? undefined : typeof indent === 'string' ? indent : ' '.repeat(Math.max(0, width)),
    separators: [item ?? (indent === null ? ', ' : ','), key ?? ': '],
    isSorted: given.flag('sort_keys'),
    isAscii: given.flag('ensure_ascii'),
  }
}

function indent(text: string, given: Given, budget: Budget): string {
  const width = given.get('width') ?? 4
  if (typeof width !== 'string') budget.spendText(given.whole('width', 4))
  const space = typeof width === 'string' ? width : ' '.repeat(Math.max(0, given.whole('width', 4)))
  const lines = py.splitLines(`${text}\n`, false)
  budget.spendText(text.length + lines.length * space.length)
  const isBlankToo = given.flag('blank')
  const indented = lines.map((line, i) => (i > 0 && (line !== '' || isBlankToo) ? space + line : line))
  return (given.flag('first') ? space : '') + indented.join('\n')
}

function truncate(text: string, given: Given): string {
  const characters = [...text]
  const length = given.whole('length', 255)
  const end = given.maybeText('end') ?? '...'
  if (characters.length <= length + given.whole('leeway', 5)) return text
  const kept = characters.slice(0, Math.max(0, length - [...end].length)).join('')
  return (given.flag('killwords') ? kept : (py.split(kept, ' ', 1, true)[0] ?? '')) + end
}

const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?$/
const WHOLE = /^[+-]?\d+(?:_\d+)*$/

function floatOf(value: Value): Float | undefined {
  const number = numberOf(value)
  if (number !== undefined) return new Float(number)
  if (typeof value !== 'string') return undefined
  const text = py.strip(value, 'both')
  if (/^[+-]?(?:inf(?:inity)?|nan)$/i.test(text)) throw unknownPart('an infinite number')
  return FLOAT.test(text) ? new Float(Number(text.replaceAll('_', ''))) : undefined
}

function wholeNumberOf(value: Value): number | undefined {
  const exact = typeof value === 'string' && WHOLE.test(py.strip(value, 'both'))
  const number = exact ? Number(py.strip(value, 'both').replaceAll('_', '')) : floatOf(value)?.value
  if (number === undefined) return undefined
  if (!Number.isSafeInteger(Math.trunc(number))) throw unknownPart('a number of more than 15 digits')
  return Math.trunc(number) + 0
}
