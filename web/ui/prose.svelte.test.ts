import fc from 'fast-check'
import { render } from 'svelte/server'
import { expect, it } from 'vitest'
import { toShownParts } from './hidden-characters.ts'
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

/** The text with the marks that stand for hidden characters. */
const shown = (text: string): string =>
  toShownParts(text)
    .map((part) => (part.kind === 'mark' ? part.label : part.text))
    .join('')

it('marks hidden characters in the text, in code, and in the word at its head', () => {
  // By number: Svelte warns of them in a source.
  const [override, space, isolate, end] = [0x202e, 0x200b, 0x2066, 0x2069].map((code) =>
    String.fromCodePoint(code),
  )
  const html = draw(`a${override}b \`c${space}d\`\n\n\`\`\`x${isolate}\ne${end}\n\`\`\``)
  expect(blocksIn(html)).toEqual(['aU+202Eb cU+200Bd', 'xU+2066eU+2069'])
  expect(html.match(/data-testid="hidden-character"/g)).toHaveLength(4)
  expect(html).toContain('title="Hidden here: right-to-left override"')
  expect(toShownParts(html.replaceAll(/\s/g, ' '))).toHaveLength(1)
})

it('draws every character of every block, also while it is written', () => {
  fc.assert(
    fc.property(anyAnswer, fc.boolean(), ({ text, seams }, writing) => {
      const wanted = toBlocks(piecesOf(text, seams)).map(({ info, inlines }) =>
        [info, ...inlines.map((inline) => (inline.kind === 'seam' ? '' : inline.text))].map(shown).join(''),
      )
      const html = draw(text, seams, writing)
      expect(blocksIn(html)).toEqual(wanted)
      expect(html.match(/data-testid="seam"/g) ?? []).toHaveLength(seams.length)
      expect(html.match(/class="caret/g) ?? []).toHaveLength(writing ? 1 : 0)
    }),
    { numRuns: 500 },
  )
})
