import { chatFault, unknownPart } from './template-error.ts'
import { Float, numberOf, typeName, type Value } from './values.ts'

/** Python's `repr` of a float: an exponent from 1e16 on and below 1e-4, and always a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits, exponent = ''] = value.toExponential().split('e')
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** Whole numbers are exact in Python whatever their size; beyond 2^53 ours would not be. */
function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw unknownPart('a number of more than 15 digits')
  return Object.is(value, -0) ? 0 : value
}

type Operation = '+' | '-' | '*' | '/' | '//' | '%' | '**'

/** Arithmetic of two numbers as Python does it: `//` and `%` round down, `/` always gives a float. */
export function calculate(operation: Operation, left: Value, right: Value): Value {
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a === undefined || b === undefined)
    throw chatFault(`${typeName(left)} ${operation} ${typeName(right)} has no meaning`)
  if ((operation === '/' || operation === '//' || operation === '%') && b === 0)
    throw chatFault('division by zero')
  const isFloat = left instanceof Float || right instanceof Float
  if (operation === '/' || (operation === '**' && !isFloat && b < 0))
    return new Float(result(operation, a, b))
  return isFloat ? new Float(result(operation, a, b)) : whole(result(operation, a, b))
}

function result(operation: Operation, a: number, b: number): number {
  switch (operation) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '//':
      return Math.floor(a / b)
    case '%':
      return remainder(a, b)
    case '**':
      return power(a, b)
  }
}

function remainder(a: number, b: number): number {
  const rest = a % b
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
}

function power(a: number, b: number): number {
  if (a === 0 && b < 0) throw chatFault('division by zero')
  const value = a ** b
  if (Number.isNaN(value)) throw unknownPart('complex numbers')
  return value
}

export function negative(value: Value): Value {
  const number = numberOf(value)
  if (number === undefined) throw chatFault(`-${typeName(value)} has no meaning`)
  return value instanceof Float ? new Float(-number) : whole(-number)
}

/** A whole number that an argument must be. */
export function wholeOf(value: Value, what: string): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  throw chatFault(`${what} must be a whole number, not ${typeName(value)}`)
}

/** Python's `round`: the even one of two that are as near. */
export function roundTo(value: number, digits: number, method: string): number {
  const factor = 10 ** digits
  if (method === 'ceil') return Math.ceil(value * factor) / factor
  if (method === 'floor') return Math.floor(value * factor) / factor
  if (method !== 'common') throw chatFault(`no method ${method}`)
  if (digits > 0 && digits <= 20) return Number(roundDecimal(value, digits))
  const scaled = value * factor
  const below = Math.floor(scaled)
  const rest = scaled - below
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0)
  return (up ? below + 1 : below) / factor
}

/** `toFixed` is exact, but takes the upper one of two that are as near; Python takes the even one. */
function roundDecimal(value: number, digits: number): string {
  const fixed = value.toFixed(digits)
  const isHalf = digits < 60 && /^50*$/.test(value.toFixed(100).slice(fixed.length))
  if (!isHalf || '02468'.includes(fixed.at(-1) ?? '')) return fixed
  return (Number(fixed) - Math.sign(value) * 10 ** -digits).toFixed(digits)
}
