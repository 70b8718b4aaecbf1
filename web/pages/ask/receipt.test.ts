import { expect, it } from 'vitest'
import { baseUnits } from '#shared/base/units.ts'
import { EMPTY_ANSWER } from '../../state/ask/conversation.ts'
import { segment } from '../../state/testing/samples.ts'
import { costWords, receiptFacts, receiptRows, stoppedWords } from './receipt.ts'

const INF = 10n ** 18n
const amount = (units: bigint) => baseUnits(units * INF)

it('counts a prompt that was paid for and not taken to what an answer costs, and says where it went', () => {
  const served = segment('a', { due: amount(2n), paid: amount(2n) })
  const unserved = segment('b', { paid: amount(3n) })
  const answer = { ...EMPTY_ANSWER, segments: [unserved, served], due: amount(2n) }
  expect(costWords(answer, false)).toBe('5.00 INF')
  expect(receiptRows(answer).map(({ due, paid }) => [due, paid])).toEqual([
    ['0 INF', '3.00 INF'],
    ['2.00 INF', '2.00 INF'],
  ])
  const facts = receiptFacts(answer, 'Tiny')
  expect(facts.find(({ name }) => name === 'Paid')?.value).toBe('5.00 INF')
  expect(facts.find(({ name }) => name === 'Prepaid')?.value).toContain('3.00 INF of that went to a provider')
})

it('says nothing of it where all that was paid was owed', () => {
  const served = segment('a', { due: amount(2n), paid: amount(2n) })
  const answer = { ...EMPTY_ANSWER, segments: [served], due: amount(2n) }
  expect(costWords(answer, true)).toBe('2.00 INF so far')
  expect(receiptFacts(answer, 'Tiny').map(({ name }) => name)).not.toContain('Prepaid')
})

it('calls a question unsent only when nobody had it', () => {
  const words = (tokens: number, ...segments: ReturnType<typeof segment>[]) =>
    stoppedWords({ ...EMPTY_ANSWER, tokens, segments })
  expect(words(0)).toBe('Not sent. The question is kept.')
  expect(words(0, segment('a'))).toBe('Stopped before the first word.')
  expect(words(0, segment('a', { due: amount(2n), paid: amount(2n) }))).toBe(
    'Stopped before the first word. The prompt was paid for.',
  )
  expect(words(3, segment('a'))).toBe(
    'Stopped here. To continue it, a provider reads the question and this part again.',
  )
})
