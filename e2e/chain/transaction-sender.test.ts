import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createChainClient } from '../../relay/chain/chain-client.ts'
import { ChainNode } from '../../relay/chain/chain-node.ts'
import { readNodeError } from '#shared/chain/node-error.ts'
import { TransactionSender } from '../../relay/chain/transaction-sender.ts'
import { createLog } from '../../relay/observe/log.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'

/** Twenty times as fast, so that five seconds of patience are a quarter of one. */
const SPEED = 20
const fastClock: Clock = {
  now: () => realClock.now(),
  monotonic: () => millis(performance.now() * SPEED),
  schedule: (delay, callback) => realClock.schedule(millis(delay / SPEED), callback),
}

describe.skipIf(findAnvil() === undefined)('a sender of transactions', () => {
  let chain: TestChain
  beforeAll(async () => {
    chain = await startTestChain()
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  async function start(request?: (node: ChainNode) => Pick<ChainNode, 'request'>) {
    const { chainId, rpcUrls } = chain.network
    const node = new ChainNode({ clock: realClock, log: createLog('silent') }, { chainId, urls: rpcUrls })
    const account = await chain.account()
    const client = createChainClient(request?.(node) ?? node)
    const sender = new TransactionSender(
      { client, account, clock: fastClock },
      { chainId, blockSeconds: 0.1 },
    )
    return { sender, account }
  }

  test('gives each its nonce, also when they are sent at once', async () => {
    const { sender, account } = await start()
    const sent = await Promise.all(Array.from({ length: 10 }, () => sender.send({ to: nobody(), value: 1n })))
    const receipts = await Promise.all(sent.map(({ mined }) => mined))
    expect(receipts.map(({ status }) => status)).toEqual(sent.map(() => 'success'))
    expect(await chain.client.getTransactionCount({ address: account.address })).toBe(10)
    sender.stop()
  })

  test('sends a stuck one again with higher fees, and knows it by its receipt', async () => {
    const { sender } = await start()
    const { client } = chain
    await client.setAutomine(false)
    await client.setIntervalMining({ interval: 0 })
    try {
      const { hash, mined } = await sender.send({ to: nobody(), value: 1n })
      const first = await client.getTransaction({ hash })
      const isReplaced = (): Promise<boolean> =>
        client.getTransaction({ hash }).then(
          () => false,
          () => true,
        )
      await until('it to be replaced', isReplaced, 20_000)
      await client.mine({ blocks: 1 })
      const receipt = await mined
      const last = await client.getTransaction({ hash: receipt.transactionHash })
      expect([last.nonce, last.hash === hash]).toEqual([first.nonce, false])
      expect(last.maxPriorityFeePerGas).toBeGreaterThanOrEqual(
        ((first.maxPriorityFeePerGas ?? 0n) * 110n) / 100n,
      )
    } finally {
      await client.setAutomine(true)
      sender.stop()
    }
  })

  test('an endpoint that takes one and then does not answer has taken it', async () => {
    let cut = 0
    const { sender } = await start((node) => ({
      request: async (method, params, options) => {
        const result = await node.request(method, params, options)
        if (method !== 'eth_sendRawTransaction') return result
        cut++
        throw new Error('cut off')
      },
    }))
    const { mined } = await sender.send({ to: nobody(), value: 1n })
    expect([(await mined).status, cut]).toEqual(['success', 1])
    sender.stop()
  })

  test('an endpoint that takes one and then answers an error has taken it, and it is sent once', async () => {
    const { sender, account } = await start((node) => ({
      request: async (method, params, options) => {
        const result = await node.request(method, params, options)
        if (method !== 'eth_sendRawTransaction') return result
        throw readNodeError({ code: -32603, message: 'Internal error' })
      },
    }))
    const to = nobody()
    const { mined } = await sender.send({ to, value: 1n })
    expect((await mined).status).toBe('success')
    expect(await chain.client.getTransactionCount({ address: account.address })).toBe(1)
    expect(await chain.client.getBalance({ address: to })).toBe(1n)
    sender.stop()
  })

  test('one that is refused without a reason is tried under its own nonce, and its place goes to the next', async () => {
    let isRefusing = true
    let tries = 0
    const { sender, account } = await start((node) => ({
      request: (method, params, options) => {
        if (method !== 'eth_sendRawTransaction' || !isRefusing) return node.request(method, params, options)
        tries++
        return Promise.reject(readNodeError({ code: -32000, message: 'not today' }))
      },
    }))
    const [first, second] = [nobody(), nobody()]
    const { mined } = await sender.send({ to: first, value: 1n })
    await expect(mined).rejects.toMatchObject({ code: 'chain.unavailable' })
    expect(tries, 'once, and three times after some blocks each').toBe(4)
    isRefusing = false
    expect((await (await sender.send({ to: second, value: 1n })).mined).status).toBe('success')
    const { client } = chain
    expect(await client.getTransactionCount({ address: account.address })).toBe(1)
    expect([
      await client.getBalance({ address: first }),
      await client.getBalance({ address: second }),
    ]).toEqual([0n, 1n])
    sender.stop()
  })

  test('what the chain refuses is refused, and the next one goes', async () => {
    const { sender } = await start()
    await expect(sender.send({ to: nobody(), value: 10n ** 30n })).rejects.toThrow()
    expect((await (await sender.send({ to: nobody(), value: 1n })).mined).status).toBe('success')
    sender.stop()
    await expect(sender.send({ to: nobody() })).rejects.toMatchObject({ code: 'chain.unavailable' })
  })
})
