import { bytesOf, literal } from './byte-sets.ts'
import { MOST_DIGITS } from './json-rules.ts'
import { badGrammar, type GrammarBuilder, type Piece, type Sequence } from './program.ts'

const MOST_WHOLE = 10 ** MOST_DIGITS - 1

/** Where numbers begin and end; what is left out is open. */
export interface NumberBounds {
  readonly least: number | undefined
  readonly isLeastExcluded: boolean
  readonly most: number | undefined
  readonly isMostExcluded: boolean
}

/** The least and the most whole number within bounds, as far as a grammar writes them. */
export function wholeBounds(bounds: NumberBounds): readonly [least: number, most: number] {
  const { least = -Infinity, most = Infinity, isLeastExcluded, isMostExcluded } = bounds
  const first = isLeastExcluded ? Math.floor(least) + 1 : Math.ceil(least)
  const last = isMostExcluded ? Math.ceil(most) - 1 : Math.floor(most)
  return [Math.max(first, -MOST_WHOLE), Math.min(last, MOST_WHOLE)]
}

/** @throws InfernetError `engine.bad-grammar` when no whole number is within the bounds */
export function integersWithin(builder: GrammarBuilder, bounds: NumberBounds): Piece {
  const [least, most] = wholeBounds(bounds)
  if (least > most) throw badGrammar('nothing-fits')
  const negative = least < 0 ? wholeNumbers(builder, Math.max(1, -most), -least) : []
  const positive = most >= 0 ? wholeNumbers(builder, Math.max(0, least), most) : []
  return builder.rule(...negative.map((digits): Sequence => [...literal('-'), ...digits]), ...positive)
}

/**
 * Numbers within bounds, without an exponent.
 *
 * @throws InfernetError `engine.bad-grammar` when there is none, or when a bound has too many digits
 */
export function numbersWithin(builder: GrammarBuilder, bounds: NumberBounds): Piece {
  const { least = -Infinity, most = Infinity, isLeastExcluded, isMostExcluded } = bounds
  const fromZero = { digits: { whole: 0, fraction: '' }, isExcluded: false }
  const low: Edge = { digits: decimalOf(Math.abs(least)), isExcluded: isLeastExcluded }
  const high: Edge = { digits: decimalOf(Math.abs(most)), isExcluded: isMostExcluded }
  const positive =
    most >= 0
      ? sizes(
          builder,
          least > 0 ? low : least === 0 ? { ...fromZero, isExcluded: isLeastExcluded } : fromZero,
          high,
        )
      : []
  const zeroLeft = { ...fromZero, isExcluded: true }
  const negative = least < 0 ? sizes(builder, most < 0 ? high : zeroLeft, low) : []
  const all = [...negative.map((size): Sequence => [...literal('-'), ...size]), ...positive]
  if (all.length === 0) throw badGrammar('nothing-fits')
  return builder.rule(...all)
}

interface Decimal {
  readonly whole: number
  /** Digits after the point, without zeros at the end. */
  readonly fraction: string
}

interface Edge {
  /** Undefined where it is beyond all that is written. */
  readonly digits: Decimal | undefined
  readonly isExcluded: boolean
}

function decimalOf(size: number): Decimal | undefined {
  if (size > MOST_WHOLE) return undefined
  // The shortest that is this number: longer ones write 9.97 as 9.970000000000001.
  for (let digits = 0; digits <= MOST_DIGITS; digits++) {
    const text = size.toFixed(digits)
    if (Number(text) !== size) continue
    const [whole = '', fraction = ''] = text.split('.')
    return { whole: Number(whole), fraction }
  }
  throw badGrammar('too-precise')
}

/** Sizes, without a sign, from one edge to the other. */
function sizes(builder: GrammarBuilder, low: Edge, high: Edge): readonly Sequence[] {
  if (!low.digits) return []
  const { whole: first, fraction: from } = low.digits
  const last = high.digits?.whole
  const after = (lo: Side, hi: Side): readonly Sequence[] => fractions(builder, lo, hi)
  const start: Side = { digits: from, isExcluded: low.isExcluded }
  const end: Side = high.digits && { digits: high.digits.fraction, isExcluded: high.isExcluded }
  const at = (whole: number, tails: readonly Sequence[]): readonly Sequence[] =>
    tails.length === 0 ? [] : [[...literal(String(whole)), builder.rule(...tails)]]
  if (last === first) return at(first, after(start, end))
  if (last !== undefined && last < first) return []
  const between = wholeNumbers(builder, first + 1, last === undefined ? MOST_WHOLE : last - 1)
  const any = builder.rule(...after(undefined, undefined))
  return [
    ...at(first, after(start, undefined)),
    ...between.map((digits): Sequence => [...digits, any]),
    ...(last === undefined ? [] : at(last, after(undefined, end))),
  ]
}

