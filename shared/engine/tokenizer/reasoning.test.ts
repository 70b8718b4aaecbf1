import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findReasoningTags, splitReasoning } from './reasoning.ts'

const closed = { open: '<think>', close: '</think>', opened: false }
const opened = { ...closed, opened: true }

describe('splitReasoning', () => {
  it.each([
    ['<think>\nHm. 1 + 1.\n</think>\n\nTwo.', closed, 'Hm. 1 + 1.', 'Two.', false],
    ['\n<think>Hm.', closed, 'Hm.', '', true],
    ['Two.', closed, '', 'Two.', false],
    ['Hm.\n</think>\nTwo.', opened, 'Hm.', 'Two.', false],
    ['Hm', opened, 'Hm', '', true],
    // A model that is told to think may still write the mark itself.
    ['<think>Hm.</think>Two.', opened, 'Hm.', 'Two.', false],
    ['A mark like </think> later is text.', closed, '', 'A mark like </think> later is text.', false],
    ['<think></think>Two.', closed, '', 'Two.', false],
    ['', closed, '', '', false],
  ])('parts %j', (text, tags, reasoning, answer, isThinking) => {
    expect(splitReasoning(text, tags)).toEqual({ reasoning, answer, isThinking })
  })

  it('never shows a piece of a mark while the text grows', () => {
    const whole = '<think>\nHm.\n</think>\n\nTwo.'
    for (let length = 0; length <= whole.length; length++) {
      const { reasoning, answer } = splitReasoning(whole.slice(0, length), closed)
      expect('Hm.').toContain(reasoning)
      expect('Two.').toContain(answer)
    }
  })
})

it.each([opened, closed])('loses no character of a text that has ended, wherever it was cut', (tags) => {
  const parts = ['<', '<thi', '<think>', '</think>', '</', ' ', '\n', 'a', 'think>']
  const anyText = fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((each) => each.join(''))
  const bare = (text: string): string => text.replaceAll(/\s/g, '')
  fc.assert(
    fc.property(anyText, (text) => {
      for (let length = 0; length <= text.length; length++) {
        const whole = text.slice(0, length)
        const { reasoning, answer, isThinking } = splitReasoning(whole, tags, true)
        // The marks themselves are turned into structure, and the space around a thought with them.
        const begun = whole.trimStart().startsWith(tags.open) ? tags.open : ''
        const isParted = (begun !== '' || tags.opened) && !isThinking
        expect(bare(`${begun}${reasoning}${isParted ? tags.close : ''}${answer}`)).toBe(bare(whole))
      }
    }),
  )
})

describe('findReasoningTags', () => {
  it('is told by the template, and by where the prompt ends', () => {
    expect(findReasoningTags('{{ messages }}', '')).toBeUndefined()
    expect(findReasoningTags("content.split('</think>')", 'assistant\n')).toEqual(closed)
    expect(findReasoningTags('</think>', 'assistant\n<think>\n')).toEqual(opened)
    expect(findReasoningTags('</think>', 'assistant\n<think>\n\n</think>\n\n')).toEqual(closed)
  })
})
