import { bytesOf, characters, literal, oneOf } from './byte-sets.ts'
import { type GrammarBuilder, type Piece, type Sequence } from './program.ts'

/** Digits before and after the point. What is below 10^15 is a whole number without loss in a JavaScript number. */
export const MOST_DIGITS = 15
/** Spaces and tabs that may follow a line break: eight levels of four. */
const MOST_INDENT = 32

/** The rules of JSON, to be put together; GRAMMAR.md lists them. */
export interface JsonRules {
  readonly any: Piece
  readonly object: Piece
  readonly array: Piece
  readonly string: Piece
  /** One character of a text, as it is or escaped. */
  readonly character: Piece
  readonly number: Piece
  readonly integer: Piece
  /** What may stand between two marks: nothing, a space, or a line break and an indent. */
  readonly gap: Piece
  stringOf(least: number, most: number | undefined): Piece
  /** An array of values of `item`. */
  arrayOf(item: Piece, least: number, most: number | undefined): Piece
  /** An array that begins with values of `first`, each as far as it has that many; `rest` undefined: and ends there. */
  tupleOf(first: readonly Piece[], rest: Piece | undefined, least: number, most: number | undefined): Piece
  /** An object of any names, or of those that `name` writes, with values of `value`. */
  mapOf(value: Piece, name?: Piece): Piece
}

/** A value inside an array or an object. */
export function nested(piece: Piece): Piece {
  return 'rule' in piece ? { ...piece, isNested: true } : piece
}

export function createJsonRules(builder: GrammarBuilder): JsonRules {
  const hex: Piece = { set: oneOf('0123456789abcdefABCDEF') }
  const digit: Piece = { set: oneOf('0123456789') }
  const quote: Piece = { set: oneOf('"') }

  const escape: readonly Sequence[] = [
    [{ set: oneOf('"\\/bfnrt') }],
    [...literal('u'), { set: oneOf('0123456789abcefABCEF') }, hex, hex, hex],
    [...literal('u'), { set: oneOf('dD') }, { set: oneOf('01234567') }, hex, hex],
    [
      ...[...literal('u'), { set: oneOf('dD') }, { set: oneOf('89abAB') }, hex, hex],
      ...[...literal('\\u'), { set: oneOf('dD') }, { set: oneOf('cdefCDEF') }, hex, hex],
    ],
  ]
  const plain = characters([
    [0x20, 0x21],
    [0x23, 0x5b],
    [0x5d, 0x10ffff],
  ])
  const character = builder.rule(...plain, [...literal('\\'), builder.rule(...escape)])

  const indent = builder.repeat([{ set: bytesOf([0x20, 0x20], [0x09, 0x09]) }], 0, MOST_INDENT)
  const gap = builder.rule([], literal(' '), [...literal('\n'), ...indent])

  const digits = (least: number, most: number): Sequence => builder.repeat([digit], least, most)
  const whole = builder.rule(literal('0'), [{ set: oneOf('123456789') }, ...digits(0, MOST_DIGITS - 1)])
  const sign = builder.rule([], literal('-'))
  const fraction = builder.rule([], [...literal('.'), ...digits(1, MOST_DIGITS)])
  const exponent = builder.rule(
    [],
    [{ set: oneOf('eE') }, builder.rule([], [{ set: oneOf('+-') }]), ...digits(1, 2)],
  )
  const integer = builder.rule([sign, whole])
  const number = builder.rule([sign, whole, fraction, exponent])

  const string = builder.rule([quote, ...builder.repeat([character], 0), quote])
  const stringOf = (least: number, most: number | undefined): Piece =>
    least === 0 && most === undefined
      ? string
      : builder.rule([quote, ...builder.repeat([character], least, most), quote])

  function arrayOf(item: Piece, least: number, most: number | undefined): Piece {
    if (most === 0) return builder.rule([...literal('['), gap, ...literal(']')])
    const value = nested(item)
    const rest = builder.repeat(
      [builder.rule([...literal(','), gap, value, gap])],
      Math.max(0, least - 1),
      most === undefined ? undefined : most - 1,
    )
    const filled: Sequence = [...literal('['), gap, value, gap, ...rest, ...literal(']')]
    return least > 0 ? builder.rule(filled) : builder.rule([...literal('['), gap, ...literal(']')], filled)
  }

  function tupleOf(first: readonly Piece[], rest: Piece | undefined, least: number, most = Infinity): Piece {
    const comma: Sequence = [...literal(','), gap]
    const others = rest && [builder.rule([...comma, nested(rest), gap])]
    const many = Math.max(0, most - first.length)
    let tail: Sequence = others
      ? builder.repeat(others, Math.max(0, least - first.length), many === Infinity ? undefined : many)
      : []
    for (let i = Math.min(first.length, most) - 1; i >= 0; i--) {
      const value: Sequence = [nested(first[i] ?? any), gap, ...tail]
      const whole: Sequence = i === 0 ? value : [...comma, ...value]
      tail = [i < least ? builder.rule(whole) : builder.rule([], whole)]
    }
    return builder.rule([...literal('['), gap, ...tail, ...literal(']')])
  }

  function mapOf(value: Piece, name = string): Piece {
    const pair = builder.rule([name, ...literal(':'), gap, nested(value), gap])
    const rest = builder.repeat([...literal(','), gap, pair], 0)
    const filled = builder.rule([pair, ...rest], [])
    return builder.rule([...literal('{'), gap, filled, ...literal('}')])
  }

  const any: Piece = { rule: builder.declare() }
  const array = arrayOf(any, 0, undefined)
  const object = mapOf(any)
  const words = ['true', 'false', 'null'].map(literal)
  builder.define(any.rule, [[object], [array], [string], [number], ...words])

  return {
    ...{ any, object, array, string, character, number, integer, gap },
    ...{ stringOf, arrayOf, tupleOf, mapOf },
  }
}
