import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyAnswer, piecesOf } from './testing/answers.ts'
import { sourceOf, toBlocks, type Block } from './paragraphs.ts'

const seam = { label: '1.2 s', spoken: 'changed', note: 'note' }
const text = (value: string) => [{ text: value, seam: undefined }]

/** What a reader sees of each block: its kind, the word at its head, and its text. */
const shown = (value: string): [Block['kind'], string, string][] =>
  toBlocks(text(value)).map(({ kind, info, inlines }) => [kind, info, textOf(inlines)])
const textOf = (inlines: Block['inlines']): string =>
  inlines.map((inline) => (inline.kind === 'seam' ? '|' : inline.text)).join('')

it('cuts at empty lines and keeps single line breaks', () => {
  expect(shown('One\ntwo\n\nthree')).toEqual([
    ['paragraph', '', 'One\ntwo'],
    ['paragraph', '', 'three'],
  ])
})

it('puts the seam where the provider changed, inside a paragraph or before one', () => {
  const blocks = toBlocks([
    { text: 'It was ', seam: undefined },
    { text: 'warm.', seam },
  ])
  expect(blocks).toHaveLength(1)
  expect(blocks[0]?.inlines.map((inline) => inline.kind)).toEqual(['text', 'seam', 'text'])
  expect(toBlocks([{ text: '', seam }])).toMatchObject([{ inlines: [{ kind: 'seam', seam }] }])
})

it('keeps all of a block of code, with blank lines in it and without', () => {
  expect(shown('Here it is:\n\n```python\nprint(1)\n\nprint(2)\n```')).toEqual([
    ['paragraph', '', 'Here it is:'],
    ['code', 'python', 'print(1)\n\nprint(2)'],
  ])
  expect(shown('Here it is:\n\n```python\nprint(1)\n```\n\nDone.')).toEqual([
    ['paragraph', '', 'Here it is:'],
    ['code', 'python', 'print(1)'],
    ['paragraph', '', 'Done.'],
  ])
  expect(shown('So:\n```js\nlet a = 1\n\nlet b\n```\nDone')).toEqual([
    ['paragraph', '', 'So:'],
    ['code', 'js', 'let a = 1\n\nlet b'],
    ['paragraph', '', 'Done'],
  ])
})

it.each([
  ['while its end has not come yet', '```\nx = 1', [['code', '', 'x = 1']]],
  [
    'while only its fence has come',
    'So:\n```py',
    [
      ['paragraph', '', 'So:'],
      ['code', 'py', ''],
    ],
  ],
  ['with tildes, and backquotes in it', '~~~md\n```\n~~~', [['code', 'md', '```']]],
  ['with a longer fence round a shorter one', '````\n```\n````', [['code', '', '```']]],
  [
    'with line ends of Windows',
    '```c\r\nint a;\r\n```\r\nDone',
    [
      ['code', 'c', 'int a;\r'],
      ['paragraph', '', 'Done'],
    ],
  ],
  ['with nothing in it', '```\n```', [['code', '', '']]],
  [
    'indented, its lines as they are',
    '1. So:\n\n   ```\n   a\n   ```',
    [
      ['paragraph', '', '1. So:'],
      ['code', '', '   a'],
    ],
  ],
  [
    'behind the mark of an item',
    '- a\n- ```js\n  b\n  ```\n- c',
    [
      ['paragraph', '', '- a\n- '],
      ['code', 'js', '  b'],
      ['paragraph', '', '- c'],
    ],
  ],
  ['with all words behind its fence', '``` js  title="a b" \nc\n```', [['code', 'js  title="a b"', 'c']]],
])('fences code off %s', (_, answer, blocks) => {
  expect(shown(answer)).toEqual(blocks)
})

it.each(['```not a fence```', 'a ``` b', '> ```\n> quoted\n> ```', '    \tindented\n\ta', '``'])(
  'leaves %j as the model wrote it',
  (answer) => {
    expect(toBlocks(text(answer)).map(({ kind }) => kind)).toEqual(['paragraph'])
    expect(sourceOf(toBlocks(text(answer)))).toBe(answer)
  },
)

it('sets code in a line and leaves every other mark as the model wrote it', () => {
  expect(toBlocks(text('Use `a<b>` and **not** <i>'))[0]?.inlines).toEqual([
    { kind: 'text', text: 'Use ' },
    { kind: 'code', text: 'a<b>', source: '`a<b>`' },
    { kind: 'text', text: ' and **not** <i>' },
  ])
})

it('keeps a seam in its place wherever it falls: in code, in a fence, in code within a line, in blank lines', () => {
  const cutAt = (answer: string, at: number): string[] =>
    toBlocks(piecesOf(answer, [at])).map(({ inlines }) => textOf(inlines))
  expect(cutAt('```\nabc\n```', 5)).toEqual(['a|bc'])
  expect(cutAt('a\n```js\nb\n```', 4)).toEqual(['a', '|b'])
  expect(cutAt('a `bcd` e', 4)).toEqual(['a b|cd e'])
  expect(cutAt('a\n\n\nb', 2)).toEqual(['a|', 'b'])
  expect(cutAt('a\n', 2)).toEqual(['a|'])
})

it('loses no character, whatever the text, wherever it was cut and whoever went on', () => {
  fc.assert(
    fc.property(anyAnswer, ({ text: whole, seams }) => {
      for (let length = 0; length <= whole.length; length++) {
        const blocks = toBlocks(piecesOf(whole.slice(0, length), seams))
        expect(sourceOf(blocks)).toBe(whole.slice(0, length))
        const kept = blocks.flatMap(({ inlines }) => inlines.filter(({ kind }) => kind === 'seam'))
        expect(kept).toHaveLength(seams.filter((at) => at <= length).length)
      }
    }),
    { numRuns: 300 },
  )
})

it('turns nothing into structure but marks of fences, backquotes, and the space around blocks', () => {
  const bare = (value: string): string => value.replaceAll(/[\s`~]/g, '')
  fc.assert(
    fc.property(anyAnswer, ({ text: whole, seams }) => {
      for (let length = 0; length <= whole.length; length++) {
        const blocks = toBlocks(piecesOf(whole.slice(0, length), seams))
        for (const { kind, info, inlines, opening, closing } of blocks) {
          expect(bare(opening + closing)).toBe(bare(info))
          if (kind === 'paragraph') expect(opening + closing).toMatch(/^\s*$/)
          for (const inline of inlines)
            if (inline.kind === 'code') expect(inline.source.replaceAll('`', '')).toBe(inline.text)
        }
        const drawn = blocks.map(
          ({ info, inlines }) => info + textOf(inlines.filter((i) => i.kind !== 'seam')),
        )
        expect(bare(drawn.join(''))).toBe(bare(whole.slice(0, length)))
      }
    }),
    { numRuns: 300 },
  )
})

it('reads a long line of a stranger in no more than a moment', () => {
  const startedAt = performance.now()
  for (const part of ['-  ', '1. ', '`', '~', ' ', '\t', '\n', '```\n', '- ```\n', '`a` '])
    toBlocks(text(part.repeat(20_000)))
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
