import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { named, TINY } from '../../state/testing/samples.ts'
import { auditWords, budgetWords, foundWords } from './audit-words.ts'

const NONE = { agrees: 0, differs: 0, inconclusive: 0, failed: 0 }

it('says what it does, why it does not, and what today came to', () => {
  expect(auditWords({ isOn: false, pause: undefined, today: NONE })).toBe('Off.')
  expect(auditWords({ isOn: true, pause: undefined, today: NONE })).toBe(
    'On: chance decides when it asks next. Nothing found today.',
  )
  expect(auditWords({ isOn: true, pause: 'battery', today: { ...NONE, agrees: 2, differs: 1 } })).toBe(
    'Paused while this device runs on battery, as your limits for lending say. Today it asked 3 questions: 2 agreed, 1 differed, 0 could not be judged.',
  )
  expect(auditWords({ isOn: false, pause: undefined, today: { ...NONE, failed: 1 } })).toContain(
    'Today it asked 1 question: 0 agreed, 0 differed, 0 could not be judged, 1 came to no answer.',
  )
})

it('names who was asked and what it came to', () => {
  const found = { at: 0, provider: named('aaaaaa'), model: TINY, reason: undefined, relays: 2 }
  expect(foundWords({ ...found, outcome: 'differs' }, 'Infernet Tiny')).toBe(
    'aaaaaa, Infernet Tiny: differs, told to 2 relays.',
  )
  const reason = new InfernetError('schedule.no-provider')
  expect(foundWords({ ...found, outcome: undefined, reason, relays: 0 }, undefined)).toMatch(
    /^aaaaaa, a model that is not listed: no verdict\. ./,
  )
  expect(budgetWords(1)).toBe('1 question')
})
