import type { Budget } from './budget.ts'
import { floatText } from './numbers.ts'
import { chatFault, unknownPart } from './template-error.ts'
import { Attributes, Dict, Float, List, Undefined, type Value } from './values.ts'

/** Python's `str(value)`, which is what `{{ value }}` prints. */
export function textOf(value: Value, budget: Budget): string {
  if (typeof value === 'string') return value
  return value instanceof Undefined ? '' : reprOf(value, budget)
}

/** Python's `repr(value)`. */
export function reprOf(value: Value, budget: Budget): string {
  budget.spend(1)
  if (value === null) return 'None'
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False'
    case 'number':
      return String(value)
    case 'string':
      return quoted(value, budget)
    default:
      return value instanceof Float ? floatText(value.value) : budget.within(() => reprOfMany(value, budget))
  }
}

function reprOfMany(value: Exclude<Value, null | boolean | number | string | Float>, budget: Budget): string {
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Dict) return reprOfDict(value.pairs(), budget)
  if (value instanceof List && (value.kind === 'list' || value.kind === 'tuple')) {
    const parts = value.items.map((item) => reprOf(item, budget))
    if (value.kind === 'list') return joined(['[', parts.join(', '), ']'], budget)
    return joined(['(', parts.join(', '), parts.length === 1 ? ',)' : ')'], budget)
  }
  if (value instanceof Attributes && value.kind === 'namespace')
    return `<Namespace ${reprOfDict([...value.values], budget)}>`
  throw unknownPart(`the text of a ${value instanceof List ? value.kind : 'function'}`)
}

function reprOfDict(entries: readonly (readonly [Value, Value])[], budget: Budget): string {
  const parts = entries.map(([key, item]) => `${reprOf(key, budget)}: ${reprOf(item, budget)}`)
  return joined(['{', parts.join(', '), '}'], budget)
}

function joined(parts: readonly string[], budget: Budget): string {
  budget.spendText(parts.reduce((sum, part) => sum + part.length, 0))
  return parts.join('')
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function quoted(text: string, budget: Budget): string {
  budget.spendText(text.length)
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  // What Python's `str.isprintable` denies: control, format, separators but the space, unassigned, private, surrogates.
  const escaped = text.replace(/[\\\p{C}\p{Z}]/gu, (character) =>
    character === ' ' ? ' ' : (ESCAPES[character] ?? hexEscape(character.codePointAt(0) ?? 0)),
  )
  return quote + escaped.replaceAll(quote, `\\${quote}`) + quote
}

function hexEscape(code: number): string {
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

export interface JsonLayout {
  /** What each level begins with; undefined writes all on one line. */
  readonly indent: string | undefined
  readonly separators: readonly [item: string, key: string]
  readonly isSorted: boolean
  readonly isAscii: boolean
}

/** Python's `json.dumps`, with the settings that `transformers` gives the filter `tojson`. */
export function jsonOf(value: Value, layout: JsonLayout, budget: Budget, depth = 0): string {
  budget.spend(1)
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (typeof value === 'string') return jsonText(value, layout, budget)
  if (value instanceof Float) return jsonFloat(value.value)
  if (value instanceof Dict)
    return jsonBlock('{', '}', jsonEntries(value, layout, budget, depth), layout, budget, depth)
  if (!(value instanceof List) || (value.kind !== 'list' && value.kind !== 'tuple'))
    throw chatFault('only texts, numbers, lists and dicts are JSON')
  const items = budget.within(() => value.items.map((item) => jsonOf(item, layout, budget, depth + 1)))
  return jsonBlock('[', ']', items, layout, budget, depth)
}

function jsonEntries(value: Dict, layout: JsonLayout, budget: Budget, depth: number): string[] {
  const named = value.pairs().map(([key, item]) => [jsonKey(key), item] as const)
  if (layout.isSorted) named.sort(([a], [b]) => (a < b ? -1 : 1))
  return budget.within(() =>
    named.map(
      ([key, item]) =>
        jsonText(key, layout, budget) + layout.separators[1] + jsonOf(item, layout, budget, depth + 1),
    ),
  )
}

function jsonBlock(
  open: string,
  close: string,
  parts: readonly string[],
  { indent, separators: [separator] }: JsonLayout,
  budget: Budget,
  depth: number,
): string {
  if (parts.length === 0) return open + close
  if (indent === undefined) return joined([open, parts.join(separator), close], budget)
  const line = `\n${indent.repeat(depth + 1)}`
  return joined([open, line, parts.join(separator + line), `\n${indent.repeat(depth)}`, close], budget)
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key
  if (key === null || typeof key === 'boolean' || typeof key === 'number') return String(key)
  if (key instanceof Float) return jsonFloat(key.value)
  throw chatFault('no key of JSON')
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

/** Unlike JavaScript, Python leaves half surrogates alone. */
function jsonText(text: string, { isAscii }: JsonLayout, budget: Budget): string {
  budget.spendText(text.length)
  const json = `"${text.replace(/[\u0000-\u001f"\\]/g, (character) => JSON.stringify(character).slice(1, -1))}"`
  return isAscii
    ? json.replace(/[^\u0000-\u007e]/g, (unit) =>
        unit === '\u007f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    : json
}
