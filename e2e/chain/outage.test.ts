import { setTimeout as sleep } from 'node:timers/promises'
import { decodeFunctionData, erc20Abi, parseEther, type Address, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { nobody, startTestChain, untilOnDisk } from './test-chain.ts'
import { DAY_SECONDS, deposit, keyOf, leaveAndVanish, mainEscrow, SOME_MODEL, voucherOf } from './vouchers.ts'

const NEVER = { carryEverySeconds: DAY_SECONDS }
/** The patience with a transaction that is not mined is then the least: 5 s. */
const QUICK_BLOCKS = { blockSeconds: 0.5 }
const SETTLED_MS = 40_000

/** A chain of its own that is reached through a proxy, a deposit on it, and relays that carry claims there. */
async function startGround() {
  const chain = await startTestChain()
  const proxy = await startRpcProxy(() => chain.chain.anvil.url)
  const folder = await temporaryFolder()
  const payer = await chain.account()
  const session = createChainSigner(fromHex(generatePrivateKey().slice(2)))
  const provider = nobody()
  const relayAccount = privateKeyToAccount(keyOf(chain.chain.relayKeyFile)).address
  await deposit(chain, payer, session)

  const startCarrier = (changes: Partial<RelayConfig> = {}): Promise<Relay> =>
    chain.relay(
      {
        ...{ relayKeyFile: chain.chain.relayKeyFile, dataFolder: folder.path },
        ...{ carryWorth: '0', carryEverySeconds: 1, ...changes },
      },
      { rpcUrls: [proxy.url], ...QUICK_BLOCKS },
    )

  /** A voucher of 10 INF is left there, and the relay stopped before it carries anything. */
  async function leaveTen(): Promise<void> {
    const relay = await startCarrier(NEVER)
    const who = { payer: payer.address, provider, relay: relayAccount }
    expect(await leaveAndVanish(chain, relay, await voucherOf(chain, who, '10', session))).toEqual([])
    await relay.stop()
  }

  /** From this call on nobody reaches the chain; tells whether it has come to that. */
  function cutFrom(call: string): () => boolean {
    let isDown = false
    proxy.disturb((method) => ((isDown ||= method === call) ? 'cut' : 'pass'))
    return () => isDown
  }

  /** Starts one that claims what was left, and hears no answer from that claim on, which a block takes. */
  async function startUnheard(): Promise<Relay> {
    let isDown = false
    proxy.disturb((method) => {
      if (isDown) return 'cut'
      isDown = method === 'eth_sendRawTransaction'
      return isDown ? 'swallow' : 'pass'
    })
    const relay = await startCarrier()
    await until('the claim to be mined', async () => (await minedCalls()).length > 0)
    return relay
  }

  const balance = (of: Address): Promise<bigint> =>
    chain.client.readContract({
      address: mainEscrow(chain).asset,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [of],
    })

  /** Of 10 INF the provider has 8.9 after the shares, and nothing was claimed twice. */
  async function expectPaidOnce(by = payer): Promise<void> {
    await until('the provider to be paid', async () => (await balance(provider)) > 0n, SETTLED_MS)
    expect(await balance(provider)).toBe(parseEther('8.9'))
    const claimed = await chain.client.readContract({
      address: mainEscrow(chain).escrow,
      abi: escrowAbi,
      functionName: 'claimedOf',
      args: [by.address, 0, provider, `0x${SOME_MODEL}`],
    })
    expect(claimed).toBe(parseEther('10'))
  }

  /** What the relay's account sent that is in a block, by the function it called. */
  async function minedCalls(): Promise<readonly string[]> {
    const last = await chain.client.getBlockNumber()
    const calls: string[] = []
    for (let blockNumber = 0n; blockNumber <= last; blockNumber++) {
      const { transactions } = await chain.client.getBlock({ blockNumber, includeTransactions: true })
      for (const { from, input } of transactions) if (isRelay(from)) calls.push(nameOf(input))
    }
    return calls
  }
  const isRelay = (address: Address): boolean => address.toLowerCase() === relayAccount.toLowerCase()
  const nameOf = (data: Hex): string => decodeFunctionData({ abi: escrowAbi, data }).functionName

  /** What of it waits for a block, by its nonce. */
  async function waiting(): Promise<readonly { readonly hash: Hex; readonly input: Hex }[]> {
    const { pending, queued } = await chain.client.getTxpoolContent()
    return [pending, queued].flatMap((pool) =>
      Object.entries(pool).flatMap(([from, byNonce]) =>
        isRelay(from as Address) ? Object.values(byNonce) : [],
      ),
    )
  }
  const waitingCalls = async (): Promise<readonly string[]> =>
    (await waiting()).map(({ input }) => nameOf(input))
  const waitingHashes = async (): Promise<readonly Hex[]> => (await waiting()).map(({ hash }) => hash)
  const holdBlocks = async (): Promise<void> => {
    await chain.client.setAutomine(false)
    await chain.client.setIntervalMining({ interval: 0 })
  }

  return {
    ...{ chain, proxy, provider, relayAccount, startCarrier, leaveTen, balance, expectPaidOnce },
    ...{ cutFrom, startUnheard, minedCalls, waitingCalls, waitingHashes, holdBlocks },
    async [Symbol.asyncDispose](): Promise<void> {
      proxy.mend()
      await chain[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
      await folder.remove()
    },
  }
}

// Each has a chain of its own and waits for most of its time, so some run at once.
describe
  .skipIf(findAnvil() === undefined)
  .concurrent('a relay that carries claims', { timeout: 120_000 }, () => {
    test('sends nothing when the chain goes down between check and claim, and goes on when it is back', async () => {
      await using ground = await startGround()
      const { proxy, startCarrier, leaveTen, cutFrom, expectPaidOnce, minedCalls } = ground
      await leaveTen()
      const isDown = cutFrom('eth_estimateGas')
      await startCarrier()
      await until('the chain to be down', isDown)
      await sleep(3000) // rounds that fail
      expect(proxy.methods).not.toContain('eth_sendRawTransaction')
      proxy.mend()
      await expectPaidOnce()
      expect((await minedCalls()).filter((name) => name === 'claimToPot')).toHaveLength(1)
    })

    test('knows after an outage longer than its patience that its claim was mined in it', async () => {
      await using ground = await startGround()
      const { proxy, leaveTen, startUnheard, expectPaidOnce, minedCalls } = ground
      await leaveTen()
      await startUnheard()
      await sleep(25_000) // four times five seconds are the patience with a chain that answers
      proxy.mend()
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('follows a claim that a node took and answered with an error, and makes no second one', async () => {
      await using ground = await startGround()
      const { proxy, startCarrier, leaveTen, expectPaidOnce, minedCalls } = ground
      await leaveTen()
      proxy.disturb((method) => (method === 'eth_sendRawTransaction' ? 'error' : 'pass'))
      await startCarrier()
      await expectPaidOnce()
      // What it collects for itself after that comes once an hour, here at any moment.
      const claims = (await minedCalls()).filter((name) => name !== 'collect')
      expect(claims).toEqual(['claimToPot', 'sweep'])
    })

    test('sends its claim anew, not another one, when the chain never got it', async () => {
      await using ground = await startGround()
      const { proxy, startCarrier, leaveTen, cutFrom, expectPaidOnce, minedCalls } = ground
      await leaveTen()
      const isDown = cutFrom('eth_sendRawTransaction')
      await startCarrier()
      await until('the chain to be down', isDown)
      await sleep(8000)
      expect(await minedCalls()).toEqual([])
      proxy.mend()
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('waits for a chain that is slow, and has one claim under way at a time', async () => {
      await using ground = await startGround()
      const { chain, startCarrier, leaveTen, expectPaidOnce, minedCalls, waitingCalls, holdBlocks } = ground
      await leaveTen()
      await holdBlocks()
      await startCarrier()
      await until('the claim to wait for a block', async () => (await waitingCalls()).length > 0)
      for (let second = 0; second < 24; second++) {
        expect(await waitingCalls()).toEqual(['claimToPot'])
        await sleep(1000) // a round's time; it is replaced by dearer ones meanwhile
      }
      await chain.client.setAutomine(true)
      await chain.client.mine({ blocks: 1 })
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('survives a chain that takes every call and answers none', async () => {
      await using ground = await startGround()
      const { proxy, startCarrier, leaveTen, expectPaidOnce, minedCalls } = ground
      await leaveTen()
      proxy.disturb((method) => (method === 'eth_sendRawTransaction' ? 'hold' : 'pass'))
      await startCarrier()
      await until('the claim to be held', () => proxy.methods.includes('eth_sendRawTransaction'))
      proxy.disturb(() => 'hold')
      await sleep(10_000)
      proxy.mend()
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('that is started anew waits for the claim that it sent before, and pays it out', async () => {
      await using ground = await startGround()
      const { chain, startCarrier, leaveTen, expectPaidOnce, minedCalls, waitingCalls, holdBlocks } = ground
      await leaveTen()
      await holdBlocks()
      const first = await startCarrier()
      await until('the claim to wait for a block', async () => (await waitingCalls()).length > 0)
      await first.stop()
      await startCarrier()
      await sleep(2500) // two rounds
      expect(await waitingCalls()).toEqual(['claimToPot'])
      await chain.client.setAutomine(true)
      await chain.client.mine({ blocks: 1 })
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('that is started anew takes the place of a claim that no block takes', async () => {
      await using ground = await startGround()
      const {
        chain,
        startCarrier,
        leaveTen,
        expectPaidOnce,
        minedCalls,
        waitingCalls,
        waitingHashes,
        holdBlocks,
      } = ground
      await leaveTen()
      await holdBlocks()
      const first = await startCarrier()
      await until('the claim to wait for a block', async () => (await waitingCalls()).length > 0)
      await first.stop()
      const [before] = await waitingHashes()
      await startCarrier()
      await until('it to be replaced', async () => (await waitingHashes())[0] !== before, 20_000)
      expect(await waitingCalls()).toEqual(['claimToPot'])
      await chain.client.setAutomine(true)
      await chain.client.mine({ blocks: 1 })
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('that was stopped between claim and payout pays out when it is started anew', async () => {
      await using ground = await startGround()
      const { proxy, provider, startCarrier, leaveTen, startUnheard, balance, expectPaidOnce, minedCalls } =
        ground
      await leaveTen()
      const first = await startUnheard()
      await first.stop()
      proxy.mend()
      expect(await balance(provider)).toBe(0n)
      await startCarrier()
      await expectPaidOnce()
      expect((await minedCalls()).slice(0, 2)).toEqual(['claimToPot', 'sweep'])
    })

    test('makes a claim again whose block was undone by a fork', async () => {
      await using ground = await startGround()
      const { chain, provider, startCarrier, leaveTen, balance, expectPaidOnce } = ground
      await leaveTen()
      const before = await chain.client.snapshot()
      await startCarrier()
      await expectPaidOnce()
      await sleep(2500) // what came of it is on the relay's record
      await chain.client.revert({ id: before })
      expect(await balance(provider)).toBe(0n)
      await expectPaidOnce()
    })

    test('keeps a voucher whose deposit and session are in a block that a fork has undone for a while', async () => {
      await using ground = await startGround()
      const { chain, provider, relayAccount, startCarrier, expectPaidOnce } = ground
      const late = await chain.account()
      const lateSession = createChainSigner(fromHex(generatePrivateKey().slice(2)))
      const before = await chain.client.snapshot()
      await deposit(chain, late, lateSession)
      const relay = await startCarrier(NEVER)
      const who = { payer: late.address, provider, relay: relayAccount }
      expect(await leaveAndVanish(chain, relay, await voucherOf(chain, who, '10', lateSession))).toEqual([])
      await relay.stop()
      await chain.client.revert({ id: before })
      const second = await startCarrier()
      await sleep(2500) // two rounds in which the chain knows of no such session
      const metrics = await (await fetch(new URL('/metrics', second.httpUrl))).text()
      expect(metrics).toContain('infernet_claims_held 1')
      await deposit(chain, late, lateSession)
      await expectPaidOnce(late)
    })

    test('goes on with a chain that was killed, and started again with an older state', async () => {
      await using ground = await startGround()
      const { chain, proxy, startCarrier, leaveTen, expectPaidOnce } = ground
      await leaveTen()
      await untilOnDisk(chain)
      await startCarrier()
      await until('the claim to be sent', () => proxy.methods.includes('eth_sendRawTransaction'))
      await chain.restart()
      await expectPaidOnce()
    })
  })
