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

/** For more probes than there are purses, also where each is a chat of four turns: a turn is some 1,500 base units. */
const PLENTY = '0.0000000000001'
/** For two turns of a chat, and not three. */
const SCARCE = { spend: '0.000000000000003', units: 3000n } as const

describe.skipIf(findAnvil() === undefined)('an auditor with money', () => {
  const ends: (() => Promise<unknown>)[] = []
  let chain: TestChain
  let ground: AuditGround
  beforeEach(async () => {
    chain = await startTestChain()
    ends.push(async () => chain[Symbol.asyncDispose]())
  }, 120_000)
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** An auditor that may spend so much an hour, in whole units. */
  async function audits(spend: string): Promise<void> {
    const folder = await temporaryFolder()
    ends.push(() => folder.remove())
    const account = privateKeyToAccount(keyOf(chain.chain.faucetKeyFile))
    const { client, network } = chain
    const sender = new TransactionSender({ client, account, clock: realClock }, network)
    ends.push(async () => sender.stop())
    const purses = await openPurses(
      { network, client, account, sender },
      { clock: realClock, log: createLog('silent') },
      { dataFolder: folder.path, spend, fillWithinMs: 200 },
    )
    ground = await startAuditGround({ purses })
    ends.push(() => ground.stop())
  }

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

  test('probes who asks a price, pays it as a page would, and checks it', async () => {
    await audits(PLENTY)
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
    // No operator is paid by one purse in two probes: a verdict tells it which of its askers was an auditor.
    for (const { ledger } of [first, second])
      expect(new Set(ledger.vouchers.map(({ voucher }) => voucher.payer)).size).toBe(ledger.vouchers.length)
    expect(payers()).not.toContain(
      chainAddress(privateKeyToAccount(keyOf(chain.chain.faucetKeyFile)).address),
    )
  }, 180_000)

  test('never signs more than its money of an hour', async () => {
    await audits(SCARCE.spend)
    const tills = [await till('first'), await till('second')]
    for (const { payee } of tills) await ground.provide(ground.engine, 'at a socket', payee)
    const signed = (): bigint => sum(paidTo(tills.map(({ ledger }) => ledger)))
    await until('something is paid', () => signed() > 0n, 90_000)
    // Both would be probed again and again, once a second.
    await new Promise((resolve) => setTimeout(resolve, 8000))
    expect(signed()).toBeLessThanOrEqual(SCARCE.units)
  }, 180_000)
})
