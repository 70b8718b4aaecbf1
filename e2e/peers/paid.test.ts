import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Payee, Segment } from '#shared/peer/peer.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import type { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import { FakeChain } from '#shared/testing/fake-chain.ts'
import {
  ESCROW,
  operatorKey,
  PAYER,
  PAYMENT,
  purseOver,
  sessionKey,
  STAKE,
  tillOver,
} from '#shared/testing/payments.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { CreditVerifier } from '#shared/stream/credit.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  type TestPeerNode,
  type WatchedEngine,
} from './test-network.ts'

const HOUR = 3_600_000
/** Longer than what is read before it is paid for. */
const promptTokens = Array.from({ length: 300 }, (_, i) => 3 + (i % 200))

describe('two peers that pay each other', () => {
  let network: TestNetwork
  let relay: Relay
  let chain: FakeChain
  let payerStore: MemoryLedgerStore
  let receipts: SignedReceipt[]
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    network = new TestNetwork()
    relay = await network.relay()
    chain = new FakeChain()
    chain.deposit(PAYER, 100_000n)
    chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + HOUR)
    payerStore = new MemoryLedgerStore()
    receipts = []
  })
  afterEach(async () => {
    await network[Symbol.asyncDispose]()
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  const purse = (maxJobCost = 1_000_000n) =>
    purseOver(payerStore, chain, { maxJobCost, onReceipt: (receipt) => receipts.push(receipt) })
  const consumer = (payer = purse()): Promise<TestPeerNode> =>
    network.node({ relays: relay.addresses, payer })

  interface PaidProvider extends TestPeerNode {
    readonly name: PeerName
    readonly ledger: PayeeLedger
    readonly served: () => { paid: bigint; due: bigint; jobs: number }
  }
  const provider = async (
    engine: WatchedEngine = fakeEngine(),
    {
      store = new MemoryLedgerStore(),
      change = (credit: CreditVerifier) => credit,
      payment = {},
    }: {
      store?: MemoryLedgerStore
      change?: (credit: CreditVerifier) => CreditVerifier
      payment?: object
    } = {},
  ): Promise<PaidProvider> => {
    const { till, ledger } = await tillOver(store, chain)
    const payee = async (key: Parameters<typeof makeBinding>[0]): Promise<Payee> => {
      const terms = { chainId: ESCROW.chainId, stake: STAKE, operator: operatorKey.address }
      const binding = await makeBinding(key, terms)
      const descriptors = Object.getOwnPropertyDescriptors(payment)
      return { payment: Object.defineProperties({ ...PAYMENT, binding }, descriptors), credit: change(till) }
    }
    const who = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses, payee })
    const provision = who.peer.provide(engine, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...who, ledger, name: peerName(who.node.peerId.toString()), served: () => provision.served }
  }

  it('end with vouchers for exactly what was due, and a receipt that both signed', async () => {
    const { ledger, served } = await provider()
    const { summary } = await hear((await consumer()).peer, promptOf())
    expect(summary).toMatchObject({ due: 803n, paid: 803n, segments: [{ due: 803n, paid: 803n }] })
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(803n)
    await until('it is counted, and the receipt is here', () => served().jobs === 1 && receipts.length > 0)
    expect(served()).toMatchObject({ due: 803n, paid: 803n })
    expect(receipts).toMatchObject([
      { receipt: { due: 803n, paid: 803n, outputTokens: 80, promptTokens: 3 } },
    ])
    expect(receipts[0]?.providerSignature).toBeDefined()
    expect(chain.claim(ledger.vouchers[0]!)).toBe(803n)
    expect(chain.earned.get(operatorKey.address)).toBe(803n)
  })

  it('go on from answer to answer, and pay a long prompt before it is read', async () => {
    const { ledger, served } = await provider()
    const { peer } = await consumer()
    await hear(peer, promptOf())
    const { summary } = await hear(peer, promptOf({ promptTokens }))
    expect(summary).toMatchObject({ due: 1100n, paid: 1100n })
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(803n + 1100n)
    await until('both are counted', () => served().jobs === 2)
    expect(served()).toMatchObject({ due: 803n + 1100n, paid: 803n + 1100n })
  })

  it.each([0, 1, 5, 31, 33])(
    'deal on after a stop at token %i of the answer to a long prompt, with one sum on both sides',
    async (at) => {
      const { ledger, served } = await provider()
      const { peer } = await consumer()
      const controller = new AbortController()
      let ended: Segment | undefined
      const heard = hear(peer, promptOf({ promptTokens }), {
        signal: controller.signal,
        onEvent: (event, count) => {
          if (event.type === 'ended') ended = event.segment
          if (event.type === 'assigned' ? at === 0 : event.type === 'tokens' && count >= at)
            controller.abort()
        },
      })
      await expect(heard).rejects.toMatchObject({ code: 'stream.cancelled' })
      expect(ended?.paid).toBe(ended?.due)
      const stopped = ended?.due ?? 0n
      expect(stopped >= 300n).toBe(true)
      await until('the provider is done with it', () => served().due === stopped)
      for (let answers = 1; answers <= 3; answers++) {
        const { summary } = await hear(peer, promptOf({ promptTokens }))
        expect(summary).toMatchObject({ due: 1100n, paid: 1100n })
        await until('it is counted', () => served().jobs === answers)
        const sum = stopped + 1100n * BigInt(answers)
        expect(served()).toMatchObject({ due: sum, paid: sum })
        expect(ledger.unclaimedOf(PAYER, 0)).toBe(sum)
      }
    },
  )

  it('deal on within one answer when the provider has forgotten what was left over', async () => {
    let isBusy = true
    const store = new MemoryLedgerStore()
    const { ledger, node } = await provider(fakeEngine(), {
      store,
      change: (credit) => ({
        heldBeside: (...all) => credit.heldBeside(...all),
        open: async (...all) => {
          const opened = await credit.open(...all)
          if (!isBusy) return opened
          opened.close(baseUnits(0n))
          throw new InfernetError('stream.draining')
        },
      }),
    })
    const { peer } = await consumer()
    await expect(hear(peer, promptOf({ promptTokens }))).rejects.toMatchObject({ code: 'stream.draining' })
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(300n)
    await node.stop()
    isBusy = false
    const again = await provider(fakeEngine(), { store })
    const { summary } = await hear(peer, promptOf({ promptTokens }))
    expect(summary).toMatchObject({ due: 1100n, paid: 1400n })
    expect(again.ledger.unclaimedOf(PAYER, 0)).toBe(1400n)
    expect((await hear(peer, promptOf({ promptTokens }))).summary).toMatchObject({ due: 1100n, paid: 1100n })
  })

  it('pay each provider its part when one is lost in the middle', async () => {
    const stores = [new MemoryLedgerStore(), new MemoryLedgerStore()]
    const both = [
      await provider(fakeEngine(), { store: stores[0]! }),
      await provider(fakeEngine(), { store: stores[1]! }),
    ]
    let lost: PaidProvider | undefined
    const { summary } = await hear((await consumer()).peer, promptOf(), {
      onEvent: (event, count) => {
        if (lost || count < 40 || (event.type !== 'assigned' && event.type !== 'tokens')) return
        lost = both.find(({ ledger }) => ledger.vouchers.some(({ voucher }) => voucher.cumulative > 0n))
        void lost?.node.stop()
      },
    })
    expect(summary?.segments).toHaveLength(2)
    for (const { due, paid } of summary?.segments ?? []) expect(paid).toBe(due)
    expect(summary?.paid).toBe(summary?.due)
  })

  it('do not deal where one asks for payment and the other has no purse', async () => {
    const engine = fakeEngine()
    await provider(engine)
    const { peer } = await network.node({ relays: relay.addresses })
    await expect(hear(peer, promptOf())).rejects.toMatchObject({ code: 'payment.required' })
    expect(engine.requests).toEqual([])
  })

  it('are not even dialled by one that has no purse, nor by one that pays elsewhere', async () => {
    const engine = fakeEngine()
    const { node, name } = await provider(engine)
    const poor = await network.node({ relays: relay.addresses })
    await expect(hear(poor.peer, promptOf())).rejects.toMatchObject({ code: 'payment.required' })
    const escrow = { ...ESCROW, chainId: 1 }
    const ledger = new PayerLedger(payerStore, escrow, PAYER)
    const abroad = await consumer(purseOver(payerStore, chain, { escrow, ledger }))
    await expect(hear(abroad.peer, promptOf())).rejects.toMatchObject({ code: 'payment.wrong-chain' })
    for (const asker of [poor, abroad]) {
      expect(asker.node.getPeers().map(String)).not.toContain(name)
      expect(node.getPeers().map(String)).not.toContain(asker.node.peerId.toString())
    }
  })

  it('are passed over for one that works for nothing, by one that has no purse', async () => {
    const engine = fakeEngine()
    await provider(engine)
    const free = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = free.peer.provide(fakeEngine(), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    const { peer } = await network.node({ relays: relay.addresses })
    const { summary } = await hear(peer, promptOf())
    expect(summary?.segments.map(({ provider }) => String(provider))).toEqual([free.node.peerId.toString()])
    expect(engine.requests).toEqual([])
  })

  it('do not deal under a quote for another escrow than that of the offer', async () => {
    const engine = fakeEngine()
    let escrow = ESCROW.escrow
    await provider(engine, {
      payment: {
        get escrow() {
          return escrow
        },
      },
    })
    escrow = STAKE
    await expect(hear((await consumer()).peer, promptOf())).rejects.toMatchObject({
      code: 'payment.not-as-offered',
    })
    expect(engine.requests).toEqual([])
  })

  it('work for nothing where no payment is asked for, as ever', async () => {
    const free = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = free.peer.provide(fakeEngine(), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    const { summary } = await hear((await consumer()).peer, promptOf())
    expect(summary).toMatchObject({ due: 803n, paid: 0n })
    expect(await payerStore.list('')).toEqual([])
  })

  it.each([
    ['is not ours', 'payment.wrong-chain', { chainId: 1 }],
    ['is of an address the peer is not bound to', 'payment.wrong-payee', { operator: PAYER }],
  ])('are not paid when the payment %s', async (_, code, payment) => {
    const engine = fakeEngine()
    await provider(engine, { payment })
    await expect(hear((await consumer()).peer, promptOf())).rejects.toMatchObject({ code })
    expect(await payerStore.list('')).toEqual([])
    expect(engine.requests).toEqual([])
  })

  it.each([
    ['no deposit', 'payment.no-deposit', () => chain.withdraw(PAYER)],
    [
      'a withdrawal pending',
      'payment.withdrawal-pending',
      () => chain.requestWithdrawal(PAYER, realClock.now()),
    ],
    [
      'a session that ran out',
      'payment.expired-session',
      () => chain.authorize(PAYER, sessionKey.address, 9n, 1),
    ],
    ['no answer from the chain', 'payment.chain-unreachable', () => (chain.isDown = true)],
  ])('end before any work with %s, and nobody else is blamed', async (_, code, change) => {
    const engine = fakeEngine()
    await provider(engine)
    change()
    await expect(hear((await consumer()).peer, promptOf())).rejects.toMatchObject({ code })
    expect(engine.requests).toEqual([])
  })

  it('stop in the middle when the limit of the purse is reached, with all paid that was signed', async () => {
    const { ledger, served } = await provider()
    const paid: bigint[] = []
    const heard = hear((await consumer(purse(350n))).peer, promptOf(), {
      onEvent: (event) => event.type === 'chunk' && paid.push(event.segment.paid),
    })
    await expect(heard).rejects.toMatchObject({ code: 'payment.over-limit' })
    expect(paid).toEqual([3n, 323n])
    await until('the provider saw it', () => served().due > 0n)
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(323n)
    expect(served().due - served().paid <= 320n).toBe(true)
  })

  it(
    'part when a provider takes the prepayment and serves nothing, which it gets once',
    { timeout: 15_000 },
    async () => {
      const greedy = await provider(fakeEngine(), {
        change: (credit) => ({
          heldBeside: (...all) => credit.heldBeside(...all),
          open: async (...all) => {
            ;(await credit.open(...all)).close(baseUnits(0n))
            throw new InfernetError('stream.busy', { running: 1, waiting: 0 })
          },
        }),
      })
      const payer = await consumer()
      const controller = new AbortController()
      let searches = 0
      const heard = hear(payer.peer, promptOf({ promptTokens }), {
        signal: controller.signal,
        // It is asked again after each pause: nobody else is there.
        onEvent: (event) => event.type === 'searching' && ++searches === 4 && controller.abort(),
      })
      await expect(heard).rejects.toMatchObject({ code: 'stream.cancelled' })
      expect(greedy.ledger.unclaimedOf(PAYER, 0)).toBe(300n)
    },
  )

  it.each([
    ['a short', promptOf(), 803n],
    ['a long', promptOf({ promptTokens }), 1100n],
  ])(
    'catch up when the purse has forgotten what it signed, and deal again over %s prompt',
    async (_, prompt, due) => {
      const { ledger } = await provider()
      await hear((await consumer()).peer, prompt)
      await hear((await consumer()).peer, prompt)
      payerStore = new MemoryLedgerStore()
      const { summary } = await hear((await consumer()).peer, prompt)
      expect(summary?.paid).toBe(due)
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(3n * due)
    },
  )

  it('keep within the price of the whole answer', async () => {
    await provider()
    const dear = promptOf({ maxTokens: 100, maxCost: baseUnits(1002n) })
    const { peer } = await consumer()
    await expect(hear(peer, dear)).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    const { summary } = await hear(peer, { ...dear, maxCost: baseUnits(1003n) })
    expect(summary?.paid).toBe(803n)
  })
})
