import {
  createPublicClient,
  createWalletClient,
  http,
  publicActions,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { tokenAbi } from '#shared/abi/token.ts'
import { toHex } from '#shared/base/bytes.ts'
import { chainAddress, modelHash, type ChainAddress } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { NO_RELAY } from '#shared/settle/constants.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import { hashVoucher, signVoucher, type EscrowId, type SignedVoucher } from '#shared/settle/voucher.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { startAnvil, type Anvil } from '../../contracts/script/anvil.ts'
import { deployNetwork } from '../../contracts/script/deploy.ts'
import { findFoundry } from '../../contracts/script/foundry.ts'
import type { Network } from '../../contracts/script/network.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { fakeEngine, hear, OWN_SOCKET, promptOf, TERMS, TestNetwork } from './test-network.ts'

type OnChain = ContractFunctionArgs<typeof escrowAbi, 'view', 'claimable'>[0]

/** anvil's own, known to everybody: it deploys, and pays. */
const payerAccount = mnemonicToAccount('test test test test test test test test test test test junk')
const PAYER = chainAddress(payerAccount.address)
const session = createChainSigner(new Uint8Array(32).fill(1))
const operator = createChainSigner(new Uint8Array(32).fill(2))
const DEPOSIT = 10n ** 18n

describe.skipIf(findFoundry('anvil') === undefined)('vouchers on a real chain', () => {
  let anvil: Anvil
  let network: Network
  let escrow: EscrowId
  let stake: ChainAddress

  beforeAll(async () => {
    anvil = await startAnvil()
    network = await deployNetwork(anvil.rpcUrl, payerAccount)
    escrow = { chainId: network.chainId, escrow: chainAddress(network.addresses.escrow) }
    stake = chainAddress(network.addresses.stake)
    await send(payer(), network.addresses.token, 'approve', tokenAbi, [network.addresses.escrow, DEPOSIT])
    const expiry = Math.floor(realClock.now() / 1000) + 3600
    await call('depositWithSession', [DEPOSIT, session.address, DEPOSIT, expiry])
  }, 60_000)
  afterAll(() => anvil.stop())

  const payer = () =>
    createWalletClient({
      account: payerAccount,
      chain: foundry,
      transport: http(anvil.rpcUrl),
      pollingInterval: 20,
    }).extend(publicActions)
  const send = async (
    wallet: ReturnType<typeof payer>,
    address: Address,
    functionName: string,
    abi: typeof tokenAbi | typeof escrowAbi,
    args: readonly unknown[],
  ): Promise<void> => {
    const request = { address, abi, functionName, args } as unknown as Parameters<
      typeof wallet.writeContract
    >[0]
    const hash = await wallet.writeContract(request)
    const { status } = await wallet.waitForTransactionReceipt({ hash })
    expect(status).toBe('success')
  }
  const call = (name: string, args: readonly unknown[]): Promise<void> =>
    send(payer(), network.addresses.escrow, name, escrowAbi, args)
  const ask = <Name extends ContractFunctionName<typeof escrowAbi, 'view'>>(
    functionName: Name,
    args: ContractFunctionArgs<typeof escrowAbi, 'view', Name>,
  ) =>
    createPublicClient({ chain: foundry, transport: http(anvil.rpcUrl) }).readContract({
      address: network.addresses.escrow,
      abi: escrowAbi,
      functionName,
      args,
    } as never)
  const onChain = ({ voucher, signer, signature }: SignedVoucher): OnChain => ({
    voucher: { ...voucher, model: `0x${voucher.model}` },
    signer,
    signature: `0x${toHex(signature)}`,
  })
  const view = () =>
    new CachedChainView(
      new ChainReader(createPublicClient({ transport: http(anvil.rpcUrl) }), escrow, stake),
      realClock,
    )

  it('hash in TypeScript as they do in Solidity, at every end of every field', async () => {
    const ends = [
      { epoch: 0, cumulative: baseUnits(0n), relay: NO_RELAY },
      { epoch: 2 ** 32 - 1, cumulative: baseUnits(2n ** 96n - 1n), relay: operator.address },
      { epoch: 7, cumulative: baseUnits(123_456_789n), relay: PAYER },
    ]
    for (const [i, end] of ends.entries()) {
      const model = modelHash((i * 127).toString(16).padStart(2, '0').repeat(32))
      const voucher = { payer: PAYER, provider: operator.address, model, ...end }
      expect(hashVoucher(escrow, voucher)).toBe(
        await ask('hashVoucher', [{ ...voucher, model: `0x${model}` }]),
      )
    }
  })

  it('are read as the chain has them', async () => {
    const chain = view()
    const { balance, bond, epoch, withdrawAt } = await chain.account(PAYER)
    expect({ sum: balance + bond, epoch, withdrawAt }).toEqual({
      sum: DEPOSIT,
      epoch: 0,
      withdrawAt: undefined,
    })
    expect(await chain.session(PAYER, session.address)).toMatchObject({ cap: DEPOSIT, spent: 0n })
    expect(await chain.operator(operator.address)).toEqual({ isActive: false, peerKey: undefined })
  })

  it(
    'pay an answer chunk by chunk, and the chain pays exactly what was due',
    { timeout: 30_000 },
    async () => {
      await using peers = new TestNetwork()
      const relay = await peers.relay()
      const ledger = await PayeeLedger.load(new MemoryLedgerStore(), escrow, operator.address)
      const chain = view()
      const credit = new PayeeCredit({ clock: realClock, escrow, chain, ledger, signer: operator })
      const node = await peers.node({
        listen: [OWN_SOCKET],
        relays: relay.addresses,
        payee: async (key) => ({
          payment: {
            ...escrow,
            operator: operator.address,
            relay: chainAddress(`0x${'00'.repeat(20)}`),
            binding: await makeBinding(key, { chainId: escrow.chainId, stake, operator: operator.address }),
          },
          credit,
        }),
      })
      const provision = node.peer.provide(fakeEngine(), TERMS)
      await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
      const purse = new PayerCredit(
        {
          clock: realClock,
          escrow,
          stake,
          payer: PAYER,
          signer: session,
          chain: view(),
          ledger: new PayerLedger(new MemoryLedgerStore(), escrow, PAYER),
        },
        { maxJobCost: baseUnits(10n ** 6n) },
      )
      const asker = await peers.node({ relays: relay.addresses, payer: purse })
      const { summary } = await hear(asker.peer, promptOf())
      expect(summary).toMatchObject({ due: 803n, paid: 803n })

      const [held] = ledger.vouchers
      if (!held) throw new Error('no voucher is held')
      await call('claim', [[onChain(held)]])
      const { model, provider } = held.voucher
      expect(await ask('claimedOf', [PAYER, 0, provider, `0x${model}`])).toBe(803n)
      expect(await ask('session', [PAYER, session.address])).toMatchObject({ spent: 803n })
      await credit.reckon(held.voucher)
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(0n)
      // And goes on after the claim.
      expect((await hear(asker.peer, promptOf())).summary).toMatchObject({ paid: 803n })
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(803n)
    },
  )

  it('in the compact form of the payer’s own key are taken as well', async () => {
    const privateKey = payerAccount.getHdKey().privateKey
    if (!privateKey) throw new Error('the account has no key')
    const voucher = {
      payer: PAYER,
      provider: operator.address,
      model: modelHash('ab'.repeat(32)),
      relay: PAYER,
      epoch: 0,
      cumulative: baseUnits(5n),
    }
    const signed = await signVoucher(escrow, voucher, createChainSigner(privateKey))
    expect(signed.signature).toHaveLength(64)
    expect(await ask('claimable', [onChain(signed)])).toEqual([5n, 0n])
  })
})
