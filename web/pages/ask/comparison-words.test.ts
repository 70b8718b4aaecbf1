import { expect, it } from 'vitest'
import { EMPTY_ANSWER, type AnswerStage, type Comparison } from '../../state/ask/conversation.ts'
import { comparisonWords } from './comparison-words.ts'

const words = (comparison: Comparison | undefined, stage: AnswerStage = 'done') =>
  comparisonWords({ ...EMPTY_ANSWER, stage, comparison })
const parted = { position: 7, providers: ['a', 'b'] as const }

it('says no more of two providers than is known', () => {
  expect(words(undefined)).toBeUndefined()
  expect(words({ tokens: undefined }, 'answering')).toMatch(
    /^Two providers read the prompt\. .* are compared\.$/,
  )
  expect(words({ tokens: undefined }, 'failed')).toMatch(/not compared to the end\.$/)
  expect(words({ tokens: 80 })).toBe('Two providers read the prompt, and wrote the same 80 tokens.')
  expect(words({ tokens: 80, reasonCode: 'stream.silent' })).toMatch(/as far as both came\.$/)
  expect(words({ tokens: 20 }, 'stopped')).toMatch(/as far as both came\.$/)
  const longer = { ...EMPTY_ANSWER, stage: 'done', tokens: 90, comparison: { tokens: 80 } } as const
  expect(comparisonWords(longer), 'continued').toMatch(/as far as both came\.$/)
  expect(words({ tokens: 7, parted })).toMatch(/different words from token 8 on\. .* is not known\.$/)
  expect(words({ tokens: 0, reasonCode: 'schedule.no-provider' })).toMatch(/^Only one provider read/)
  expect(words({ tokens: 0, reasonCode: 'stream.silent' })).toMatch(/^Nothing could be compared/)
})
