import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toShownParts } from './hidden-characters.ts'

/** The text as it is shown, marks in angle brackets. */
const shown = (text: string): string =>
  toShownParts(text)
    .map((part) => (part.kind === 'mark' ? `<${part.label}>` : part.text))
    .join('')

it('leaves ordinary text as it is, in one part', () => {
  const text = 'Line one,\ttwo\r\nand ü, 漢字, 100 %, a non\u00a0breaking space.'
  expect(toShownParts(text)).toEqual([{ kind: 'text', text }])
  expect(toShownParts('')).toEqual([])
})

it('marks what turns a text around', () => {
  expect(shown('user\u202e gpj.exe')).toBe('user<U+202E> gpj.exe')
  expect(shown('\u2066// \u2069\u202d')).toBe('<U+2066>// <U+2069 U+202D>')
  expect(toShownParts('a\u202eb')[1]).toEqual({
    kind: 'mark',
    label: 'U+202E',
    says: 'Hidden here: right-to-left override',
  })
})

it('marks overrides in a script that runs from right to left too, and leaves its own marks', () => {
  expect(shown('שלום\u200f!')).toBe('שלום\u200f!')
  expect(shown('abc\u200f!')).toBe('abc<U+200F>!')
  expect(shown('של\u202eום')).toBe('של<U+202E>ום')
})

it('marks what has no width', () => {
  for (const hidden of [
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u3164',
    '\u034f',
    '\u2800',
  ])
    expect(shown(`a${hidden}b`)).toMatch(/^a<U\+[0-9A-F]{4}>b$/)
  for (const control of ['\0', '\b', '\v', '\f', '\x1b', '\x7f', '\x85', '\u2028', '\u2029', '\ufff9'])
    expect(shown(`a${control}b`)).toMatch(/^a<U\+[0-9A-F]{4}>b$/)
})

it('makes one mark of a run, and counts what it does not name', () => {
  expect(shown(`a${'\u200b'.repeat(40)}b`)).toBe('a<U+200B U+200B U+200B and 37 more>b')
})

it('shows a text in letters that do not show, and one in variations', () => {
  const secret = Array.from('ignore', (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join(
    '',
  )
  expect(shown(`a${secret}b`)).toBe('a<U+E0069 U+E0067 U+E006E and 3 more>b')
  expect(shown('😀\ufe01\ufe02')).toBe('😀<U+FE01 U+FE02>')
  expect(shown('😀\ufe0f\ufe0f')).toBe('😀\ufe0f<U+FE0F>')
})

describe('what belongs to how something is written stays', () => {
  it.each([
    ['a family of three', '👩‍👩‍👦'],
    ['a skin colour and a trade', '👩🏽‍🚒'],
    ['a flag with colours', '🏳️‍🌈'],
    ['the flag of Wales', '🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}'],
    ['a key', '1️⃣'],
    ['a heart in text', '❤\ufe0e'],
    ['Persian', 'می\u200cخواهم'],
    ['Hindi', 'क्\u200dष'],
    ['Thai', 'ภาษา\u200bไทย'],
    ['an old form of Han', '葛\u{e0100}'],
    ['Braille', '⠓⠑⠇⠇⠕\u2800⠺'],
  ])('%s', (_what, text) => expect(shown(text)).toBe(text))

  it('also while its second half is still to come', () => {
    expect(shown('👩\u200d')).toBe('👩\u200d')
    expect(shown('a\u200d')).toBe('a<U+200D>')
  })
})

it('loses nothing that shows, and shows nothing that is hidden, whatever the text', () => {
  const unit = fc.oneof(
    fc.constantFrom(
      '\u202e',
      '\u200b',
      '\u200d',
      '\ufe0f',
      '👩',
      '🏴',
      '\u{e0067}',
      '\u{e007f}',
      'a',
      'م',
      '\n',
    ),
    fc.string({ unit: 'binary', maxLength: 1 }),
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 30 }), (units) => {
      const text = units.join('')
      const left = toShownParts(text)
        .map((part) => (part.kind === 'text' ? part.text : ''))
        .join('')
      const isVisible = (each: string): boolean =>
        !/[\p{DI}\p{Cc}\p{Zl}\p{Zp}\ufff9-\ufffb\u2800]/u.test(each)
      expect(Array.from(left).filter(isVisible)).toEqual(Array.from(text).filter(isVisible))
      expect(left).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    }),
  )
})
