import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { injectedWallet, memorySigner } from '../testing/memory-money.ts'
import { depositIntent, openedWallet, OTHER_ADDRESS, settle } from '../testing/opened-wallet.ts'

it('makes a wallet by itself where money is worth nothing, and nowhere else', async () => {
  const test = await openedWallet(new FakeClock())
  expect(test.wallet.signer?.kind).toBe('tab')
  expect(test.wallet.isNew).toBe(true)
  const real = await openedWallet(new FakeClock(), { isTest: false })
  expect([real.wallet.stage, real.wallet.signer]).toEqual(['ready', undefined])
  await real.wallet.signing.makeWallet()
  expect(real.wallet.signer?.kind).toBe('tab')
})

it('takes an injected wallet, keeps the old one when it is declined, and goes back to it after a reload', async () => {
  const injected = injectedWallet('test.mock')
  const signer = memorySigner(OTHER_ADDRESS, 'injected')
  const { wallet, scene, settings } = await openedWallet(new FakeClock(), { injected: [injected] })
  const own = wallet.signer
  scene.connect = () => Promise.reject(new InfernetError('wallet.rejected'))
  expect(await wallet.signing.connect(injected)).toBe(false)
  expect([wallet.signing.error?.code, wallet.signer]).toEqual(['wallet.rejected', own])
  scene.connect = async () => signer
  expect(await wallet.signing.connect(injected)).toBe(true)
  expect(wallet.address).toBe(OTHER_ADDRESS)
  expect(settings.get('wallet.chosen')).toBe('test.mock')

  const asked: boolean[] = []
  const late = await openedWallet(
    new FakeClock(),
    { connect: async (_, mayAsk) => (asked.push(mayAsk), signer) },
    { 'wallet.chosen': 'test.mock' },
  )
  late.announce([injected]) // an extension may announce itself late
  await settle(late.clock)
  expect([late.wallet.address, ...asked]).toEqual([OTHER_ADDRESS, false])
})

it('notices when the injected wallet moves to another chain, and moves it back', async () => {
  const signer = memorySigner(OTHER_ADDRESS, 'injected', 1)
  const injected = injectedWallet('test.mock')
  const { wallet } = await openedWallet(new FakeClock(), {
    injected: [injected],
    connect: async () => signer,
  })
  await wallet.signing.connect(injected)
  expect(wallet.signing.isOnOtherChain).toBe(true)
  await wallet.signing.switchChain()
  expect(wallet.signing.isOnOtherChain).toBe(false)
  signer.set(5)
  expect(wallet.signing.isOnOtherChain).toBe(true)
})

it('imports a key beside the one that is here, and reveals only its own', async () => {
  const { wallet, settings } = await openedWallet(new FakeClock())
  const first = wallet.signer!.address
  await expect(wallet.signing.importKey('nonsense')).rejects.toMatchObject({ code: 'wallet.bad-key' })
  await wallet.signing.importKey('ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
  expect([wallet.address, wallet.signing.kept]).toEqual([OTHER_ADDRESS, [first, OTHER_ADDRESS]])
  expect(await wallet.signing.revealKey()).toMatch(/^0xac0974be/)
  await wallet.signing.takeKept(first)
  expect(wallet.address).toBe(first)
  expect(settings.get('wallet.chosen')).toBe(first.toLowerCase())
})

it.each(['wallet.wrong-chain', 'wallet.silent'] as const)(
  'forgets that the chain was not changed (%s) when it is, however late and whether or not it is told',
  async (code) => {
    const signer = memorySigner(OTHER_ADDRESS, 'injected', 1)
    const injected = injectedWallet('test.mock')
    const { wallet, scene } = await openedWallet(new FakeClock(), {
      injected: [injected],
      connect: async () => signer,
    })
    await wallet.signing.connect(injected)
    scene.perform = () => Promise.reject(new InfernetError('wallet.wrong-chain'))
    await wallet.do(depositIntent)
    signer.switchChain = () => Promise.reject(new InfernetError(code))
    await wallet.signing.switchChain()
    expect(wallet.signing.error?.code).toBe(code)
    signer.look = async () => signer.set(31337) // it tells nothing by itself
    await wallet.refresh()
    await expect.poll(() => wallet.signing.isOnOtherChain).toBe(false)
    expect([wallet.signing.error, wallet.act.error?.code]).toEqual([undefined, 'wallet.cause-gone'])
  },
)

it('asks no faucet while a wallet is asked for its accounts, and can stop waiting for a locked one', async () => {
  const injected = injectedWallet('test.mock')
  const { wallet, money } = await openedWallet(new FakeClock(), { injected: [injected] })
  money.connect = (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const connected = wallet.signing.connect(injected)
  expect([wallet.signing.isConnecting, wallet.isAskingFaucet]).toEqual([true, false])
  wallet.signing.stopConnecting()
  expect([await connected, wallet.signing.isConnecting, wallet.signing.error]).toEqual([
    false,
    false,
    undefined,
  ])
})

it('goes back by itself to no wallet that shares its name with another', async () => {
  const signer = memorySigner(OTHER_ADDRESS, 'injected')
  const two = [injectedWallet('test.mock'), injectedWallet('test.mock')]
  const { wallet } = await openedWallet(
    new FakeClock(),
    { injected: two, connect: async () => signer },
    { 'wallet.chosen': 'test.mock' },
  )
  expect([wallet.signing.injected.length, wallet.signer?.kind]).toEqual([2, 'tab'])
})
