import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findReasoningMarks } from './reasoning-marks.ts'
import { isThoughtOpen, splitReasoning } from './reasoning.ts'

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

const wrapped = { ...closed, wrap: ['<answer>', '</answer>'] as const }

describe('an answer that is wrapped too', () => {
  it.each([
    ['<think>\nHm.\n</think>\n<answer>\nTwo.\n</answer>\n', wrapped, 'Hm.', 'Two.', false],
    ['<answer>Two.</answer>', wrapped, '', 'Two.', false],
    ['<think>Hm.</think>Two.', wrapped, 'Hm.', 'Two.', false],
    ['Two, as <answer> says.', wrapped, '', 'Two, as <answer> says.', false],
    ['<think>Hm.</think><ans', wrapped, 'Hm.', '', false],
    ['<think>Hm.</think><answer>Two.</ans', wrapped, 'Hm.', 'Two.', false],
  ])('parts %j', (text, tags, reasoning, answer, isThinking) => {
    expect(splitReasoning(text, tags)).toEqual({ reasoning, answer, isThinking })
  })
})

const channels = findReasoningMarks('<|channel|>', [])!
const end = '<|end|><|start|>assistant'

describe('an answer in channels', () => {
  it.each([
    [
      `<|channel|>analysis<|message|>Simple.${end}<|channel|>final<|message|>4.`,
      false,
      'Simple.',
      '4.',
      false,
    ],
    ['<|channel|>analysis<|message|>Simple', false, 'Simple', '', true],
    ['<|channel|>final<|message|>4.', false, '', '4.', false],
    ['<|channel|>final json<|message|>{}', false, '', '{}', false],
    [
      `<|channel|>analysis<|message|>A${end}<|channel|>commentary<|message|>B${end}<|channel|>final<|message|>4.<|end|>`,
      false,
      'A\n\nB',
      '4.',
      false,
    ],
    [`Simple.${end}<|channel|>final<|message|>4.`, true, 'Simple.', '4.', false],
    ['Hello', false, '', 'Hello', false],
    ['', false, '', '', false],
    ['<|chan', false, '', '', false],
  ])('parts %j, opened %j', (text, isOpened, reasoning, answer, isThinking) => {
    expect(splitReasoning(text, { ...channels, opened: isOpened })).toMatchObject({
      reasoning,
      answer,
      isThinking,
    })
  })

  it('only ever grows while the text does', () => {
    const whole = `<|channel|>analysis<|message|>Hm.${end}<|channel|>final<|message|>Two <|> four.`
    let before = ''
    for (let length = 0; length <= whole.length; length++) {
      const { reasoning, answer } = splitReasoning(whole.slice(0, length), channels)
      expect('Hm.').toContain(reasoning)
      expect(answer.startsWith(before)).toBe(true)
      before = answer
    }
    expect(splitReasoning(whole, channels, true)).toEqual({
      reasoning: 'Hm.',
      answer: 'Two <|> four.',
      isThinking: false,
    })
  })
})

describe('findReasoningMarks', () => {
  it.each([
    ["content.split('</think>')", '<think>', '</think>'],
    ['[THINK][/THINK]', '[THINK]', '[/THINK]'],
    ['set end = "</seed:think>"', '<seed:think>', '</seed:think>'],
    ['<|START_THINKING|><|END_THINKING|>', '<|START_THINKING|>', '<|END_THINKING|>'],
    ['<|channel>thought\n<channel|>', '<|channel>thought', '<channel|>'],
    ['<|inner_prefix|><|inner_suffix|>', '<|inner_prefix|>', '<|inner_suffix|>'],
    ['◁think▷◁/think▷', '◁think▷', '◁/think▷'],
    ["split('</thought>')", '<thought>', '</thought>'],
  ])('is told by the template %j', (template, open, close) => {
    expect(findReasoningMarks(template, [])).toEqual({ open, close })
    // A thought in these marks is read as one.
    expect(splitReasoning(`${open}Hm.${close}Two.`, { open, close })).toMatchObject({
      reasoning: 'Hm.',
      answer: 'Two.',
    })
  })

  it('is told by the tokens where the template says nothing', () => {
    expect(findReasoningMarks('{{ messages }}', ['<think>', '</think>'])).toEqual({
      open: '<think>',
      close: '</think>',
    })
    expect(findReasoningMarks('{{ messages }}', ['<|channel|>', '<|message|>'])).toMatchObject({
      channels: true,
    })
    expect(findReasoningMarks('{{ messages }}', ['<think>'])).toBeUndefined()
  })

  it('knows what else wraps the answer', () => {
    expect(findReasoningMarks('</think><answer></answer>', [])).toMatchObject({
      wrap: ['<answer>', '</answer>'],
    })
  })
})

it.each([
  ['assistant\n', closed, false],
  ['assistant\n<think>\n', closed, true],
  ['assistant\n<think>\n\n</think>\n\n', closed, false],
  ['<|start|>assistant', channels, false],
  ['<|start|>assistant<|channel|>analysis<|message|>', channels, true],
  ['<|start|>assistant<|channel|>final<|message|>', channels, false],
])('a prompt that ends with %j', (tail, marks, isOpen) => {
  expect(isThoughtOpen(tail, marks)).toBe(isOpen)
})
