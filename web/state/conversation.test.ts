import { expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import {
  answerText,
  EMPTY_ANSWER,
  settleAfterReload,
  titleOf,
  type AnswerStage,
  type Turn,
} from './conversation.ts'

const turn = (stage: AnswerStage): Turn => ({
  id: stage,
  question: 'Why?',
  model: modelHash('a1'.repeat(32)),
  modelName: 'Tiny',
  answer: { ...EMPTY_ANSWER, stage, pieces: [{ seam: undefined, text: 'Because' }] },
})

it('names a conversation after the first line of its first question, cut at a word', () => {
  expect(titleOf('  What is a relay?\nPlease be short.')).toBe('What is a relay?')
  expect(titleOf('word '.repeat(30))).toMatch(/^(word )+word…$/)
})

it('takes what was under way when the page closed as stopped, and keeps what came', () => {
  const stages: AnswerStage[] = ['waiting', 'searching', 'answering', 'done', 'stopped', 'failed']
  const kept = settleAfterReload({ id: 'c', title: 't', updatedAt: 0, turns: stages.map(turn) })
  expect(kept.turns.map(({ answer }) => answer.stage)).toEqual([
    'stopped',
    'stopped',
    'stopped',
    'done',
    'stopped',
    'failed',
  ])
  expect(answerText(kept.turns[2]!.answer)).toBe('Because')
})
