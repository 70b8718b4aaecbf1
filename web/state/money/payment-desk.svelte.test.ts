import { expect, it } from 'vitest'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits, tokens } from '#shared/base/units.ts'
import type { Payer } from '#shared/peer/payer.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import type { MoneyServices } from './money-services.ts'
import { PaymentDesk } from './payment-desk.svelte.ts'
import { INF, memoryMoney, noClaims } from '../testing/memory-money.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { segment } from '../testing/samples.ts'
import { Wallet } from './wallet.svelte.ts'

const NEVER = new AbortController().signal
const COIN = {
  ...{ symbol: 'USDx', decimals: 6, usdHint: 1 },
  ...{ asset: chainAddress(`0x${'7'.repeat(40)}`), escrow: chainAddress(`0x${'8'.repeat(40)}`) },
}

async function opened(
  balance: bigint,
  change: Partial<MoneyServices> = {},
  { hasCoin = false }: { hasCoin?: boolean } = {},
) {
  const clock = new FakeClock()
  const memory = memoryMoney(clock, {
    change: (snapshot) => {
      const main = { ...snapshot.escrows[0]!, balance }
      const coin = { ...main, ...COIN, balance: 50_000_000n }
      return { ...snapshot, escrows: hasCoin ? [main, coin] : [main] }
    },
  })
  const payments = { payer: async () => ({}) as Payer, payee: () => Promise.reject(new Error('not here')) }
  const world = memoryServices(clock, { money: { ...memory.money, payments, ...change } })
  const wallet = new Wallet(world.services)
  const desk = new PaymentDesk(world.services, wallet, noClaims)
  /** Sealing a key is real work of the platform's, which no fake clock moves. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await clock.advance(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  wallet.start()
  await settle()
  return { ...memory, wallet, desk, settle }
}

it('deposits for the first question on a test chain, and leaves nothing to close', async () => {
  const { desk, wallet } = await opened(100n * INF)
  const payer = await desk.beforeAsking({ signal: NEVER })
  expect(wallet.entries).toMatchObject([{ what: 'deposit', amount: -20n * INF }])
  expect([payer !== undefined, desk.step, wallet.act.state]).toEqual([true, undefined, undefined])
})

it('deposits what there is where no faucet gives more, and names it where there is nothing', async () => {
  const small = await opened(5n * INF, { faucet: undefined })
  await small.desk.beforeAsking({ signal: NEVER })
  expect(small.wallet.entries).toMatchObject([{ what: 'deposit', amount: -5n * INF }])
  const none = await opened(0n, { faucet: undefined })
  await expect(none.desk.beforeAsking({ signal: NEVER })).rejects.toMatchObject({
    code: 'faucet.none',
  })
  expect([none.desk.step, none.wallet.entries]).toEqual([undefined, []])
})

it('deposits what answers are paid in, although the visitor looks at another asset', async () => {
  const { desk, wallet } = await opened(100n * INF, {}, { hasCoin: true })
  wallet.asset = 1
  expect([wallet.escrow?.symbol, wallet.paying?.symbol]).toEqual(['USDx', 'INF'])
  await desk.beforeAsking({ signal: NEVER })
  expect(wallet.entries).toMatchObject([{ what: 'deposit', amount: -20n * INF, symbol: 'INF', decimals: 18 }])
})

it('keeps what an answer cost with the line it was signed for, so that it can be seen claimed', async () => {
  const { desk, wallet, money, scene } = await opened(100n * INF)
  await desk.beforeAsking({ signal: NEVER })
  const payer = chainAddress(wallet.signer!.address)
  const operator = chainAddress(`0x${'b'.repeat(40)}`)
  const model = modelHash('ab'.repeat(32))
  const escrow = chainAddress(money.network.escrows[0]!.escrow)
  const ledger = new PayerLedger(money.ledger, { chainId: 31337, escrow }, payer)
  const line = { payer, provider: operator, model, epoch: 0 }
  await ledger.add(line, baseUnits(9n), {
    ...{
      room: baseUnits(INF),
      balance: baseUnits(INF),
      limitedBy: 'payment.no-deposit',
      epoch: 0,
      sessionExpiry: undefined,
    },
  })
  const written = { due: baseUnits(5n), paid: baseUnits(5n), signedTokens: tokens(7) }
  const segments = [segment('a', { ...written, operator }), segment('b'), segment('c', written)]
  await desk.keepPaid({ id: 'turn', model, modelName: 'Tiny' }, segments)
  const paid = () =>
    wallet.entries
      .flatMap((entry) => (entry.kind === 'paid' ? [entry] : []))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  expect(paid()).toMatchObject([
    { id: 'turn/0', paid: 5n, line: { ...line, upTo: 9n }, isClaimed: false },
    { id: 'turn/2', paid: 5n, line: undefined, isClaimed: false },
  ])
  scene.claimed = 9n
  await wallet.refresh()
  await expect.poll(() => paid().map(({ isClaimed }) => isClaimed)).toEqual([true, false])
})

it('lets a question be stopped while its deposit goes on, and makes no second one for the next', async () => {
  const { desk, wallet, scene, settle } = await opened(100n * INF)
  const mine = scene.perform
  const { promise, resolve } = Promise.withResolvers<void>()
  scene.perform = (options) => promise.then(() => mine(options))
  const stop = new AbortController()
  const first = desk.beforeAsking({ signal: stop.signal })
  await settle()
  stop.abort(new Error('stopped'))
  await expect(first).rejects.toThrow('stopped')
  expect(desk.step).toBe('deposit')
  const second = desk.beforeAsking({ signal: NEVER })
  resolve()
  await second
  expect([wallet.entries.length, desk.step]).toEqual([1, undefined])
})
