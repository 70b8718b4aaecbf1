import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { newPassphrase, secretOf } from '../../wallet/key-locks.ts'
import type { Snapshot } from '../../wallet/read-snapshot.ts'
import { INF } from '../testing/memory-money.ts'
import { depositIntent, openedWallet, settle, withMoney } from '../testing/opened-wallet.ts'
import { depositInit, sessionIntent } from './wallet-intents.ts'
import { newLockOf } from './new-lock.ts'

const PASSPHRASE = 'correct horse battery'
const lock = () => newPassphrase(PASSPHRASE, 1000)
/** 500 INF of a cent each are the five dollars of a small amount. */
const holding = (balance: bigint) => withMoney(0n, { balance })

it('does nothing with more than a small amount of real money before it is locked', async () => {
  const { wallet, scene, clock, kept } = await openedWallet(new FakeClock(), {
    isTest: false,
    change: holding(500n * INF),
  })
  await wallet.signing.makeWallet()
  await settle(clock)
  expect([wallet.needsLock, await wallet.do(depositIntent)]).toEqual([false, true])
  wallet.act.leave()
  scene.change = holding(500n * INF + 1n)
  await wallet.refresh()
  const before = kept.length
  expect([wallet.needsLock, await wallet.do(depositIntent)]).toEqual([true, false])
  expect([wallet.act.error?.code, wallet.act.isBusy, kept.length]).toEqual(['wallet.no-lock', false, before])
  await wallet.signing.setLock(lock())
  await settle(clock)
  expect([wallet.signer?.asks, wallet.needsLock]).toEqual([true, false])
  expect(await wallet.do(depositIntent)).toBe(true)
})

it('counts what is deposited and staked, and asks for no lock where money is for tests', async () => {
  const staked = (snapshot: Snapshot): Snapshot => ({
    ...holding(250n * INF)(snapshot),
    stake: { ...snapshot.stake, stake: 200n * INF, unbonding: 50n * INF + 1n },
  })
  const { wallet, scene, clock } = await openedWallet(new FakeClock(), { isTest: false, change: staked })
  await wallet.signing.makeWallet()
  await settle(clock)
  expect(wallet.needsLock).toBe(true)
  scene.change = withMoney(250n * INF, { balance: 200n * INF, bond: 50n * INF, credit: 1n })
  await wallet.refresh()
  expect(wallet.needsLock).toBe(true)
  const test = await openedWallet(new FakeClock(), { change: holding(900n * INF) })
  expect([test.wallet.signer?.kind, test.wallet.needsLock]).toEqual(['tab', false])
})

it('lets a session key spend no more than a small amount at a time', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock(), { change: withMoney(0n) })
  expect((await depositInit(wallet, 20n * INF, true)).session?.cap).toBe(20n * INF)
  expect((await depositInit(wallet, 800n * INF, true)).session?.cap).toBe(500n * INF)
  const { key } = (await depositInit(wallet, INF, true)).session!
  const now = wallet.snapshot!.block.timestamp
  const sessionOf = (cap: bigint, spent: bigint) =>
    withMoney(800n * INF, { session: { key, cap, spent, expiry: now + 1000 } })
  scene.change = sessionOf(500n * INF, 450n * INF)
  await wallet.refresh()
  // 50 are left of it: with 100 more it may spend 150, and with all the rest 500 again.
  expect((await depositInit(wallet, 100n * INF, true)).session?.cap).toBe((450n + 150n) * INF)
  expect((await depositInit(wallet, 900n * INF, true)).session?.cap).toBe((450n + 500n) * INF)
  expect((await sessionIntent(wallet)).what).toBe('session')
  // One that was allowed more before keeps it.
  scene.change = sessionOf(700n * INF, 0n)
  await wallet.refresh()
  expect((await depositInit(wallet, 100n * INF, true)).session?.cap).toBe(700n * INF)
})

it('shows the key of a locked wallet to whoever opens it, and to nobody else', async () => {
  const { wallet, scene, clock } = await openedWallet(new FakeClock(), { isTest: false })
  await wallet.signing.makeWallet(lock())
  await settle(clock)
  await expect(wallet.signing.revealKey()).rejects.toMatchObject({ code: 'wallet.locked' })
  scene.unlock = async () => secretOf(PASSPHRASE)
  const key = await wallet.signing.revealKey()
  const second = await openedWallet(new FakeClock(), { isTest: false, unlock: scene.unlock })
  await second.wallet.signing.importKey(key, lock())
  expect([second.wallet.address, second.wallet.signer?.asks]).toEqual([wallet.address, true])
})

it('takes a passphrase that was typed twice alike', () => {
  expect(newLockOf(PASSPHRASE, PASSPHRASE).lock.kind).toBe('passphrase')
  expect(() => newLockOf(PASSPHRASE, `${PASSPHRASE} `)).toThrow(
    expect.objectContaining({ code: 'wallet.passphrases-differ' }),
  )
})
