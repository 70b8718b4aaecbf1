import { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { formatBraces } from './text-format.ts'
import { textOf } from './printing.ts'
import * as py from './python-text.ts'
import { chatFault, unknownPart } from './template-error.ts'
import { elementsOf, Func, List, typeName, type CallArguments, type Value } from './values.ts'

type Method = (text: string, given: Given, budget: Budget) => Value
interface Row {
  readonly names: readonly string[]
  readonly run: Method
}
const row = (names: readonly string[], run: Method): Row => ({ names, run })

const texts = (parts: readonly string[], budget: Budget, kind: 'list' | 'tuple' = 'list'): List => {
  budget.spendElements(parts.length)
  return new List(parts, kind)
}

/** `startswith` and `endswith` take one text or a tuple of them, and a part of the text to look at. */
const affix = (isAt: (text: string, affix: string) => boolean): Row =>
  row(['prefix', 'start', 'end'], (text, given) => {
    const wanted = given.need('prefix')
    const all = wanted instanceof List && wanted.kind === 'tuple' ? wanted.items : [wanted]
    const part = partOf(text, given).part
    return all.some((one) => {
      if (typeof one !== 'string') throw chatFault(`no text but ${typeName(one)}`)
      return isAt(part, one)
    })
  })

/** The arguments `start` and `end` count characters. */
function partOf(text: string, given: Given): { readonly part: string; readonly start: number } {
  if (!given.has('start') && !given.has('end')) return { part: text, start: 0 }
  const all = [...text]
  const place = (name: string, otherwise: number): number => {
    const value = (given.get(name) ?? null) === null ? otherwise : given.whole(name, otherwise)
    return Math.max(0, Math.min(all.length, value < 0 ? value + all.length : value))
  }
  const start = place('start', 0)
  return { part: all.slice(start, place('end', all.length)).join(''), start }
}

function find(fromRight: boolean, mustBeThere: boolean): Row {
  return row(['sub', 'start', 'end'], (text, given) => {
    const { part, start } = partOf(text, given)
    const at = fromRight ? part.lastIndexOf(given.text('sub')) : part.indexOf(given.text('sub'))
    if (at < 0 && mustBeThere) throw chatFault('substring not found')
    return at < 0 ? -1 : start + [...part.slice(0, at)].length
  })
}

const stripping = (side: 'both' | 'left' | 'right'): Row =>
  row(['chars'], (text, given) => py.strip(text, side, given.maybeText('chars')))
const splitting = (fromRight: boolean): Row =>
  row(['sep', 'maxsplit'], (text, given, budget) =>
    texts(py.split(text, given.maybeText('sep'), given.whole('maxsplit', -1), fromRight), budget),
  )
const parting = (fromRight: boolean): Row =>
  row(['sep'], (text, given, budget) =>
    texts(py.partition(text, given.text('sep'), fromRight), budget, 'tuple'),
  )
const padding = (side: 'both' | 'left' | 'right'): Row =>
  row(['width', 'fillchar'], (text, given, budget) => {
    budget.spendText(given.whole('width', 0))
    return py.pad(text, given.whole('width', 0), side, given.maybeText('fillchar'))
  })
const changing = (change: (text: string) => string): Row => row([], (text) => change(text))
const cutting = (
  isAt: (text: string, affix: string) => boolean,
  cut: (text: string, by: number) => string,
): Row =>
  row(['affix'], (text, given) => {
    const affix = given.text('affix')
    return isAt(text, affix) ? cut(text, affix.length) : text
  })

export function replaceBounded(
  text: string,
  from: string,
  to: string,
  count: number,
  budget: Budget,
): string {
  const found = from === '' ? text.length + 1 : text.split(from).length - 1
  budget.spendText(text.length + found * to.length)
  return py.replace(text, from, to, count)
}

const METHODS: Readonly<Record<string, Row>> = {
  capitalize: changing(py.capitalize),
  casefold: changing((text) => text.toLowerCase().replaceAll('ß', 'ss')),
  center: padding('both'),
  count: row(['sub', 'start', 'end'], (text, given) => {
    const { part } = partOf(text, given)
    const sub = given.text('sub')
    return sub === '' ? [...part].length + 1 : part.split(sub).length - 1
  }),
  endswith: affix((text, end) => text.endsWith(end)),
  expandtabs: row(['tabsize'], (text, given, budget) => {
    const size = given.whole('tabsize', 8)
    budget.spendText(text.length * Math.max(1, size))
    return text
      .split(/(?<=[\n\r])/)
      .map((line) => expandLine(line, size))
      .join('')
  }),
  find: find(false, false),
  index: find(false, true),
  join: row(['iterable'], (text, given, budget) =>
    joinTexts(elementsOf(given.need('iterable')), text, budget),
  ),
  ljust: padding('right'),
  lower: changing((text) => text.toLowerCase()),
  lstrip: stripping('left'),
  partition: parting(false),
  removeprefix: cutting(
    (text, prefix) => text.startsWith(prefix),
    (text, by) => text.slice(by),
  ),
  removesuffix: cutting(
    (text, end) => end !== '' && text.endsWith(end),
    (text, by) => text.slice(0, -by),
  ),
  replace: row(['old', 'new', 'count'], (text, given, budget) =>
    replaceBounded(text, given.text('old'), given.text('new'), given.whole('count', -1), budget),
  ),
  rfind: find(true, false),
  rindex: find(true, true),
  rjust: padding('left'),
  rpartition: parting(true),
  rsplit: splitting(true),
  rstrip: stripping('right'),
  split: splitting(false),
  splitlines: row(['keepends'], (text, given, budget) =>
    texts(py.splitLines(text, given.flag('keepends')), budget),
  ),
  startswith: affix((text, begin) => text.startsWith(begin)),
  strip: stripping('both'),
  swapcase: changing(py.swapCase),
  title: changing(py.title),
  upper: changing((text) => text.toUpperCase()),
  zfill: row(['width'], (text, given, budget) => {
    budget.spendText(given.whole('width', 0))
    const sign = /^[+-]/.exec(text)?.[0] ?? ''
    return sign + py.pad(text.slice(sign.length), given.whole('width', 0) - sign.length, 'left', '0')
  }),
  ...Object.fromEntries(
    Object.entries(py.TEXT_TESTS).map(([name, isSo]) => [name, row([], (text) => isSo(text))]),
  ),
}

function expandLine(line: string, size: number): string {
  return line.split('\t').reduce((before, part) => {
    const gap = size <= 0 ? 0 : size - ([...before].length % size)
    return before + ' '.repeat(gap) + part
  })
}

function joinTexts(items: readonly Value[], separator: string, budget: Budget): string {
  const parts = items.map((item) => {
    if (typeof item !== 'string') throw chatFault(`a text was expected, not ${typeName(item)}`)
    return item
  })
  budget.spendText(parts.reduce((sum, part) => sum + part.length + separator.length, 0))
  return parts.join(separator)
}

/** What Python's texts have and we do not. */
const UNKNOWN = new Set(['encode', 'format_map', 'maketrans', 'translate', 'isprintable'])

/** The method of a text, to be called; undefined where Python's texts have none of that name. */
export function textMethod(text: string, name: string, budget: Budget): Func | undefined {
  if (UNKNOWN.has(name)) throw unknownPart(`str.${name}`)
  if (name === 'format')
    return new Func(name, (given: CallArguments) => {
      const filled = formatBraces(text, given, (value) => textOf(value, budget))
      budget.spendText(filled.length)
      return filled
    })
  const found = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined
  if (!found) return undefined
  return new Func(name, (given) => {
    budget.spendText(text.length)
    return found.run(text, new Given(name, given, found.names), budget)
  })
}
