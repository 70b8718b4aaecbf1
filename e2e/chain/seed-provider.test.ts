import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { chainAddress } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import type { AnswerSummary } from '#shared/peer/peer.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import { REPEATS } from '#shared/testing/long-runs.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { hear, TestNetwork } from '../peers/test-network.ts'
import { findAnvil } from './find-anvil.ts'
import {
  expectedSharesOf,
  publishModel,
  readHoldings,
  settledParts,
  sumOf,
  type SettledParts,
} from './settlement.ts'
import { startTestChain, type TestChain } from './test-chain.ts'
import { DAY_SECONDS, deposit, keyOf, leaveAndVanish, mainEscrow, voucherOf } from './vouchers.ts'

const modelsFolder = fileURLToPath(new URL('../../web/public/models/', import.meta.url))
const { manifest, tokenizer } = await readTinyModel('fp32')
const MODEL = hashManifest(manifest)
const LENDING = { seedProvider: 'on', modelsFolder } as const
/** It once failed in one run of four. */
const OFTEN = { timeout: 90_000, repeats: REPEATS }
const NEVER = { carryEverySeconds: DAY_SECONDS }

describe.skipIf(findAnvil() === undefined)('the seed provider of a relay with an account', () => {
  let chain: TestChain
  let relayAccount: Address
  let publisher: Address
  beforeAll(async () => {
    chain = await startTestChain()
    relayAccount = privateKeyToAccount(keyOf(chain.chain.relayKeyFile)).address
    publisher = await publishModel(chain.chain, `0x${MODEL}`, 'tiny')
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  const provide = (changes: Partial<RelayConfig>): Promise<Relay> =>
    chain.relay({
      ...{ ...LENDING, relayKeyFile: chain.chain.relayKeyFile, carryWorth: '0', carryEverySeconds: 1 },
      ...changes,
    })

  /** Somebody new with a deposit asks that relay's network, and goes. */
  async function ask(relay: Relay): Promise<{
    summary: AnswerSummary
    payer: PrivateKeyAccount
    session: ChainSigner
    receipts: readonly SignedReceipt[]
  }> {
    const payer = await chain.account()
    const session = createChainSigner(fromHex(generatePrivateKey().slice(2)))
    await deposit(chain, payer, session)
    const escrow = { chainId: chain.network.chainId, escrow: chainAddress(mainEscrow(chain).escrow) }
    const stake = chainAddress(chain.network.contracts.stake)
    const of = chainAddress(payer.address)
    const receipts: SignedReceipt[] = []
    const purse = new PayerCredit(
      {
        ...{ clock: realClock, escrow, stake, payer: of, signer: session },
        chain: new ChainReader(chain.client, escrow, stake),
        ledger: new PayerLedger(new MemoryLedgerStore(), escrow, of),
        onReceipt: (receipt) => receipts.push(receipt),
      },
      { maxJobCost: baseUnits(10n ** 16n) },
    )
    await using network = new TestNetwork()
    const { peer } = await network.node({ relays: relay.addresses, payer: purse })
    await until('the seed provider to be offered', async () => (await peer.look()).offers.length > 0)
    const { summary } = await hear(peer, question())
    if (!summary) throw new Error('no answer')
    await until('the receipt', () => receipts.length > 0)
    return { summary, payer, session, receipts }
  }

  const claimedOf = (payer: Address): Promise<bigint> =>
    chain.client.readContract({
      address: mainEscrow(chain).escrow,
      abi: escrowAbi,
      functionName: 'claimedOf',
      args: [payer, 0, relayAccount, `0x${MODEL}`],
    })

  /** What is had on the chain, credits in the escrow included; the supply shows what was burned. */
  async function has() {
    const owners = [relayAccount, publisher, chain.network.contracts.treasury]
    const { holdings, supply } = await readHoldings(chain.client, chain.network, owners)
    const [relay = 0n, published = 0n, treasury = 0n] = holdings
    return { relay, publisher: published, treasury, supply }
  }

  test('is paid for its answer, and the chain moves exactly the shares', OFTEN, async () => {
    const relay = await provide({})
    const [before, fromBlock] = [await has(), (await chain.client.getBlockNumber()) + 1n]
    const { summary, payer, receipts } = await ask(relay)
    const [segment, ...others] = summary.segments
    expect([segment?.provider, segment?.path, others]).toEqual([relay.name, 'websocket', []])
    expect(summary.paid).toBe(summary.due)
    expect(summary.due).toBeGreaterThan(0n)
    expect(receipts).toMatchObject([{ receipt: { paid: summary.due, provider: chainAddress(relayAccount) } }])
    expect(receipts[0]?.providerSignature).toHaveLength(65)

    // A slow answer is claimed in parts, and it is all of them that pay it.
    let parts: SettledParts = { claims: [], sweeps: [] }
    const isSwept = async (): Promise<boolean> => {
      parts = await settledParts(chain.client, chain.network, { fromBlock })
      return sumOf(parts.sweeps) >= summary.due
    }
    await until('all of it to be swept', isSwept, 30_000)
    expect(await claimedOf(payer.address)).toBe(summary.due)
    const { provider, relay: relayed, ...rest } = expectedSharesOf(parts, { isCarried: false })
    const after = await has()
    const moved = {
      relay: after.relay - before.relay,
      publisher: after.publisher - before.publisher,
      treasury: after.treasury - before.treasury,
      burned: before.supply - after.supply,
    }
    expect(moved).toEqual({ relay: provider + relayed, ...rest })
    expect(sumOf(Object.values(moved))).toBe(summary.due)
    await relay.stop()
  })

  test('has its vouchers after a restart, and claims them then', { timeout: 90_000 }, async () => {
    const folder = await temporaryFolder()
    const first = await provide({ dataFolder: folder.path, ...NEVER })
    const { summary, payer } = await ask(first)
    await first.stop()
    expect(await claimedOf(payer.address)).toBe(0n)
    expect(await readdir(join(folder.path, 'claims'))).toHaveLength(1)
    const second = await provide({ dataFolder: folder.path })
    await until('it to be claimed', async () => (await claimedOf(payer.address)) === summary.due, 30_000)
    await second.stop()
    await folder.remove()
  })

  test('claims its own also where none are carried for others', { timeout: 90_000 }, async () => {
    const relay = await provide({ carryClaims: 'off' })
    expect(relay.node.getProtocols()).not.toContain(SETTLE_PROTOCOL)
    const { summary, payer } = await ask(relay)
    await until('it to be claimed', async () => (await claimedOf(payer.address)) === summary.due, 30_000)
    await relay.stop()
  })

  test(
    'is left no vouchers by others, who could name another relay in them',
    { timeout: 90_000 },
    async () => {
      const relay = await provide(NEVER)
      const { payer, session } = await ask(relay)
      const who = { payer: payer.address, provider: relayAccount, relay: payer.address }
      const signed = await voucherOf(chain, who, '1', session)
      await expect(leaveAndVanish(chain, relay, signed)).rejects.toMatchObject({
        code: 'payment.wrong-payee',
      })
      await relay.stop()
    },
  )

  test('without an account it asks for nothing, and serves who cannot pay', { timeout: 90_000 }, async () => {
    const relay = await provide({ relayKeyFile: '' })
    await using network = new TestNetwork()
    const { peer } = await network.node({ relays: relay.addresses })
    await until('the seed provider to be offered', async () => (await peer.look()).offers.length > 0)
    const { summary } = await hear(peer, question())
    expect(summary).toMatchObject({ due: 0n, paid: 0n })
    expect(summary?.outputTokens).toBeGreaterThan(0)
    await relay.stop()
  })
})

function question() {
  return {
    task: 'text-generation' as const,
    model: MODEL,
    promptTokens: tokenizer.encodeChat([{ role: 'user', content: 'What does a relay do?' }]),
    sampler: { temperature: 0.7, topP: 0.95 },
    maxTokens: 80,
    maxOutputPrice: undefined,
    eosTokens: [...tokenizer.eosTokens],
  }
}
