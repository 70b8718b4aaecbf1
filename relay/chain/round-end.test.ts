import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { NodeError } from '#shared/chain/node-error.ts'
import { endOfNothing, failureOf } from './round-end.ts'

it('names the gravest thing that kept a round from claiming', () => {
  expect(endOfNothing([])).toEqual({ outcome: 'nothing', reason: 'empty' })
  expect(endOfNothing(['carried']).reason).toBe('empty')
  expect(endOfNothing(['worthless', 'carried', 'over-cap', 'waiting']).reason).toBe('over-cap')
  expect(endOfNothing(['worthless', 'refused', 'over-cap']).reason).toBe('refused')
  expect(endOfNothing(['worthless', 'unseen']).reason).toBe('worthless')
})

it('says why a round failed, under whatever wrapping', () => {
  const wrapped = (cause: unknown): Error => new Error('viem says', { cause })
  expect(failureOf(wrapped(new NodeError(-32000, 'insufficient funds for gas * price + value')))).toBe(
    'no-gas',
  )
  expect(failureOf(new NodeError(-32000, 'insufficient funds'))).toBe('no-gas')
  expect(failureOf(wrapped(new NodeError(3, 'execution reverted')))).toBe('node-refused')
  expect(failureOf(wrapped(wrapped(new InfernetError('chain.unavailable'))))).toBe('unreachable')
  expect(failureOf(new InfernetError('payment.chain-unreachable'))).toBe('unreachable')
  expect(failureOf(new InfernetError('chain.displaced'))).toBe('displaced')
  expect(failureOf('text')).toBe('error')
})