/** What a fraction is compared with; undefined where an earlier digit has decided. */
type Side = { readonly digits: string; readonly isExcluded: boolean } | undefined

/** Nothing, or a point and digits, between two fractions. */
function fractions(builder: GrammarBuilder, low: Side, high: Side): readonly Sequence[] {
  const digits = digitsWithin(builder, low, high, MOST_DIGITS, true)
  const pointed: readonly Sequence[] = digits.length > 0 ? [[...literal('.'), builder.rule(...digits)]] : []
  return mayEnd(low, high) ? [[], ...pointed] : pointed
}

/** Whether what was written so far, with zeros after it, is within. */
function mayEnd(low: Side, high: Side): boolean {
  const isAbove = !low || (low.digits === '' && !low.isExcluded)
  const isBelow = !high || high.digits !== '' || !high.isExcluded
  return isAbove && isBelow
}

function digitsWithin(
  builder: GrammarBuilder,
  low: Side,
  high: Side,
  left: number,
  isFirst: boolean,
): readonly Sequence[] {
  if (!low && !high) return [builder.repeat([{ set: digit(0, 9) }], isFirst ? 1 : 0, left)]
  const all: Sequence[] = !isFirst && mayEnd(low, high) ? [[]] : []
  if (left === 0) return all
  const lowest = low ? Number(low.digits[0] ?? 0) : -1
  const highest = high ? Number(high.digits[0] ?? 0) : 10
  const next = (side: Side): Side => side && { ...side, digits: side.digits.slice(1) }
  const add = (from: number, to: number, lo: Side, hi: Side): void => {
    const rest = from > to ? [] : digitsWithin(builder, lo, hi, left - 1, false)
    if (rest.length > 0) all.push([{ set: digit(from, to) }, builder.rule(...rest)])
  }
  add(lowest + 1, highest - 1, undefined, undefined)
  if (low && lowest === highest) add(lowest, lowest, next(low), next(high))
  else {
    if (low && lowest < highest) add(lowest, lowest, next(low), undefined)
    if (high && lowest < highest) add(highest, highest, undefined, next(high))
  }
  return all
}

/** Whole numbers without a sign and without leading zeros, as alternatives. */
function wholeNumbers(builder: GrammarBuilder, least: number, most: number): readonly Sequence[] {
  if (least > most) return []
  const all: Sequence[] = []
  for (let length = String(least).length; length <= String(most).length; length++) {
    const first = Math.max(least, length === 1 ? 0 : 10 ** (length - 1))
    all.push(...sameLength(builder, String(first), String(Math.min(most, 10 ** length - 1))))
  }
  return all
}

/** Strings of digits from one to another of the same length. */
function sameLength(builder: GrammarBuilder, first: string, last: string): readonly Sequence[] {
  if (first === '') return [[]]
  const [a, b] = [Number(first[0]), Number(last[0])]
  const [restA, restB] = [first.slice(1), last.slice(1)]
  const isWhole = /^0*$/.test(restA) && /^9*$/.test(restB)
  const any = restA.length > 0 ? builder.repeat([{ set: digit(0, 9) }], restA.length, restA.length) : []
  if (isWhole) return [[{ set: digit(a, b) }, ...any]]
  const then = (at: number, from: string, to: string): Sequence => [
    { set: digit(at, at) },
    builder.rule(...sameLength(builder, from, to)),
  ]
  if (a === b) return [then(a, restA, restB)]
  const middle: readonly Sequence[] = a + 1 <= b - 1 ? [[{ set: digit(a + 1, b - 1) }, ...any]] : []
  return [then(a, restA, '9'.repeat(restA.length)), ...middle, then(b, '0'.repeat(restB.length), restB)]
}

function digit(from: number, to: number): Uint8Array {
  return bytesOf([0x30 + Math.max(0, from), 0x30 + Math.min(9, to)])
}
