import {
  type Abi,
  CallExecutionError,
  encodeErrorResult,
  FeeCapTooLowError,
  HttpRequestError,
  parseAbi,
  RpcRequestError,
  toFunctionSelector,
  UserRejectedRequestError,
  type Hex,
} from 'viem'
import { describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { explainFailure } from './explain-failure.ts'
import { revertWords } from './revert-words.ts'

const rpcError = (code: number, more: object = {}): Error =>
  Object.assign(new Error('<b>their text</b>'), { code, ...more })
const reverted = (data: Hex): Error => rpcError(3, { data })

describe('what a wallet or a node throws', () => {
  it.each([
    [4001, 'wallet.rejected'],
    [5750, 'wallet.rejected'],
    [-32002, 'wallet.waiting'],
    [4200, 'wallet.unsupported'],
    [-32601, 'wallet.unsupported'],
    [4100, 'wallet.disconnected'],
    [4900, 'wallet.disconnected'],
    [12345, 'wallet.failed'],
  ])('%i is told as %s, never in its own words', (code, wanted) => {
    const error = explainFailure(new Error('outer', { cause: rpcError(code) }))
    expect(error.code).toBe(wanted)
    expect(error.message).not.toContain('their text')
  })

  it.each([-32603, -32000])('finds its owner’s no inside an error of another number (%i)', (outer) => {
    const wrapped = rpcError(outer, { data: { originalError: { code: 4001, message: 'their text' } } })
    expect(explainFailure(wrapped).code).toBe('wallet.rejected')
    expect(explainFailure(rpcError(outer, { data: { originalError: { code: 4900 } } })).code).not.toBe(
      'wallet.rejected',
    )
  })

  it('knows viem’s own errors, keeps ours, and stops at a ring of causes', () => {
    expect(explainFailure(new UserRejectedRequestError(new Error('x'))).code).toBe('wallet.rejected')
    const own = new InfernetError('wallet.no-gas')
    expect(explainFailure(own)).toBe(own)
    const ring = new Error('a')
    ring.cause = ring
    expect(explainFailure(ring).code).toBe('wallet.failed')
    for (const odd of [undefined, null, 'x', 7, {}]) expect(explainFailure(odd).code).toBe('wallet.failed')
  })

  it('takes a node that does not answer for no refusal of the contract', () => {
    const down = new HttpRequestError({ url: 'http://node.example', details: 'fetch failed' })
    expect(explainFailure(new CallExecutionError(down, {})).code).toBe('wallet.unreachable')
    const gateway = new HttpRequestError({ url: 'http://node.example', status: 502, details: 'Bad Gateway' })
    expect(explainFailure(new CallExecutionError(gateway, {}))).toMatchObject({
      code: 'wallet.node-error',
      facts: { reason: 'HTTP 502' },
    })
  })

  it('takes a node that answers with an error for no silence, and keeps the reason that it gives', () => {
    const said = (code: number, message: string) =>
      new RpcRequestError({ body: {}, url: 'http://node.example', error: { code, message } })
    expect(explainFailure(new CallExecutionError(said(-32_000, 'their text') as never, {}))).toMatchObject({
      code: 'wallet.node-error',
      message: 'A node of the chain answered with an error (number -32000).',
    })
    const low = new FeeCapTooLowError({ cause: said(-32_000, 'x') })
    expect(explainFailure(new CallExecutionError(low, {})).message).toBe(
      'A node of the chain answered with an error (the fee is below what the next block asks for).',
    )
    expect(explainFailure(rpcError(-32_005)).message).toContain('its error has the number -32005')
  })

  it('tells the sentence of a contract that has one', () => {
    const abi = parseAbi(['error Error(string)'])
    const data = encodeErrorResult({ abi, errorName: 'Error', args: ['transfer\u202e exceeds\n balance'] })
    expect(explainFailure(reverted(data)).message).toBe(
      'The contract refused: it says “transfer exceeds balance”.',
    )
  })

  it('reads the contract’s own error, wherever it lies', () => {
    const data = encodeErrorResult({ abi: escrowAbi, errorName: 'DepositsPaused' })
    for (const thrown of [
      reverted(data),
      rpcError(-32603, { data: { data } }),
      new Error('o', { cause: reverted(data) }),
    ])
      expect(explainFailure(thrown)).toMatchObject({
        code: 'wallet.reverted',
        message: 'The contract refused: deposits are paused; withdrawing works.',
      })
    expect(explainFailure(reverted('0x')).message).toBe('The contract refused: it did not say why.')
  })
})

describe('a contract’s refusal', () => {
  const errors = [...escrowAbi, ...stakeAbi].filter((item) => item.type === 'error')
  /** Only constructors, guardians, courts and other contracts run into these. */
  const NEVER_HERE = new Set(['OutOfBounds', 'NotGuardian', 'NotOwner', 'NotCourt', 'SelfChallenge'])

  it.each(errors.map((error) => [error.name, error] as const))('%s has words of its own', (name, error) => {
    const args = error.inputs.map(({ type }) =>
      type === 'address' ? `0x${'11'.repeat(20)}` : type === 'bytes32' ? `0x${'22'.repeat(32)}` : 7,
    )
    const data = encodeErrorResult({ abi: [error] as Abi, errorName: name, args })
    const words = revertWords(data)
    expect(words).not.toMatch(/undefined|NaN|Invalid Date/)
    const isLibrary = /^(ECDSA|SafeERC20|Reentrancy|SafeCast|InvalidShortString|StringTooLong|Strings)/.test(
      name,
    )
    if (!NEVER_HERE.has(name) && !isLibrary) expect(words).toMatch(/ /)
  })

  it('is told by name or not at all when it is unknown', () => {
    expect(revertWords(toFunctionSelector('error Foreign()'))).toBe('it did not say why')
    expect(revertWords('0x1234')).toBe('it did not say why')
  })
})
