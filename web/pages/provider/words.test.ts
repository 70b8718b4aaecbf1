import { expect, it } from 'vitest'
import {
  isPeerName,
  outcomeWords,
  ownRows,
  reasonSentence,
  stakeWords,
  standingWords,
  toldRows,
  uptimeWords,
} from './words.ts'
import { named } from '../../state/testing/samples.ts'

const nothing = { agrees: 0, differs: 0, inconclusive: 0 }
const value = (rows: ReturnType<typeof ownRows>, name: string) => rows.find((row) => row.name === name)?.value

it('takes what can be a peer’s name from the address, and nothing else', () => {
  expect(isPeerName(named('aaaaaa'))).toBe(true)
  for (const text of ['', 'aaaaaa', '<b>12D3KooW</b>', `${named('aaaaaa')}/..`, `12D3KooW${'a'.repeat(200)}`])
    expect(isPeerName(text), text).toBe(false)
})

it('says what is not known as not known, and never as nothing', () => {
  expect(toldRows(undefined, 0)).toEqual([{ name: 'Checks', value: 'not known' }])
  expect(
    value(toldRows({ checks: nothing, staked: nothing, verifiers: 0, lastAt: undefined }, 0), 'Checks'),
  ).toBe('none in a week that the relays know of')
  expect(stakeWords(undefined, false)).toBe('not known')
  expect(stakeWords(undefined, true)).toBe('none that the relays know of')
  expect(stakeWords({ operator: '0x1', stake: 2400n * 10n ** 18n }, true)).toBe(
    '2,400.00 INF, by the word of relays',
  )
  expect(standingWords(undefined).word).toBe('nothing known yet')
  const none = ownRows({ jobs: 0, tokens: 0, left: 0, checks: nothing, lastAt: undefined }, 0)
  expect([value(none, 'Left in the middle'), value(none, 'Checked'), value(none, 'Last answer')]).toEqual([
    'not known',
    'never',
    'none',
  ])
})

it('counts outcomes in words, and always says how many differ', () => {
  expect(outcomeWords({ agrees: 1, differs: 0, inconclusive: 0 })).toBe('1 agrees, 0 differ')
  expect(outcomeWords({ agrees: 0, differs: 1, inconclusive: 2 })).toBe('1 differs, 2 inconclusive')
})

it('says why it is asked or not, in a sentence for each reason', () => {
  const facts = {
    ...{ differences: 2, what: 'tokens', isOwn: 1, agrees: 3, differs: 1, inconclusive: 0, auditors: 1 },
    ...{ served: 12, failed: 1, times: 1.43, trust: 0.41, integrity: 0.6, availability: 0.93, quotes: 0.8 },
  }
  const codes = ['excluded', 'quarantined', 'wants-check', 'checked', 'told', 'served', 'slow', 'staked']
  for (const code of [...codes, 'contradicted', 'unstaked', 'new', 'trust']) {
    const text = reasonSentence({ code, facts })
    expect(text, code).toMatch(/^[A-Z].*\.$/)
    expect(text, code).not.toMatch(/undefined|NaN/)
  }
  expect(reasonSentence({ code: 'trust', facts })).toContain('In the draw it counts 41 %')
  expect(reasonSentence({ code: 'of-tomorrow', facts })).toBe('of-tomorrow')
  expect(reasonSentence({ code: 'served', facts: { served: 1, failed: 0 } })).toContain('1 job of this tab')
})

it('says by its reasons whether it is asked', () => {
  const word = (...codes: string[]) => standingWords(codes.map((code) => ({ code, facts: {} }))).word
  expect(word('quarantined', 'excluded')).toBe('not asked any more')
  expect(word('quarantined', 'served')).toBe('not asked for now')
  expect(word('new', 'unstaked')).toBe('new to this tab')
  expect(word('served', 'trust')).toBe('asked like others')
  expect(uptimeWords([{ code: 'served', facts: { served: 12, failed: 1 } }])).toBe(
    'not known; it ended 12 of 13 jobs of this tab well',
  )
  expect(uptimeWords([])).toBe('not known')
})
