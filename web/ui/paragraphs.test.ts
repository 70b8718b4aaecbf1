import { expect, it } from 'vitest'
import { toBlocks } from './paragraphs.ts'

const seam = { label: '1.2 s', spoken: 'changed', note: 'note' }
const text = (value: string) => [{ text: value, seam: undefined }]

it('cuts at empty lines and keeps single line breaks', () => {
  expect(toBlocks(text('One\ntwo\n\nthree'))).toEqual([
    { kind: 'paragraph', inlines: [{ kind: 'text', text: 'One\ntwo' }] },
    { kind: 'paragraph', inlines: [{ kind: 'text', text: 'three' }] },
  ])
})

it('puts the seam where the provider changed, inside a paragraph or before one', () => {
  const blocks = toBlocks([
    { text: 'It was ', seam: undefined },
    { text: 'warm.', seam },
  ])
  expect(blocks).toHaveLength(1)
  expect(blocks[0]?.inlines.map((inline) => inline.kind)).toEqual(['text', 'seam', 'text'])
  expect(toBlocks([{ text: '', seam }])).toHaveLength(1)
})

it('fences code off, also while its end has not come yet', () => {
  expect(toBlocks(text('So:\n```js\nlet a = 1\n\nlet b\n```\nDone')).map((block) => block.kind)).toEqual([
    'paragraph',
    'code',
    'paragraph',
  ])
  expect(toBlocks(text('```\nx = 1')).at(-1)).toEqual({
    kind: 'code',
    inlines: [{ kind: 'text', text: 'x = 1' }],
  })
})

it('sets code in a line and leaves every other mark as the model wrote it', () => {
  expect(toBlocks(text('Use `a<b>` and **not** <i>'))[0]?.inlines).toEqual([
    { kind: 'text', text: 'Use ' },
    { kind: 'code', text: 'a<b>' },
    { kind: 'text', text: ' and **not** <i>' },
  ])
})
