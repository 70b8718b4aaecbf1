import { expect, it } from 'vitest'
import { CODE_TABLE } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { holdWords, loadingWords, privacyWords, searchingWords, stepsAfter, troubleSteps } from './words.ts'

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
  expect(searchingWords('deposit', 3, 9000)).toBe('Making a deposit of 20 test INF')
  expect(searchingWords(undefined, 1, 3999)).toBe('Looking for a tab that answers')
  expect(searchingWords(undefined, 2, 9000)).toBe(
    'Looking for a tab that answers, attempt 2. None has for 9 s: one that stays silent is given up after 14 s',
  )
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

it('offers no attempt where none can help', () => {
  const labels = (code: string) => troubleSteps(code, () => undefined).map(({ label }) => label)
  expect(labels('mesh.insecure-page')).toEqual(['Show how'])
  expect(labels('schedule.no-relay')).toEqual(['Try now'])
  expect(stepsAfter('mesh.insecure-page', act).map(({ label }) => label)).toEqual(['Show how'])
})

it('offers to continue what is there before anything else', () => {
  const steps = stepsAfter('stream.provider-lost', { ...act, resume: () => undefined })
  expect(steps.map(({ label }) => label)).toEqual(['Continue', 'Ask again', 'See who lends'])
})

it('says that a relay which has just started is waited for, and not that nobody lends', () => {
  expect(holdWords(new InfernetError('schedule.filling'), 'Tiny', 0)).toBe(
    'The relay has just started, and its providers are still coming back. Looking for one that lends Tiny for some seconds; stop it any time.',
  )
})

it('says that a model is loaded and for how long, and when it takes longer than was said', () => {
  expect(loadingWords(20_000, 3000)).toBe('The tab that answers loads the model first, about 20 s')
  expect(loadingWords(20_000, 45_000)).toBe(
    'The tab that answers still loads the model: it said 20 s, and 45 s have passed',
  )
})

it('says what a stalled answer waits for, what is safe, and nothing of a cause that it does not know', () => {
  expect(holdWords(new InfernetError('stream.busy'), 'Tiny', 0)).toBe(
    'Everybody who lends Tiny is busy. Trying again every few seconds; stop it any time.',
  )
  const lost = holdWords(new InfernetError('stream.provider-lost'), 'Tiny', 12)
  expect(lost).toMatch(/^Nobody who lends Tiny can go on right now\. The last reason: /)
  expect(lost).toMatch(/12 tokens are kept, and waiting costs nothing\.$/)
})
