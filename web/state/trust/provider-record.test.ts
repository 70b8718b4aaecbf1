import { expect, it } from 'vitest'
import { epochMillis, tokens } from '#shared/base/units.ts'
import { EMPTY_ANSWER, type Conversation, type Turn } from '../ask/conversation.ts'
import { checkOf, verdictOf } from '../testing/checks.ts'
import { named, segment, TINY } from '../testing/samples.ts'
import { ownRecordOf, stakeSaidOf, toldRecordOf } from './provider-record.ts'

const name = named('aaaaaa')

function turn(change: Partial<Turn> = {}): Turn {
  const segments = [segment('aaaaaa', { tokens: tokens(40) }), segment('cccccc', { tokens: tokens(9) })]
  const seam = {
    ...{ position: 40, lost: name, next: named('cccccc'), gapMs: 900, unowed: 0 },
    reasonCode: 'stream.provider-lost',
  }
  const pieces = [
    { seam: undefined, text: 'A fox' },
    { seam, text: ' found' },
  ]
  const answer = { ...EMPTY_ANSWER, stage: 'done' as const, segments, pieces }
  return { id: 't', question: 'Why?', model: TINY, modelName: 'Tiny', answer, ...change }
}

const conversation = (turns: Turn[]): Conversation => ({ id: 'c', title: 'Why?', updatedAt: 7, turns })

it('counts what a provider did in this browser’s own conversations', () => {
  const checks = [
    checkOf({ provider: name }),
    checkOf({ provider: named('cccccc'), outcome: 'differs', difference: 'tokens' }),
  ]
  expect(ownRecordOf(name, [conversation([turn(), turn({ checks })])])).toEqual({
    ...{ jobs: 2, tokens: 80, left: 2, lastAt: 7 },
    checks: { agrees: 1, differs: 0, inconclusive: 0 },
  })
  expect(ownRecordOf(named('dddddd'), [conversation([turn()])])).toMatchObject({ jobs: 0, lastAt: undefined })
})

it('counts what others found, and apart what those with stake did', () => {
  const staked = { operator: '0x1', stake: 5n }
  const told = toldRecordOf([
    { verifier: named('bbbbbb'), verdict: verdictOf({ at: epochMillis(5) }), staked },
    {
      verifier: named('dddddd'),
      verdict: verdictOf({ outcome: 'differs', difference: 'tokens', at: epochMillis(9) }),
      staked: undefined,
    },
  ])
  expect(told).toEqual({
    checks: { agrees: 1, differs: 1, inconclusive: 0 },
    staked: { agrees: 1, differs: 0, inconclusive: 0 },
    ...{ verifiers: 2, lastAt: 9 },
  })
  expect(toldRecordOf([])).toMatchObject({ verifiers: 0, lastAt: undefined })
})

it('takes the least of the stakes that are said', () => {
  expect(
    stakeSaidOf([undefined, { operator: '0x1', stake: 9n }, { operator: '0x1', stake: 4n }])?.stake,
  ).toBe(4n)
  expect(stakeSaidOf([undefined])).toBeUndefined()
})
