import { createHash } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import { NO_RELAY } from '#shared/settle/constants.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { openPurses } from '../../relay/audit/purse/open-purses.ts'
import { createLog } from '../../relay/observe/log.ts'
import { TransactionSender } from '../../relay/chain/transaction-sender.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { startAuditGround, type AuditGround } from '../peers/audit-ground.ts'
import type { NodeInit } from '../peers/test-network.ts'
import { findAnvil } from './find-anvil.ts'
import { sumOf } from './settlement.ts'
import { startTestChain, type TestChain } from './test-chain.ts'
import { keyOf, mainEscrow } from './vouchers.ts'

/** Two answers of the bundled model at the test's price, and not three: 128 tokens at 10 base units, and the prompt. */
const SPEND = '0.000000000000003'
const SPEND_UNITS = 3000n

describe.skipIf(findAnvil() === undefined)('an auditor with money', () => {
  const ends: (() => Promise<unknown>)[] = []
  let chain: TestChain
  let ground: AuditGround
  beforeEach(async () => {
    chain = await startTestChain()
    ends.push(async () => chain[Symbol.asyncDispose]())
    const folder = await temporaryFolder()
    ends.push(() => folder.remove())
    const account = privateKeyToAccount(keyOf(chain.chain.faucetKeyFile))
    const { client, network } = chain
    const sender = new TransactionSender({ client, account, clock: realClock }, network)
    ends.push(async () => sender.stop())
    const purses = await openPurses(
      { network, client, account, sender },
      { clock: realClock, log: createLog('silent') },
      { dataFolder: folder.path, spend: SPEND, fillWithinMs: 200 },
    )
    ground = await startAuditGround({ purses })
    ends.push(() => ground.stop())
  }, 120_000)
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** A till on the chain, whose books the test reads. */
  async function till(name: string) {
    const operator = createChainSigner(createHash('sha256').update(name).digest())
    const escrow = { chainId: chain.network.chainId, escrow: chainAddress(mainEscrow(chain).escrow) }
    const stake = chainAddress(chain.network.contracts.stake)
    const ledger = await PayeeLedger.load(new MemoryLedgerStore(), escrow, operator.address)
    const view = new CachedChainView(new ChainReader(chain.client, escrow, stake), realClock)
    const credit = new PayeeCredit({ clock: realClock, escrow, chain: view, ledger, signer: operator })
    const payee: NodeInit['payee'] = async (key) => ({
      payment: {
        ...{ ...escrow, operator: operator.address, relay: NO_RELAY },
        binding: await makeBinding(key, { chainId: escrow.chainId, stake, operator: operator.address }),
      },
      credit,
    })
    return { payee, ledger }
  }
  const paidTo = (ledgers: readonly PayeeLedger[]): readonly SignedVoucher[] =>
    ledgers.flatMap(({ vouchers }) => vouchers)
  const sum = (vouchers: readonly SignedVoucher[]): bigint =>
    sumOf(vouchers.map(({ voucher }) => voucher.cumulative))

  test('probes who asks a price, pays it as a page would, checks it, and keeps to its money', async () => {
    const [first, second] = [await till('first'), await till('second')]
    const providers = [
      await ground.provide(ground.engine, 'at a socket', first.payee),
      await ground.provide(ground.engine, 'at a socket', second.payee),
    ]
    const ledgers = [first.ledger, second.ledger]
    const payers = (): ReadonlySet<ChainAddress> =>
      new Set(paidTo(ledgers).map(({ voucher }) => voucher.payer))
    const said = async () => (await Promise.all(providers.map(ground.keptOf))).flat()
    await until('two verdicts', async () => (await said()).length >= 2, 90_000)
    const held = paidTo(ledgers)
    expect(held.length).toBeGreaterThanOrEqual(1)
    expect(sum(held)).toBeGreaterThan(0n)
    for (const { verdict, verifier } of await said()) {
      expect(verifier).toBe(ground.relay.name)
      expect(verdict.outcome).not.toBe('differs')
    }
    // Whoever is paid can claim it, from a deposit and a session as those of a page.
    for (const voucher of held) {
      const { address, session } = { address: voucher.voucher.payer, session: voucher.signer }
      expect(session).not.toBe(address)
      const [paid] = await chain.client.readContract({
        address: mainEscrow(chain).escrow,
        abi: escrowAbi,
        functionName: 'claimable',
        args: [toChainVoucher(voucher)],
      })
      expect(paid).toBe(voucher.voucher.cumulative)
    }
    // More probes come than the hour's money reaches; what is signed never goes beyond it.
    await new Promise((resolve) => setTimeout(resolve, 8000))
    expect(sum(paidTo(ledgers))).toBeLessThanOrEqual(SPEND_UNITS)
    // No operator is paid by one purse in two probes: a verdict tells it which of its askers was an auditor.
    for (const { ledger } of [first, second])
      expect(new Set(ledger.vouchers.map(({ voucher }) => voucher.payer)).size).toBe(ledger.vouchers.length)
    expect(payers()).not.toContain(
      chainAddress(privateKeyToAccount(keyOf(chain.chain.faucetKeyFile)).address),
    )
  }, 180_000)
})
