import fc from 'fast-check'
import type { SeamView } from '../paragraphs.ts'

interface Piece {
  readonly text: string
  readonly seam: SeamView | undefined
}

const MARKS = ['`', '``', '```', '````', '~~~', '~~~~~', '- ', '* ', '1. ', '> ', '# ', '**', '|', '---']
const SPACES = ['\n', '\n', '\n\n', '\r\n', '\r', ' ', '   ', '\t', '\u00a0', '\u2028', '\f']
const WORDS = [
  'python',
  'print(1)',
  'a',
  '<b>',
  '&amp;',
  '</pre>',
  '<think>',
  '</think>',
  'é',
  '😀',
  '\u0000',
]

/** Answers full of Markdown, whole and broken, with the places where a provider went. */
export const anyAnswer = fc
  .array(
    fc.oneof(fc.constantFrom(...MARKS), fc.constantFrom(...SPACES), fc.constantFrom(...WORDS), fc.string()),
    {
      maxLength: 24,
    },
  )
  .map((parts) => parts.join(''))
  .chain((text) =>
    fc.record({
      text: fc.constant(text),
      seams: fc
        .array(fc.nat({ max: text.length }), { maxLength: 3 })
        .map((places) => places.toSorted((a, b) => a - b)),
    }),
  )

/** The text in its pieces, with a seam at each of the places that it reaches. */
export function piecesOf(text: string, seams: readonly number[]): Piece[] {
  const places = seams.filter((at) => at <= text.length)
  return [0, ...places].map((at, i) => ({
    text: text.slice(at, places[i] ?? text.length),
    seam: i === 0 ? undefined : { label: `${i}`, spoken: 'changed', note: 'note' },
  }))
}
