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
import type { Engine } from '#shared/engine/engine.ts'
import { createEncoderEngine } from '#shared/engine/encoder/create-encoder-engine.ts'
import { vectorFromHex } from '#shared/engine/encoder/golden-vectors.ts'
import { distance } from '#shared/engine/encoder/test-encoder.ts'
import { readReference } from '#shared/model-kit/use-lite/make-encoder.ts'
import { openSentenceEncoder } from '#shared/model-kit/use-lite/open-encoder.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import type { EmbedSummary } from '#shared/peer/peer.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
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

  /** A relay, a provider with a till on the chain and an asker with a purse there. */
  const market = async (peers: TestNetwork, engine: Engine) => {
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
    const provision = node.peer.provide(engine, TERMS)
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
    return { relay, ledger, credit, asker: await peers.node({ relays: relay.addresses, payer: purse }) }
  }
  const claim = async (ledger: PayeeLedger): Promise<SignedVoucher['voucher']> => {
    const [held] = ledger.vouchers
    if (!held) throw new Error('no voucher is held')
    await call('claim', [[onChain(held)]])
    return held.voucher
  }
  const claimedOf = ({ provider, model, epoch }: SignedVoucher['voucher']) =>
    ask('claimedOf', [PAYER, epoch, provider, `0x${model}`])

  it(
    'pay an answer chunk by chunk, and the chain pays exactly what was due',
    { timeout: 30_000 },
    async () => {
      await using peers = new TestNetwork()
      const { ledger, credit, asker } = await market(peers, fakeEngine())
      const { summary } = await hear(asker.peer, promptOf())
      expect(summary).toMatchObject({ due: 803n, paid: 803n })

      const voucher = await claim(ledger)
      expect(await claimedOf(voucher)).toBe(803n)
      expect(await ask('session', [PAYER, session.address])).toMatchObject({ spent: 803n })
      await credit.reckon(voucher)
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(0n)
      // And goes on after the claim.
      expect((await hear(asker.peer, promptOf())).summary).toMatchObject({ paid: 803n })
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(803n)
    },
  )

  it(
    'pay the vectors of a real encoder by the token it read, and the chain pays exactly what was due',
    { timeout: 30_000 },
    async () => {
      await using peers = new TestNetwork()
      const { manifest, files } = await openSentenceEncoder()
      const engine = await createEncoderEngine(await wasmComponents(files), { manifest })
      peers.defer(() => engine.close())
      const { ledger, asker } = await market(peers, engine)
      const reference = await readReference()
      // Enough for several blocks: 66 tokens each time.
      const many = Array.from({ length: 60 }, (_, i) => reference[i % reference.length]!)
      const request = { model: engine.info.model, texts: many.map(({ tokens }) => tokens), dimensions: 512 }
      const vectors: Float32Array[] = []
      let summary: EmbedSummary | undefined
      for await (const event of asker.peer.embed({ ...request, maxPromptPrice: undefined })) {
        if (event.type === 'vectors') vectors.push(...event.vectors)
        if (event.type === 'done') summary = event.summary
      }
      expect(vectors).toHaveLength(60)
      for (const [i, { vector }] of many.entries())
        expect(distance(vectors[i]!, vectorFromHex(vector))).toBeLessThan(1e-5)
      expect(summary).toMatchObject({ promptTokens: 660, due: 660n, paid: 660n })
      expect(summary?.segments[0]?.chunks).toBeGreaterThan(2)
      expect(await claimedOf(await claim(ledger))).toBe(660n)
    },
  )

  it(
    'pay a verifier exactly the price of reading, and the chain pays it out',
    { timeout: 30_000 },
    async () => {
      await using peers = new TestNetwork()
      // A line of its own: what earlier tests claimed is of another model.
      const model = modelHash('c'.repeat(64))
      const engine = () => fakeEngine({ info: { model } })
      const { ledger, asker, relay } = await market(peers, engine())
      const writes = await peers.node({ listen: [OWN_SOCKET], relays: relay.addresses })
      const provision = writes.peer.provide(engine(), { ...TERMS, price: pricePerToken(0n, 0n) })
      await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
      const { events } = await hear(asker.peer, promptOf({ model, maxOutputPrice: baseUnits(0n) }))
      const [transcript] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
      expect(transcript?.provider).toBe(writes.peer.name)
      let report: CheckReport | undefined
      for await (const event of asker.peer.check(transcript!, { by: 'peer', profile: 'fp32' }))
        if (event.type === 'done') report = event.report
      // Three tokens of the prompt and eighty of the answer, the last of which nothing follows.
      expect(report).toMatchObject({ cost: 82n, verdict: { outcome: 'agrees', cost: 82n } })
      expect(await claimedOf(await claim(ledger))).toBe(82n)
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
