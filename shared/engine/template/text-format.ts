import { chatFault, unknownPart } from './template-error.ts'
import { Dict, Float, List, numberOf, typeName, type CallArguments, type Value } from './values.ts'

type Print = (value: Value) => string

/** `'{} {0} {name}'.format(...)`, without the small language that may stand behind a colon. */
export function formatBraces(text: string, { positional, named }: CallArguments, print: Print): string {
  let next = 0
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (found, field: string | undefined) => {
    if (found === '{{' || found === '}}') return found.slice(1)
    if (field === undefined) throw chatFault('a single brace in a format')
    if (field !== '' && !/^\w+$/.test(field)) throw unknownPart(`the format {${field}}`)
    const value = /^\d*$/.test(field) ? positional[field === '' ? next++ : Number(field)] : named.get(field)
    if (value === undefined) throw chatFault(`nothing for {${field}}`)
    return print(value)
  })
}

/** `'%s %d' % ...`: each of Python's signs that a chat has a use for. */
export function formatPercent(text: string, given: Value, print: Print, repr: Print): string {
  const values = given instanceof List && given.kind === 'tuple' ? given.items : [given]
  let next = 0
  const filled = text.replace(
    /%(?:\((\w+)\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])|%/g,
    (
      found,
      key: string | undefined,
      flags: string,
      width: string,
      digits: string | undefined,
      sign: string,
    ) => {
      if (sign === '%') return '%'
      if (sign === undefined || flags.includes('#') || width.length > 4 || (digits?.length ?? 0) > 2)
        throw unknownPart(`the format ${found}`)
      const value = key === undefined ? values[next++] : valueOf(given, key)
      if (value === undefined) throw chatFault('not enough values for a format')
      return padded(oneOf(sign, value, digits, print, repr), flags, Number(width))
    },
  )
  if (next < values.length && !(given instanceof Dict)) throw chatFault('too many values for a format')
  return filled
}

function valueOf(given: Value, key: string): Value | undefined {
  if (!(given instanceof Dict)) throw chatFault('a format needs a dict')
  return given.get(key)
}

function oneOf(sign: string, value: Value, digits: string | undefined, print: Print, repr: Print): string {
  if (sign === 's' || sign === 'r') {
    const text = sign === 's' ? print(value) : repr(value)
    return digits === undefined ? text : [...text].slice(0, Number(digits)).join('')
  }
  const number = numberOf(value)
  if (number === undefined) throw chatFault(`a number was expected, not ${typeName(value)}`)
  if ((sign === 'd' || sign === 'i') && digits === undefined) return String(Math.trunc(number))
  if (sign === 'f' && Math.abs(number) < 1e21) return number.toFixed(Number(digits ?? 6))
  if ((sign === 'x' || sign === 'X') && digits === undefined && !(value instanceof Float))
    return sign === 'x' ? number.toString(16) : number.toString(16).toUpperCase()
  throw unknownPart(`the format %${sign}`)
}

function padded(text: string, flags: string, width: number): string {
  const signed = /[+ ]/.exec(flags)?.[0]
  const whole = signed !== undefined && /^\d/.test(text) ? signed + text : text
  if (flags.includes('-')) return whole.padEnd(width)
  if (!flags.includes('0') || !/^[+ -]?[\d.]+$/.test(whole)) return whole.padStart(width)
  const sign = /^[+ -]/.exec(whole)?.[0] ?? ''
  return sign + whole.slice(sign.length).padStart(width - sign.length, '0')
}
