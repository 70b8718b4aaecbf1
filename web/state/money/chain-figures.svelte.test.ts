import { expect, it } from 'vitest'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { INF } from '../testing/memory-money.ts'
import { openedWallet, OTHER_ADDRESS, withMoney } from '../testing/opened-wallet.ts'

it('shows what is free: the deposit less what this browser has signed and nobody has claimed', async () => {
  const { wallet, money, scene } = await openedWallet(new FakeClock(), { change: withMoney(57n * INF) })
  expect([wallet.free, wallet.signed, wallet.isNew]).toEqual([57n * INF, 0n, false])
  const payer = chainAddress(wallet.signer!.address)
  const escrow = chainAddress(money.network.escrows[0]!.escrow)
  const ledger = new PayerLedger(money.ledger, { chainId: 31337, escrow }, payer)
  const line = { payer, provider: chainAddress(OTHER_ADDRESS), model: modelHash('ab'.repeat(32)), epoch: 0 }
  await ledger.add(line, baseUnits(5n * INF), {
    ...{
      room: baseUnits(57n * INF),
      balance: baseUnits(57n * INF),
      limitedBy: 'payment.no-deposit',
      epoch: 0,
      sessionExpiry: undefined,
    },
  })
  await ledger.reckon(0, async () => baseUnits(2n * INF))
  scene.change = withMoney(55n * INF)
  await wallet.refresh()
  expect([wallet.signed, wallet.claimed, wallet.free]).toEqual([3n * INF, 2n * INF, 52n * INF])
  scene.change = withMoney(INF)
  await wallet.refresh()
  expect(wallet.free, 'never less than nothing').toBe(0n)
})

it('keeps the last figures when the chain falls silent, and calls them unconfirmed once they are old', async () => {
  const { wallet, scene, clock } = await openedWallet(new FakeClock(), { change: withMoney(57n * INF) })
  scene.readFails = new InfernetError('wallet.unreachable')
  await clock.advance(10_000)
  expect([wallet.readError?.code, wallet.free, wallet.isUnconfirmed]).toEqual([
    'wallet.unreachable',
    57n * INF,
    false,
  ])
  await clock.advance(45_000)
  expect(wallet.isUnconfirmed).toBe(true)
  scene.readFails = undefined
  await clock.advance(6000)
  expect([wallet.readError, wallet.isUnconfirmed]).toEqual([undefined, false])
})

it('marks everything when two nodes tell different things of the same block', async () => {
  const { wallet } = await openedWallet(new FakeClock(), { confirms: false })
  expect([wallet.isDisputed, wallet.isUnconfirmed]).toEqual([true, true])
})
