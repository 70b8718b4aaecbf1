import type { ByteSet, Sequence } from './program.ts'

/** The bytes of inclusive ranges. */
export function bytesOf(...ranges: readonly (readonly [first: number, last: number])[]): ByteSet {
  const set = new Uint8Array(256)
  for (const [first, last] of ranges) set.fill(1, first, last + 1)
  return set
}

/** Any one of these ASCII characters. */
export function oneOf(characters: string): ByteSet {
  return bytesOf(
    ...[...characters].map((character): [number, number] => {
      const code = character.charCodeAt(0)
      return [code, code]
    }),
  )
}

const encoder = new TextEncoder()

/** A text, byte by byte in UTF-8. */
export function literal(text: string): Sequence {
  return Array.from(encoder.encode(text), (byte) => ({ set: bytesOf([byte, byte]) }))
}

type Range = readonly [first: number, last: number]

/** Where the number of bytes changes, and the surrogates, which UTF-8 does not write. */
const EDGES: readonly Range[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
]

/** The characters of inclusive ranges of code points, as alternatives of UTF-8 byte sequences. */
export function characters(ranges: readonly Range[]): readonly Sequence[] {
  const sequences: Sequence[] = []
  for (const [first, last] of ranges)
    for (const [low, high] of EDGES)
      if (Math.max(first, low) <= Math.min(last, high))
        split(utf8(Math.max(first, low)), utf8(Math.min(last, high)), [], sequences)
  return mergeSingles(sequences)
}

/** Code points that are in none of the ranges. */
export function complement(ranges: readonly Range[]): readonly Range[] {
  const gaps: Range[] = []
  let from = 0
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (first > from) gaps.push([from, first - 1])
    from = Math.max(from, last + 1)
  }
  return from <= 0x10ffff ? [...gaps, [from, 0x10ffff]] : gaps
}

function utf8(codePoint: number): readonly number[] {
  return [...encoder.encode(String.fromCodePoint(codePoint))]
}

/** Byte strings of one length from `first` to `last` as products of byte ranges. */
function split(first: readonly number[], last: readonly number[], before: Sequence, into: Sequence[]): void {
  const [a = 0, ...restA] = first
  const [b = 0, ...restB] = last
  if (restA.length === 0) {
    into.push([...before, { set: bytesOf([a, b]) }])
    return
  }
  if (a === b) {
    split(restA, restB, [...before, { set: bytesOf([a, a]) }], into)
    return
  }
  const lowest = restA.map(() => 0x80)
  const highest = restA.map(() => 0xbf)
  const isWholeA = restA.every((byte) => byte === 0x80)
  const isWholeB = restB.every((byte) => byte === 0xbf)
  if (!isWholeA) split(restA, highest, [...before, { set: bytesOf([a, a]) }], into)
  const middle: Range = [isWholeA ? a : a + 1, isWholeB ? b : b - 1]
  if (middle[0] <= middle[1]) {
    const any = lowest.map((byte, i) => ({ set: bytesOf([byte, highest[i] ?? byte]) }))
    into.push([...before, { set: bytesOf(middle) }, ...any])
  }
  if (!isWholeB) split(lowest, restB, [...before, { set: bytesOf([b, b]) }], into)
}

/** One alternative for all single bytes, which is what most text is. */
function mergeSingles(sequences: readonly Sequence[]): readonly Sequence[] {
  const single = new Uint8Array(256)
  const longer: Sequence[] = []
  for (const sequence of sequences) {
    const [piece] = sequence
    if (sequence.length > 1 || !piece || !('set' in piece)) longer.push(sequence)
    else for (const [byte, isIn] of piece.set.entries()) if (isIn) single[byte] = 1
  }
  return single.includes(1) ? [[{ set: single }], ...longer] : longer
}
