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
  expect(reasonSentence({ code: 'trust', facts })).toMatch(/^Its word counts 41 % .* 60 % to answer right/)
  expect(reasonSentence({ code: 'of-tomorrow', facts })).toBe('of-tomorrow')
  expect(reasonSentence({ code: 'served', facts: { served: 1, failed: 0 } })).toBe(
    'It ended 1 job of this tab well.',
  )
})

it('says by its reasons whether it is asked', () => {
  const word = (...codes: string[]) => standingWords(codes.map((code) => ({ code, facts: {} }))).word
  expect(word('quarantined', 'excluded')).toBe('not asked any more')
  expect(word('quarantined', 'served')).toBe('not asked for now')
  const ofOne = { code: 'quarantined', facts: { what: 'tokens', model: 'aa' } }
  expect(standingWords([ofOne]).word).toBe('not asked for one model')
  expect(reasonSentence(ofOne)).toMatch(/^It waits for its next self-test of one model, because its tokens/)
  expect(word('new', 'unstaked')).toBe('new to this tab')
  expect(word('served', 'trust')).toBe('asked like others')
  const served = [{ code: 'served', facts: { served: 12, failed: 1 } }]
  expect(uptimeWords(served, undefined, 0)).toBe('not known; it ended 12 of 13 jobs of this tab well')
  expect(uptimeWords([], undefined, 0)).toBe('not known')
  expect(uptimeWords([], { firstAt: 0, seen: 1, looks: 1 }, 5000), 'one look says nothing').toBe('not known')
  expect(uptimeWords(served, { firstAt: 0, seen: 57, looks: 60 }, 300_000)).toBe(
    'its offer stood at 57 of 60 looks of this tab within 5 min; it ended 12 of 13 jobs of this tab well',
  )
})
