import { InfernetError } from '../../errors/infernet-error.ts'
import { createWordFinder } from './word-finder.ts'

/** Messages in which every control token is a single character that stands for it. */
export interface FencedMessages {
  readonly contents: readonly string[]
  /** What the characters stand for. */
  readonly pieces: ReadonlyMap<string, string>
}

export interface FenceInit {
  /** The control tokens. */
  readonly marks: readonly string[]
  /** The control tokens that are looked for in the normalized text, as they are there. */
  readonly normalizedMarks: readonly string[]
  /** How the tokenizer writes one character. */
  readonly normalize: (text: string) => string
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Takes out of messages whatever would become a control token in a chat. */
export function createFence(init: FenceInit): (contents: readonly string[]) => FencedMessages {
  const findMarks = createWordFinder(init.marks)
  const findNormalized = init.normalizedMarks.length > 0 ? createNormalizedFinder(init) : () => []
  const findEnds = createEndFinder(init.marks)
  return (contents) => {
    const characters = unusedCharacters(contents)
    const pieces = new Map<string, string>()
    const known = new Map<string, string>()
    const stand = (piece: string): string => {
      const character = known.get(piece) ?? characters()
      known.set(piece, character)
      pieces.set(character, piece)
      return character
    }
    const fenced = contents.map((content) => {
      const raw = findMarks(content).map(({ word, start }) => ({ start, end: start + word.length }))
      const ranges = apart([...raw, ...findNormalized(content), ...findEnds(content)])
      return replaceRanges(content, ranges, stand)
    })
    return { contents: fenced, pieces }
  }
}

/** In order, without those that begin within another one. */
function apart(ranges: readonly Range[]): Range[] {
  let end = 0
  return ranges
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .filter((range) => {
      const isFree = range.start >= end
      if (isFree) end = range.end
      return isFree
    })
}

function replaceRanges(text: string, ranges: readonly Range[], stand: (piece: string) => string): string {
  let at = 0
  let fenced = ''
  for (const { start, end } of ranges) {
    fenced += text.slice(at, start) + stand(text.slice(start, end))
    at = end
  }
  return fenced + text.slice(at)
}

/**
 * A full-width `＜ｓ＞` becomes `<s>` where a tokenizer normalizes so. Looks in what each character becomes, and tells where
 * that stood.
 */
function createNormalizedFinder({ normalizedMarks, normalize }: FenceInit): (content: string) => Range[] {
  const find = createWordFinder(normalizedMarks)
  const known = new Map<string, string>()
  return (content) => {
    const from: Range[] = []
    let text = ''
    let start = 0
    for (const character of content) {
      const written = known.get(character) ?? normalize(character)
      if (known.size < 1 << 14) known.set(character, written)
      const range = { start, end: start + character.length }
      for (let unit = 0; unit < written.length; unit++) from.push(range)
      text += written
      start = range.end
    }
    return find(text).flatMap((found) => {
      const [first, last] = [from[found.start], from[found.start + found.word.length - 1]]
      return first && last ? [{ start: first.start, end: last.end }] : []
    })
  }
}

/**
 * A message may end in the beginning of a mark, of which the template writes the rest: `'<|' + m.content + '|>'`. Spaces
 * around a message may be taken off.
 */
function createEndFinder(marks: readonly string[]): (content: string) => Range[] {
  const lengths = marks.map((mark) => mark.length)
  const longest = Math.max(0, ...lengths)
  const begins = new Set(marks.flatMap((mark) => beginnings(mark)))
  const ends = new Set(marks.flatMap((mark) => beginnings(mark).map((begin) => mark.slice(begin.length))))
  return (content) => {
    const first = content.length - content.trimStart().length
    const last = content.trimEnd().length
    const whole = content.slice(first, last)
    if (whole.length === 0) return []
    if (whole.length < longest && marks.some((mark) => mark.includes(whole)))
      return [{ start: first, end: last }]
    const most = Math.min(longest - 1, whole.length)
    const sizes = Array.from({ length: Math.max(0, most) }, (_, i) => most - i)
    const head = sizes.find((size) => ends.has(whole.slice(0, size)))
    const tail = sizes.find((size) => begins.has(whole.slice(-size)))
    return [
      ...(head === undefined ? [] : [{ start: first, end: first + head }]),
      ...(tail === undefined ? [] : [{ start: last - tail, end: last }]),
    ]
  }
}

const beginnings = (mark: string): string[] =>
  Array.from({ length: mark.length - 1 }, (_, i) => mark.slice(0, i + 1))

/** Private-use characters that no message holds: there are 6400, and no keyboard writes them. */
function unusedCharacters(contents: readonly string[]): () => string {
  let code = 0xe000
  return () => {
    for (; code <= 0xf8ff; code++) {
      const character = String.fromCharCode(code)
      if (contents.some((content) => content.includes(character))) continue
      code++
      return character
    }
    throw new InfernetError('prompt.bad-parameters', { parameter: 'content' })
  }
}
