import { erc20Abi, parseEther, parseGwei, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'
import {
  claimData,
  DAY_SECONDS,
  deposit,
  keyOf,
  leaveAndVanish,
  mainEscrow,
  SOME_MODEL,
  voucherOf,
} from './vouchers.ts'

const NEVER = { carryEverySeconds: DAY_SECONDS }
const SOON = { carryEverySeconds: 1 }
/** More than a relay offers, so that it comes before it in a block. */
const DEAR = { maxPriorityFeePerGas: parseGwei('100'), maxFeePerGas: parseGwei('200') } as const

describe.skipIf(findAnvil() === undefined)('claims that a relay carries', () => {
  let chain: TestChain
  let payer: PrivateKeyAccount
  let session: ChainSigner
  beforeAll(async () => {
    chain = await startTestChain()
    payer = await chain.account()
    session = createChainSigner(fromHex(generatePrivateKey().slice(2)))
    await deposit(chain, payer, session)
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  const inf = () => mainEscrow(chain)
  const balance = (of: Address): Promise<bigint> =>
    chain.client.readContract({ address: inf().asset, abi: erc20Abi, functionName: 'balanceOf', args: [of] })

  const startCarrier = (changes: Partial<RelayConfig> = {}): Promise<Relay> =>
    chain.relay({ relayKeyFile: chain.chain.relayKeyFile, carryWorth: '0', ...SOON, ...changes })

  const sign = (provider: Address, amount: string, relay: Address, from = payer): Promise<SignedVoucher> =>
    voucherOf(chain, { payer: from.address, provider, relay }, amount, session)

  async function leave(relay: Relay, signed: SignedVoucher): Promise<void> {
    expect(await leaveAndVanish(chain, relay, signed)).toEqual([])
  }

  test('a provider that never comes back is paid, also when the relay is started anew meanwhile', async () => {
    const folder = await temporaryFolder()
    const provider = nobody() // without gas, without stake
    const relayAccount = privateKeyToAccount(keyOf(chain.chain.relayKeyFile)).address
    const first = await startCarrier({ dataFolder: folder.path, ...NEVER })
    const { payee } = (await (await fetch(new URL('/network.json', first.httpUrl))).json()) as {
      payee: string
    }
    expect(payee).toBe(relayAccount)
    await leave(first, await sign(provider, '10', relayAccount))
    await first.stop()
    expect(await balance(provider)).toBe(0n)
    const second = await startCarrier({ dataFolder: folder.path })
    await until('the provider to be paid', async () => (await balance(provider)) > 0n)
    // Of 10 INF: 5 % to the relay, 2 % burned, 3 % to the treasury; of the rest a tip of 1 % of the whole.
    expect(await balance(provider)).toBe(parseEther('8.9'))
    await until('the relay to collect its share and its tip', async () => (await balance(relayAccount)) > 0n)
    expect(await balance(relayAccount)).toBe(parseEther('0.6'))
    const metrics = await (await fetch(new URL('/metrics', second.httpUrl))).text()
    expect(metrics).toContain('infernet_claims_total{result="carried"} 1')
    await second.stop()
    await folder.remove()
  })

  test('what is not worth the gas waits, until the payer is about to withdraw', async () => {
    const other = await chain.account()
    await deposit(chain, other, session)
    const relay = await startCarrier({ carryWorth: '100' })
    const provider = nobody()
    await leave(relay, await sign(provider, '10', nobody(), other))
    const wallet = chain.wallet(other)
    const claimed = () =>
      chain.client.readContract({
        address: inf().escrow,
        abi: escrowAbi,
        functionName: 'claimedOf',
        args: [other.address, 0, provider, `0x${SOME_MODEL}`],
      })
    const rounds = async (): Promise<void> => {
      await chain.client.mine({ blocks: 1 })
      await new Promise((resolve) => setTimeout(resolve, 2500)) // two rounds
    }
    await rounds()
    expect(await claimed()).toBe(0n)
    await wallet.writeContract({ address: inf().escrow, abi: escrowAbi, functionName: 'requestWithdrawal' })
    await rounds()
    expect(await claimed()).toBe(0n) // there are days to go
    await chain.client.increaseTime({ seconds: 2.5 * DAY_SECONDS })
    await rounds()
    await until('it to be claimed', async () => (await claimed()) === parseEther('10'))
    await relay.stop()
  })

  test('a voucher that was claimed by its provider meanwhile is let be', async () => {
    const folder = await temporaryFolder()
    const provider = await chain.account()
    const first = await startCarrier({ dataFolder: folder.path, ...NEVER })
    const signed = await sign(provider.address, '5', nobody())
    await leave(first, signed)
    await first.stop()
    await chain.wallet(provider).sendTransaction({ to: inf().escrow, data: claimData([signed]) })
    const second = await startCarrier({ dataFolder: folder.path })
    expect(await metricsOf(second)).toContain('infernet_claims_held 1')
    await new Promise((resolve) => setTimeout(resolve, 2500)) // two rounds
    expect(await metricsOf(second)).not.toMatch(/infernet_claims_total\{result="(carried|failed)"\}/)
    // Its next voucher is carried, perhaps as soon as it is left.
    const before = await balance(provider.address)
    await leave(second, await sign(provider.address, '7', nobody()))
    await until('the rest to be paid', async () => (await balance(provider.address)) > before)
    await second.stop()
    await folder.remove()
  })

  test('a block that reverts a claim costs that claim: the others are carried apart from who spoilt it', async () => {
    const folder = await temporaryFolder()
    const faster = await chain.account()
    const other = nobody()
    const signed = await sign(faster.address, '3', nobody())
    const first = await startCarrier({ dataFolder: folder.path, ...NEVER })
    await leave(first, signed)
    await leave(first, await sign(other, '2', nobody()))
    await first.stop()
    await chain.client.setAutomine(false)
    await chain.client.setIntervalMining({ interval: 0 })
    const second = await startCarrier({ dataFolder: folder.path })
    const waiting = async (): Promise<number> => Number((await chain.client.getTxpoolStatus()).pending)
    await until('the claim to wait for a block', async () => (await waiting()) === 1)
    // Its provider claims one of them first, in the same block: the relay had tried both before, and it was well.
    await chain
      .wallet(faster)
      .sendTransaction({ to: inf().escrow, data: claimData([signed]), ...DEAR, gas: 500_000n })
    await until('both to wait', async () => (await waiting()) === 2)
    await chain.client.mine({ blocks: 1 })
    await chain.client.setAutomine(true)
    await until('the other to be paid', async () => (await balance(other)) > 0n, 20_000)
    const metrics = await metricsOf(second)
    expect(metrics).toMatch(/infernet_claim_gas_total\{use="claim",result="reverted"\} [1-9]/)
    expect(metrics).toContain('infernet_claim_rounds_total{asset="INF",outcome="failed",reason="reverted"} 1')
    expect(metrics).toContain('infernet_claims_total{result="failed"} 2')
    expect(metrics).toContain('infernet_claims_total{result="carried"} 1')
    await second.stop()
    await folder.remove()
  })

  test('without its key, or when told so, a relay takes no vouchers', async () => {
    for (const changes of [{ relayKeyFile: '' }, { carryClaims: 'off' as const }]) {
      const relay = await startCarrier(changes)
      expect(relay.node.getProtocols()).not.toContain(SETTLE_PROTOCOL)
    }
  })

  const metricsOf = async (relay: Relay): Promise<string> =>
    (await fetch(new URL('/metrics', relay.httpUrl))).text()
})
