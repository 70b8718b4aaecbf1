import { createPublicClient, custom, encodeErrorResult, encodeFunctionResult, http, type Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { escrowAbi } from '../abi/escrow.ts'
import { someAddress } from '../testing/payments.ts'
import type { ChainVoucher } from './encode-claim.ts'
import { EscrowClient } from './escrow-client.ts'
import { readNodeError } from './node-error.ts'

const ESCROW = someAddress('e5')
const entry: ChainVoucher = {
  voucher: {
    ...{ payer: someAddress('a1'), provider: someAddress('b2'), relay: someAddress('d4') },
    ...{ model: `0x${'c3'.repeat(32)}`, epoch: 0, cumulative: 7n },
  },
  signer: someAddress('a1'),
  signature: `0x${'11'.repeat(64)}`,
}
const stale = encodeErrorResult({ abi: escrowAbi, errorName: 'StaleVoucher', args: [1n, 7n, 7n] })
const named = (thrown: unknown): Error => new Error('named', { cause: thrown })

/** As a tab asks: over viem's own transport. */
function overHttp(answer: () => object): EscrowClient {
  const fetchFn = async () =>
    new Response(JSON.stringify({ jsonrpc: '2.0', id: 1, ...answer() }), {
      headers: { 'Content-Type': 'application/json' },
    })
  const transport = http('http://node.example', { fetchFn, retryCount: 0 })
  return new EscrowClient(createPublicClient({ transport }), ESCROW, named)
}

/** As a relay asks: over its own endpoints, whose refusals it has read already. */
function overNode(answer: () => { readonly result?: Hex; readonly error?: object }): EscrowClient {
  const request = async (): Promise<unknown> => {
    const { result, error } = answer()
    if (error) throw readNodeError(error)
    return result
  }
  return new EscrowClient(
    createPublicClient({ transport: custom({ request }, { retryCount: 0 }) }),
    ESCROW,
    named,
  )
}

describe.each([
  ['a tab', overHttp],
  ['a relay', overNode],
])('what %s asks of an escrow', (_, over) => {
  it('is what a claim would pay, or why nothing', async () => {
    const result = encodeFunctionResult({ abi: escrowAbi, functionName: 'claimable', result: [5n, 2n] })
    expect(await over(() => ({ result })).claimable(entry)).toBe(5n)
    const error = { code: 3, message: 'execution reverted', data: stale }
    expect(await over(() => ({ error })).claimable(entry)).toEqual({ name: 'StaleVoucher', index: 1 })
  })

  it('is which voucher spoils a batch; of too much gas it is not known', async () => {
    const account = someAddress('f6')
    expect(await over(() => ({ result: '0x' })).refusalOfBatch([entry], account)).toBeUndefined()
    const reverted = { code: 3, message: 'execution reverted', data: stale }
    expect(await over(() => ({ error: reverted })).refusalOfBatch([entry], account)).toEqual({
      name: 'StaleVoucher',
      index: 1,
    })
    const tooMuch = { code: -32000, message: 'out of gas' }
    expect(await over(() => ({ error: tooMuch })).refusalOfBatch([entry], account)).toEqual({
      name: 'unknown',
      index: undefined,
    })
  })

  it('is no refusal where a node does not say one: then it throws what it was told to', async () => {
    const error = { code: -32603, message: 'disk full' }
    const asked = over(() => ({ error }))
    await expect(asked.claimable(entry)).rejects.toThrow('named')
    await expect(asked.refusalOfBatch([entry], someAddress('f6'))).rejects.toThrow('named')
    await expect(asked.dailyLeft(someAddress('b2'))).rejects.toThrow('named')
  })
})
