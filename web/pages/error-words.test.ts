import { expect, it } from 'vitest'
import { CODE_TABLE, type ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { EMPTY_ANSWER } from '../state/ask/conversation.ts'
import { pageWords } from './error-words.ts'
import { againLabel } from './wallet/words.ts'
import { failureOf, failureOfAnswer } from './words.ts'

const CODES = Object.keys(CODE_TABLE) as ErrorCode[]

it('says the words of the page where it has some, and those of the table elsewhere', () => {
  const { example } = CODE_TABLE['payment.no-deposit']
  expect(pageWords('payment.no-deposit', example)).toEqual({
    message: 'The deposit is too small for this.',
    fix: 'Add to it on the Wallet page.',
  })
  expect(pageWords('payment.not-as-offered').message).toBe(
    'The quote asks for another payment than the offer.',
  )
  expect(failureOf(new InfernetError('models.no-space', { neededMb: 9, freeMb: 1 }))).toEqual({
    code: 'models.no-space',
    message: 'The model needs 9 MB of storage; 1 MB are free.',
    fix: 'Free some space, or choose a smaller model.',
  })
})

it.each(CODES)('%s: reads as whole sentences, and sends nobody to something that a page has not', (code) => {
  const { message, fix } = pageWords(code, CODE_TABLE[code].example)
  for (const text of [message, fix]) {
    expect(text).toMatch(/^[A-Z].*\.$/)
    expect(text).not.toMatch(/undefined|\?|\s{2}/)
  }
  // Of these a visitor cannot do the first, and need not do the second.
  expect(fix).not.toMatch(/^(Ask another provider|Update to)/)
})

it.each(CODES.filter((code) => code.startsWith('wallet.')))(
  '%s: no button sounds harmless that is not',
  (code) => {
    const { fix } = pageWords(code, CODE_TABLE[code].example)
    const mayHaveMoved =
      /before you (send|try|know)|Do not send it again before you know|What you sign there/.test(fix)
    expect(againLabel(code)).toBe(mayHaveMoved ? 'Send it again' : 'Try again')
  },
)

it('ends an answer without a promise that another provider goes on', () => {
  const answer = { ...EMPTY_ANSWER, errorCode: 'stream.silent', errorFacts: { silentMs: 6000 } }
  expect(failureOfAnswer(answer)).toEqual({
    code: 'stream.silent',
    message: 'The other side has been silent for 6000 ms.',
    fix: 'Nobody else could take it. Ask again in a moment.',
  })
  expect(failureOfAnswer({ ...answer, tokens: 3 })).toEqual({
    code: 'stream.silent',
    message: 'The provider left and nobody took over.',
    fix: '3 tokens are kept. You owe only for what was signed.',
  })
})

it.each(CODES)('%s: does not say that something is tried which nothing tries', (code) => {
  const { message, fix } = pageWords(code, CODE_TABLE[code].example)
  expect(`${message} ${fix}`).not.toMatch(/keeps? trying|is tried|tries again|trying again/i)
})
