import fc from 'fast-check'
import { render } from 'svelte/server'
import { expect, it } from 'vitest'
import { toBlocks } from './paragraphs.ts'
import Prose from './Prose.svelte'
import { anyAnswer, piecesOf } from './testing/answers.ts'

/** The text that the markup shows, block by block. */
function blocksIn(html: string): string[] {
  return [...html.matchAll(/<(p|pre)\b[^>]*>(.*?)<\/\1>/gs)].map(([, , inner = '']) =>
    inner
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  )
}

const draw = (text: string, seams: readonly number[] = [], writing = false): string =>
  render(Prose, { props: { pieces: piecesOf(text, seams), writing } }).body

it('draws all code of an answer, and the word at its head', () => {
  expect(blocksIn(draw('Here it is:\n\n```python\nprint(1)\n\nprint(2)\n```'))).toEqual([
    'Here it is:',
    'pythonprint(1)\n\nprint(2)',
  ])
})

it('draws every character of every block, also while it is written', () => {
  fc.assert(
    fc.property(anyAnswer, fc.boolean(), ({ text, seams }, writing) => {
      const wanted = toBlocks(piecesOf(text, seams)).map(({ info, inlines }) =>
        [info, ...inlines.map((inline) => (inline.kind === 'seam' ? '' : inline.text))].join(''),
      )
      const html = draw(text, seams, writing)
      expect(blocksIn(html)).toEqual(wanted)
      expect(html.match(/data-testid="seam"/g) ?? []).toHaveLength(seams.length)
      expect(html.match(/class="caret/g) ?? []).toHaveLength(writing ? 1 : 0)
    }),
    { numRuns: 500 },
  )
})
