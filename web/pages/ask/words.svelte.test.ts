import { expect, it } from 'vitest'
import { CODE_TABLE } from '#shared/errors/code-table.ts'
import { privacyWords, searchingWords, stepsAfter } from './words.ts'

const act = { again: () => undefined, look: () => undefined }

it('says what a question waits for: money first, then somebody who answers', () => {
  const steps = ['opening', 'faucet', 'deposit', 'session', undefined] as const
  expect(steps.map((step) => searchingWords(step, 1))).toEqual([
    'Opening your wallet',
    'Getting test INF',
    'Making a deposit of 20 test INF',
    'Allowing this tab to pay',
    'Looking for a tab that answers',
  ])
  expect(searchingWords(undefined, 3)).toBe('Looking for a tab that answers, attempt 3')
  expect(searchingWords('deposit', 3)).toBe('Making a deposit of 20 test INF')
})

it('says who sees the address and who does not, whatever hides it', () => {
  const hidden = ([undefined, 'relay', 'turn'] as const).map((by) => privacyWords(true, by))
  for (const words of hidden)
    expect(words).toMatch(/can read your prompt, but does not see your IP address: your relay /)
  expect(hidden.map((words) => [/no TURN server/.test(words), /its TURN server/.test(words)])).toEqual([
    [false, false],
    [true, false],
    [false, true],
  ])
  expect(privacyWords(false, undefined)).toMatch(/can read your prompt and sees your IP address/)
})

it('leads from each failure of money to the Wallet page, and from no other', () => {
  const all = Object.keys(CODE_TABLE)
  const led = all.filter((code) => stepsAfter(code, act).some(({ href }) => href === '/wallet'))
  expect(led).toEqual(all.filter((code) => ['payment', 'wallet', 'faucet'].includes(code.split('.', 1)[0]!)))
  expect(stepsAfter('payment.no-deposit', act).map(({ label }) => label)).toEqual([
    'Open the Wallet page',
    'Ask again',
  ])
})
