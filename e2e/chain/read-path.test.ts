import { createPublicClient, createWalletClient, erc20Abi, http, parseEther } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stakeAbi } from '#shared/abi/stake.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'

describe.skipIf(findAnvil() === undefined)('the read path over a real chain', () => {
  let chain: TestChain
  let relay: Relay
  beforeAll(async () => {
    chain = await startTestChain()
    relay = await chain.relay()
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  /** As a tab uses it. */
  const tab = () =>
    createPublicClient({
      transport: http(new URL('/rpc', relay.httpUrl).href, { retryCount: 0 }),
      cacheTime: 0,
      pollingInterval: 20,
    })
  const ask = async (method: string, params: unknown[], url = new URL('/rpc', relay.httpUrl).href) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    return (await response.json()) as { result: unknown; block: { number: string; hash: string } }
  }

  test('a tab signs, sends, sees it mined, and never the time before it', async () => {
    const from = await chain.account()
    const to = nobody()
    const wallet = createWalletClient({
      account: from,
      chain: foundry,
      transport: http(new URL('/rpc', relay.httpUrl).href, { retryCount: 0 }),
    })
    for (let i = 1n; i <= 5n; i++) {
      const hash = await wallet.sendTransaction({ to, value: 1n })
      expect((await tab().waitForTransactionReceipt({ hash })).status).toBe('success')
      expect(await tab().getBalance({ address: to })).toBe(i)
    }
  })

  test('a revert keeps its name and its values', async () => {
    const { stake } = chain.network.contracts
    const simulated = tab().simulateContract({
      address: stake,
      abi: stakeAbi,
      functionName: 'setMinimum',
      args: [1n],
      account: nobody(),
    })
    await expect(simulated).rejects.toThrow(/NotOwner/)
  })

  test('an answer can be checked at another endpoint by the block that it names', async () => {
    const { token } = chain.network.contracts
    const direct = chain.chain.anvil.url
    const call = { to: token, data: '0x18160ddd' } // totalSupply()
    const { result, block } = await ask('eth_call', [call, 'latest'])
    await chain.client.mine({ blocks: 3 })
    expect((await ask('eth_call', [call, block.number], direct)).result).toBe(result)
    const there = (await ask('eth_getBlockByNumber', [block.number, false], direct)).result as {
      hash: string
    }
    expect(there.hash).toBe(block.hash)
  })

  test('after a fork the answers are of the new branch', async () => {
    const from = await chain.account()
    const to = nobody()
    // Blocks come of transactions alone, so that the heights are ours to count.
    await chain.client.setIntervalMining({ interval: 0 })
    await chain.client.setAutomine(true)
    const snapshot = await chain.client.snapshot()
    await chain.wallet(from).sendTransaction({ to, value: parseEther('1') })
    await until('the relay to see it', async () => (await tab().getBalance({ address: to })) > 0n)
    const before = await ask('eth_getBalance', [to])
    await chain.client.revert({ id: snapshot })
    await chain.client.mine({ blocks: 1 })
    await until('the relay to see the fork', async () => (await tab().getBalance({ address: to })) === 0n)
    const after = await ask('eth_getBlockByNumber', ['latest', false])
    expect(Number(after.block.number)).toBeLessThanOrEqual(Number(before.block.number) + 1)
    expect(after.block.hash).not.toBe(before.block.hash)
  })

  test('logs of ours come through', async () => {
    const from = BigInt(chain.network.deployBlock)
    const logs = await tab().getLogs({
      address: chain.network.contracts.token,
      event: erc20Abi.find((item) => item.type === 'event' && item.name === 'Transfer') as never,
      fromBlock: from,
    })
    expect(logs.length).toBeGreaterThan(0)
  })
})
