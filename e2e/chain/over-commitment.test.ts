/**
 * One deposit that is signed to several providers at once, each in full: what the providers serve, what the real
 * contracts pay them of it, and what stays unpaid. Nobody has claimed while they serve, which is the worst for them.
 */
import {
  createTestClient,
  createWalletClient,
  http,
  publicActions,
  zeroHash,
  type Abi,
  type Address,
  type Hex,
  type PublicClient,
  type TestClient,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { tokenAbi } from '#shared/abi/token.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { claimCall } from '#shared/chain/calls.ts'
import { escrowAt } from '#shared/chain/reads.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import { hasCode } from '#shared/errors/infernet-error.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'
import { PAYMENT, someQuote, someTerms } from '#shared/testing/payments.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { startAnvil, type Anvil } from '../../contracts/script/anvil.ts'
import { deployNetwork } from '../../contracts/script/deploy.ts'
import { findFoundry } from '../../contracts/script/foundry.ts'
import type { Network } from '../../contracts/script/network.ts'
import { ESCROW, STAKE } from '../../contracts/script/parameters.ts'

const payerAccount = mnemonicToAccount('test test test test test test test test test test test junk')
const PAYER = chainAddress(payerAccount.address)
const session = createChainSigner(new Uint8Array(32).fill(1))
/** Of it 474 are the bond, and 9,000 pay. A token costs 10. */
const DEPOSIT = 9_474n
const BALANCE = 9_000n
const CHUNK = 320n
/** What ends serving. */
const REFUSALS = ['payment.credit-used', 'payment.no-deposit', 'payment.unpaid'] as const

interface Provider {
  readonly signer: ChainSigner
  readonly till: PayeeCredit
  readonly ledger: PayeeLedger
  /** A cheat's purse that knows of nobody else. */
  readonly purse: PayerCredit
}

describe.skipIf(findFoundry('anvil') === undefined)('a deposit that is signed to several providers', () => {
  let anvil: Anvil
  let network: Network
  let escrow: EscrowId
  let stake: ChainAddress
  let client: TestClient & PublicClient

  beforeAll(async () => {
    anvil = await startAnvil()
    network = await deployNetwork(anvil.rpcUrl, payerAccount)
    escrow = { chainId: network.chainId, escrow: chainAddress(network.addresses.escrow) }
    stake = chainAddress(network.addresses.stake)
    const options = {
      chain: foundry,
      transport: http(anvil.rpcUrl),
      pollingInterval: 20,
      cacheTime: 0,
    } as const
    client = createTestClient({ mode: 'anvil', ...options }).extend(publicActions)
  }, 60_000)
  afterAll(() => anvil.stop())

  const wallet = () => createWalletClient({ chain: foundry, transport: http(anvil.rpcUrl) })
  const mined = async (hash: Hex): Promise<void> => {
    expect((await client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }
  const send = async (
    address: Address,
    abi: Abi,
    functionName: string,
    args: readonly unknown[],
    account: Address | typeof payerAccount = payerAccount,
  ): Promise<void> => mined(await wallet().writeContract({ account, address, abi, functionName, args }))
  const ask = () => escrowAt(client, escrow.escrow)

  const openSession = async (): Promise<void> => {
    await send(network.addresses.token, tokenAbi, 'approve', [escrow.escrow, DEPOSIT])
    const expiry = Number((await client.getBlock()).timestamp) + 20 * 86_400
    await send(escrow.escrow, escrowAbi, 'depositWithSession', [DEPOSIT, session.address, 10n ** 9n, expiry])
  }

  /** With stake, so that a default pays it first. */
  const openProvider = async (seed: number): Promise<Provider> => {
    const signer = createChainSigner(new Uint8Array(32).fill(seed))
    await client.setBalance({ address: signer.address, value: 10n ** 19n })
    await client.impersonateAccount({ address: signer.address })
    await send(network.addresses.token, tokenAbi, 'transfer', [signer.address, STAKE.minimum])
    await send(network.addresses.token, tokenAbi, 'approve', [stake, STAKE.minimum], signer.address)
    const key = `0x${seed.toString(16).padStart(64, '0')}`
    const unsigned = { peerKey: key, r: zeroHash, s: zeroHash } // the escrow goes by account
    await send(stake, stakeAbi, 'register', [unsigned, STAKE.minimum], signer.address)
    const chain = new ChainReader(client, escrow, stake)
    const common = { clock: realClock, escrow, chain }
    const ledger = await PayeeLedger.load(new MemoryLedgerStore(), escrow, signer.address)
    const purse = new PayerCredit(
      {
        ...common,
        ...{ stake, payer: PAYER, signer: session },
        ledger: new PayerLedger(new MemoryLedgerStore(), escrow, PAYER),
      },
      { maxJobCost: baseUnits(10n ** 9n) },
    )
    return { signer, till: new PayeeCredit({ ...common, ledger, signer }), ledger, purse }
  }

  /** Asks one provider, answer after answer, until it or the purse refuses. Gives what it has served. */
  const serveAll = async ({ signer, till, purse }: Provider): Promise<bigint> => {
    const quote = someQuote({ ...PAYMENT, ...escrow, operator: signer.address })
    let served = 0n
    for (let name = 1; ; name++) {
      const terms = someTerms({ name, quote })
      let due = 3n
      let earns
      try {
        const pays = await purse.open(terms)
        earns = await till.open(terms, pays.opening)
        for (let chunk = 0; chunk < 15; chunk++) {
          due += CHUNK
          await earns.take(await pays.pay(baseUnits(due)))
        }
        served += due
        earns.close(baseUnits(due))
      } catch (thrown) {
        expect(REFUSALS.some((code) => hasCode(thrown, code))).toBe(true)
        if (earns) {
          served += due
          earns.close(baseUnits(due))
        }
        return served
      }
    }
  }

  const claim = async ({ ledger }: Provider): Promise<void> => {
    for (const held of ledger.vouchers) {
      const call = claimCall(escrow.escrow, [toChainVoucher(held)])
      await mined(await wallet().sendTransaction({ account: payerAccount, ...call }))
    }
  }
  const potOf = async ({ signer, ledger }: Provider): Promise<bigint> => {
    const [held] = ledger.vouchers
    if (!held) return 0n
    return (await ask()('potOf', signer.address, `0x${held.voucher.model}`, held.voucher.relay)).gross
  }

  /** All claim, one after the other; the default, if there is one, is settled and collected. */
  const settle = async (providers: readonly Provider[]): Promise<bigint> => {
    for (const each of providers) await claim(each)
    const { epoch } = await ask()('account', PAYER)
    const { closesAt } = await ask()('defaultOf', PAYER, epoch)
    if (closesAt > 0) {
      await client.increaseTime({ seconds: ESCROW.defaultWindowSeconds })
      await client.mine({ blocks: 1 })
      await send(escrow.escrow, escrowAbi, 'settleDefault', [PAYER])
      for (const { signer, ledger } of providers)
        for (const { voucher } of ledger.vouchers) {
          const line = [PAYER, epoch, signer.address, `0x${voucher.model}`, voucher.relay] as const
          if ((await ask()('owedOf', ...line)) > 0n)
            await send(escrow.escrow, escrowAbi, 'collectDefault', line)
        }
    }
    let paid = 0n
    for (const each of providers) paid += await potOf(each)
    return paid
  }

  it.each([
    { count: 1, unpaid: 0n },
    { count: 3, unpaid: 0n },
    // Ten parts of an eighth, and a block each, are more than the deposit and the bond.
    { count: 10, unpaid: 3_356n },
  ])(
    'leaves $count providers no more unpaid than their first credits beyond it',
    async ({ count, unpaid }) => {
      const before = await client.snapshot()
      await openSession()
      expect(await ask()('account', PAYER)).toMatchObject({ balance: BALANCE, bond: DEPOSIT - BALANCE })
      const providers: Provider[] = []
      for (let i = 0; i < count; i++) providers.push(await openProvider(10 + i))
      let served = 0n
      for (const each of providers) served += await serveAll(each)
      const paid = await settle(providers)
      console.log(
        JSON.stringify({
          providers: count,
          deposit: Number(BALANCE),
          served: Number(served),
          paid: Number(paid),
          unpaid: Number(served - paid),
        }),
      )
      // An eighth of the deposit is 1,125: four chunks and an answer's 3 end within the block on top of it.
      expect(served).toBe(BigInt(count) * 1_283n)
      expect(served - paid).toBe(unpaid)
      await client.revert({ id: before })
    },
    120_000,
  )

  it('lets an honest payer spend all of it at one provider, which claims now and then', async () => {
    const before = await client.snapshot()
    await openSession()
    const provider = await openProvider(30)
    let claims = 0
    for (; claims < 12 && (await potOf(provider)) < BALANCE - 2n * CHUNK; claims++) {
      await serveAll(provider)
      await claim(provider)
      for (const { voucher } of provider.ledger.vouchers) await provider.till.reckon(voucher)
    }
    expect(await potOf(provider)).toBeGreaterThanOrEqual(BALANCE - 2n * CHUNK)
    expect(claims).toBeLessThan(8)
    await client.revert({ id: before })
  }, 120_000)
})
