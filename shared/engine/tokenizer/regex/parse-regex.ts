/** A part of a regular expression. A `set` takes one character, and its source is what tells which. */
export type Part =
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly options: readonly Part[] }
  | Repeat
  | {
      readonly kind: 'look'
      readonly part: Part
      readonly isBehind: boolean
      readonly isNegative: boolean
    }

export interface Repeat {
  readonly kind: 'repeat'
  readonly part: Part
  readonly least: number
  /** Infinity where there is no most. */
  readonly most: number
  readonly isLazy: boolean
}

export interface ParsedRegex {
  readonly part: Part
  readonly hasCaptures: boolean
}

const MAX_DEPTH = 64

/**
 * Reads the source of a JavaScript regular expression of flag `u` that the browser has compiled, so that its form is
 * right. Thrown for what is not run here: references back, and groups that change the flags.
 */
export function parseRegex(source: string): ParsedRegex {
  let at = 0
  let hasCaptures = false

  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found) at += found[0].length
    return found
  }

  function choice(depth: number): Part {
    if (depth > MAX_DEPTH) throw new Error('a regex too deep')
    const options = [sequence(depth)]
    while (source[at] === '|') {
      at++
      options.push(sequence(depth))
    }
    const [only] = options
    return only && options.length === 1 ? only : { kind: 'choice', options }
  }

  function sequence(depth: number): Part {
    const parts: Part[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(atom(depth)))
    const [only] = parts
    return only && parts.length === 1 ? only : { kind: 'sequence', parts }
  }

  function repeated(part: Part): Part {
    const found = take(QUANTIFIER)
    if (!found) return part
    const [, sign, low, comma, high, lazy] = found
    const [least, most] = sign
      ? (SIGNS[sign] ?? [0, 0])
      : [Number(low), high ? Number(high) : comma ? Infinity : Number(low)]
    // Told apart from the rest, an empty round would have to be remembered with each state.
    if (most === Infinity && isNullable(part)) throw new Error('a regex that repeats nothing without end')
    return { kind: 'repeat', part, least, most, isLazy: lazy === '?' }
  }

  function atom(depth: number): Part {
    if (source[at] === '(') return group(depth)
    const found = take(CHARACTER)
    if (!found) throw new Error(`an unknown part of a regex at ${at}`)
    return { kind: 'set', source: found[0] }
  }

  function group(depth: number): Part {
    const opening = take(GROUP)?.[1] ?? ''
    if (opening === '?' || source[at] === '?') throw new Error('an unknown group of a regex')
    hasCaptures ||= opening === '' || opening.endsWith('>')
    const part = choice(depth + 1)
    at++
    const look = LOOKS[opening]
    return look ? { kind: 'look', part, ...look } : part
  }

  const part = choice(0)
  if (at < source.length) throw new Error('a regex with too many brackets')
  return { part, hasCaptures }
}

const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d+)?)?\})(\?)?/y
const SIGNS: Readonly<Record<string, readonly [number, number]>> = {
  '*': [0, Infinity],
  '+': [1, Infinity],
  '?': [0, 1],
}
const GROUP = /\((\?(?::|=|!|<=|<!|<[^>=!]*>))?/y
const LOOKS: Readonly<Record<string, { readonly isBehind: boolean; readonly isNegative: boolean }>> = {
  '?=': { isBehind: false, isNegative: false },
  '?!': { isBehind: false, isNegative: true },
  '?<=': { isBehind: true, isNegative: false },
  '?<!': { isBehind: true, isNegative: true },
}
/** A class, an escape of one character or of a class, or a character that stands for itself. */
const CHARACTER = new RegExp(
  [
    String.raw`\[(?:[^\\\]]|\\[^])*\]`,
    String.raw`\\(?:[pPu]\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4})`,
    String.raw`\\(?:x[0-9a-fA-F]{2}|c[A-Za-z]|0(?!\d)|[^1-9bBkpPuxc0])`,
    String.raw`[^\\^$*+?{}()[\]|]`,
  ].join('|'),
  'uy',
)

function isNullable(part: Part): boolean {
  switch (part.kind) {
    case 'set':
      return false
    case 'look':
      return true
    case 'sequence':
      return part.parts.every(isNullable)
    case 'choice':
      return part.options.some(isNullable)
    case 'repeat':
      return part.least === 0 || isNullable(part.part)
  }
}
