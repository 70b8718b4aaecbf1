import { Given } from './arguments.ts'
import type { Budget } from './budget.ts'
import { formatDate } from './format-date.ts'
import { textOf } from './printing.ts'
import { chatFault, TemplateError, unknownPart } from './template-error.ts'
import { Attributes, Dict, elementsOf, Func, List, type CallArguments, type Value } from './values.ts'

/** The sandbox in which Python reads templates has the same bound. */
const MAX_RANGE = 100_000

/** What every template can call. */
export function globals(now: () => number, budget: Budget): (readonly [string, Value])[] {
  const functions: Readonly<Record<string, (given: CallArguments) => Value>> = {
    range: (given) => range(new Given('range', given, ['start', 'stop', 'step']), budget),
    dict: (given) => new Dict(entriesOf(given)),
    namespace: (given) =>
      new Attributes(
        'namespace',
        entriesOf(given).map(([key, value]) => [textOf(key, budget), value]),
      ),
    cycler: ({ positional }) => cycler(positional),
    joiner: (given) => joiner(new Given('joiner', given, ['sep']).get('sep') ?? ', '),
    lipsum: () => {
      throw unknownPart('lipsum')
    },
    raise_exception: (given) => {
      throw chatFault(textOf(new Given('raise_exception', given, ['message']).need('message'), budget))
    },
    strftime_now: (given) => {
      const format = new Given('strftime_now', given, ['format']).text('format')
      // No sign gives more than 24 characters.
      budget.spendText(24 * format.length)
      return formatDate(new Date(now()), format)
    },
  }
  return Object.entries(functions).map(([name, call]) => [name, new Func(name, call)])
}

function range(given: Given, budget: Budget): List {
  const first = given.whole('start', NaN)
  if (Number.isNaN(first)) throw chatFault('range needs a number')
  const [start, stop] = given.has('stop') ? [first, given.whole('stop', 0)] : [0, first]
  const step = given.whole('step', 1)
  if (step === 0) throw chatFault('a range with step 0')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (length > MAX_RANGE) throw new TemplateError('endless', 'a range of more than 100,000')
  budget.spendElements(length)
  return new List(
    Array.from({ length }, (_, i) => start + i * step),
    'range',
  )
}

/** What `dict(...)` and `namespace(...)` are made of: a dict or pairs, and arguments by name. */
function entriesOf({ positional, named }: CallArguments): (readonly [Value, Value])[] {
  const [from, ...more] = positional
  if (more.length > 0) throw chatFault('one dict at most')
  return [...(from === undefined ? [] : pairsOf(from)), ...named]
}

function pairsOf(from: Value): (readonly [Value, Value])[] {
  if (from instanceof Dict) return from.pairs()
  return elementsOf(from).map((pair) => {
    const [key, value, ...more] = elementsOf(pair)
    if (key === undefined || value === undefined || more.length > 0) throw chatFault('a pair expected')
    return [key, value] as const
  })
}

function cycler(items: readonly Value[]): Attributes {
  if (items.length === 0) throw chatFault('a cycler needs items')
  let at = 0
  const made = new Attributes('cycler', [])
  const show = (): void => void made.values.set('current', items[at] ?? null)
  const next = new Func('next', () => {
    const item = items[at] ?? null
    at = (at + 1) % items.length
    show()
    return item
  })
  const reset = new Func('reset', () => {
    at = 0
    show()
    return null
  })
  show()
  made.values.set('next', next).set('reset', reset)
  return made
}

function joiner(separator: Value): Func {
  let isUsed = false
  return new Func('joiner', () => {
    const text = isUsed ? separator : ''
    isUsed = true
    return text
  })
}
