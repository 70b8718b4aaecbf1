import { createPublicClient, custom, encodeFunctionResult, type Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { escrowAbi } from '../abi/escrow.ts'
import { modelHash } from '../base/ids.ts'
import { ESCROW, PAYER, sessionKey, someAddress, STAKE } from '../testing/payments.ts'
import { ChainReader } from './chain-reader.ts'

/** A node of the chain that answers each call with these bytes. */
function nodeThat(answer: () => unknown, chainId = ESCROW.chainId): ChainReader {
  const request = async ({ method }: { method: string }): Promise<unknown> =>
    method === 'eth_chainId' ? `0x${chainId.toString(16)}` : answer()
  const client = createPublicClient({ transport: custom({ request }, { retryCount: 0 }) })
  return new ChainReader(client, ESCROW, STAKE)
}

const account = (withdrawAt: number): Hex =>
  encodeFunctionResult({
    abi: escrowAbi,
    functionName: 'account',
    result: { balance: 7n, bond: 2n, epoch: 3, withdrawAt },
  })

describe('a reader of the chain', () => {
  it('reads accounts and sessions, seconds as milliseconds', async () => {
    expect(await nodeThat(() => account(0)).account(PAYER)).toEqual({
      balance: 7n,
      bond: 2n,
      epoch: 3,
      withdrawAt: undefined,
    })
    expect(await nodeThat(() => account(50)).account(PAYER)).toMatchObject({ withdrawAt: 50_000 })
    const session = encodeFunctionResult({
      abi: escrowAbi,
      functionName: 'session',
      result: { cap: 9n, spent: 1n, expiry: 2 ** 40 - 1 },
    })
    expect(await nodeThat(() => session).session(PAYER, sessionKey.address)).toMatchObject({
      cap: 9n,
      spent: 1n,
    })
  })

  it.each([
    ['is down', () => Promise.reject(new Error('connection refused'))],
    ['answers nothing', () => '0x'],
    ['answers rubbish', () => '0x1234'],
    ['answers numbers out of their bounds', () => `0x${'ff'.repeat(128)}`],
    ['answers a text', () => 'hello'],
    ['answers null', () => null],
  ])('names a node that %s', async (_, answer) => {
    const reader = nodeThat(answer)
    const line = { payer: PAYER, provider: someAddress('b2'), model: modelHash('c3'.repeat(32)), epoch: 0 }
    for (const read of [
      () => reader.account(PAYER),
      () => reader.session(PAYER, sessionKey.address),
      () => reader.claimed(line),
      () => reader.operator(someAddress('b2')),
    ])
      await expect(read()).rejects.toMatchObject({ code: 'payment.chain-unreachable' })
  })

  it('names the wrong chain', async () => {
    await expect(nodeThat(() => account(0), 1).account(PAYER)).rejects.toMatchObject({
      code: 'payment.wrong-chain',
    })
  })

  it('waits no longer than it is told', async () => {
    const controller = new AbortController()
    const waiting = nodeThat(() => new Promise(() => undefined)).account(PAYER, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toMatchObject({ code: 'payment.chain-unreachable' })
  })
})
