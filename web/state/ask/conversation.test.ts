import { describe, expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import {
  answerText,
  EMPTY_ANSWER,
  readAnswer,
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

describe('an answer of a model that thinks aloud', () => {
  const reasoning = { open: '<think>', close: '</think>', opened: false }
  const seam = {
    position: 9,
    lost: 'a',
    next: 'b',
    gapMs: 1,
    unowed: 0,
    reasonCode: 'stream.provider-lost',
  }

  it('is read without the thought, which stands apart', () => {
    const pieces = [
      { seam: undefined, text: '<think>\nTwo and tw' },
      { seam, text: 'o.\n</think>\n\nFour' },
      { seam, text: ' it is.' },
    ]
    expect(readAnswer({ pieces, reasoning, stage: 'answering' })).toEqual({
      thought: 'Two and two.',
      isThinking: false,
      pieces: [
        { seam: undefined, text: '' },
        { seam, text: 'Four' },
        { seam, text: ' it is.' },
      ],
    })
  })

  it('ends where what it is wrapped in ends, across the pieces', () => {
    const wrapped = { ...reasoning, wrap: ['<answer>', '</answer>'] as const }
    const pieces = [
      { seam: undefined, text: '<think>Hm.</think><answer>Fo' },
      { seam, text: 'ur</answer>' },
    ]
    expect(readAnswer({ pieces, reasoning: wrapped, stage: 'done' }).pieces).toEqual([
      { seam: undefined, text: 'Fo' },
      { seam, text: 'ur' },
    ])
  })

  it('is told to others without the thought, by the marks of the model that wrote it', () => {
    const said = (text: string, marks: typeof reasoning): string =>
      answerText({ ...EMPTY_ANSWER, stage: 'done', pieces: [{ seam: undefined, text }], reasoning: marks })
    expect(said('<think>Hm.</think>Four', reasoning)).toBe('Four')
    expect(said('Hm.</think>Four', { ...reasoning, opened: true })).toBe('Four')
    expect(said('[THINK]Hm.[/THINK]Four', { open: '[THINK]', close: '[/THINK]', opened: false })).toBe('Four')
    expect(said('Hm.', { ...reasoning, opened: true })).toBe('')
  })

  it('shows nothing of the answer while the thought goes on', () => {
    const pieces = [{ seam: undefined, text: '<think>Hm' }]
    expect(readAnswer({ pieces, reasoning, stage: 'answering' })).toEqual({
      thought: 'Hm',
      isThinking: true,
      pieces: [{ seam: undefined, text: '' }],
    })
  })

  it('holds the beginning of a mark back only while more may come', () => {
    const pieces = [{ seam: undefined, text: '<th' }]
    expect(readAnswer({ pieces, reasoning, stage: 'answering' }).pieces).toEqual([
      { seam: undefined, text: '' },
    ])
    expect(readAnswer({ pieces, reasoning, stage: 'stopped' }).pieces).toEqual(pieces)
  })

  it('is read as it is where the model has no such marks', () => {
    const pieces = [{ seam: undefined, text: '<think> is a mark.' }]
    expect(readAnswer({ pieces, reasoning: undefined, stage: 'done' })).toEqual({
      thought: '',
      isThinking: false,
      pieces,
    })
  })
})
