import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { VirtualAuthenticator } from '../fixtures/virtual-authenticator.ts'
import { WalletPage } from '../pages/wallet-page.ts'

const NOBODY = '0x00000000000000000000000000000000000000b0'
const PASSPHRASE = 'correct horse battery'

describe.skipIf(findAnvil() === undefined)('a wallet that a passkey locks (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  }, 60_000)
  afterAll(() => network[Symbol.asyncDispose]())

  /** The Wallet page at a name: passkeys belong to names, and to no address. */
  async function open(): Promise<WalletPage> {
    const url = new URL('/wallet', network.relay.url)
    url.hostname = 'localhost'
    const wallet = new WalletPage(await openTab(network.browser, url.href))
    await wallet.ready()
    return wallet
  }

  it('asks for it at each spend, signs nothing without it, and comes back by its copy when it is lost', async () => {
    const wallet = await open()
    const { page } = wallet
    const device = await VirtualAuthenticator.addTo(page)
    await wallet.getTestMoney()
    await wallet.lockByPasskey()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await device.passkeys()).toMatchObject([{ place: 'localhost' }])

    await page.reload()
    await wallet.ready()
    await wallet.send(NOBODY, '100')
    await wallet.unlockByPasskey()
    await wallet.done()
    expect(await wallet.amount('balance')).toBe(900)
    const copy = await wallet.exportKeyByPasskey()

    // Nobody is there: what is left locked asks no device any more, and the next question stands alone.
    await page.reload()
    await wallet.ready()
    await device.isAttended(false)
    await wallet.send(NOBODY, '100')
    await wallet.unlockByPasskey()
    await page.getByRole('button', { name: 'Asking for the passkey' }).waitFor()
    await page.getByRole('button', { name: 'Leave it locked' }).click()
    expect(await wallet.failed()).toBe('wallet.locked')
    expect(await network.control.getTransactionCount({ address: privateKeyToAccount(copy).address })).toBe(1)
    await device.isAttended(true)
    await wallet.act.getByRole('button', { name: 'Try again' }).click()
    expect(await page.getByRole('dialog').getByRole('alert').count(), 'a fresh question').toBe(0)
    await wallet.unlockByPasskey()
    await wallet.done()
    expect(await wallet.amount('balance')).toBe(800)

    // The passkey is gone from the device: the copy of the key sets another lock.
    await page.reload()
    await wallet.ready()
    await device.clear()
    await wallet.send(NOBODY, '100')
    await wallet.unlockByPasskey()
    await page.getByText('If it is lost, import the key from your copy').waitFor()
    await page.getByRole('button', { name: 'Leave it locked' }).click()
    expect(await wallet.failed()).toBe('wallet.locked')
    await wallet.importKey(copy, PASSPHRASE)
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await wallet.send(NOBODY, '100')
    await wallet.unlock(PASSPHRASE)
    await wallet.done()
    expect(await wallet.amount('balance')).toBe(700)
    expect(wallet.tab.errors).toEqual([])
  })

  it('signs nothing for somebody whom the device does not know', async () => {
    const wallet = await open()
    const { page } = wallet
    const device = await VirtualAuthenticator.addTo(page)
    await wallet.getTestMoney()
    await wallet.lockByPasskey()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await device.refusesPerson()
    await wallet.send(NOBODY, '100')
    await wallet.unlockByPasskey()
    await page.getByText('The passkey was not given, so the wallet stays locked').waitFor()
    await page.getByRole('button', { name: 'Leave it locked' }).click()
    expect(await wallet.failed()).toBe('wallet.locked')
    const address = await wallet.address()
    expect(await network.control.getTransactionCount({ address })).toBe(0)
    expect(wallet.tab.errors).toEqual([])
  })

  it('says that a device gives no key, locks nothing, and leaves no passkey behind', async () => {
    const wallet = await open()
    const { page } = wallet
    const device = await VirtualAuthenticator.addTo(page, { hasPrf: false })
    await wallet.getTestMoney()
    await wallet.lockByPasskey()
    await page.getByText('Passkeys give no key here').waitFor()
    await expect.poll(() => device.passkeys()).toEqual([])
    await page.getByRole('button', { name: 'Cancel' }).click()
    await wallet.send(NOBODY, '100')
    await wallet.done()
    expect(await wallet.amount('balance')).toBe(900)
    expect(wallet.tab.errors).toEqual([])
  })

  it('locks nothing when it is given up while the device asks', async () => {
    const wallet = await open()
    const { page } = wallet
    const device = await VirtualAuthenticator.addTo(page)
    await device.isAttended(false)
    await wallet.getTestMoney()
    await wallet.lockByPasskey()
    await page.getByRole('button', { name: 'Locking' }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await device.isAttended(true)
    await wallet.send(NOBODY, '100')
    await wallet.done()
    expect(await wallet.amount('balance')).toBe(900)
    expect(await device.passkeys()).toEqual([])
  })

  it('is not offered where the page has an address and no name', async () => {
    const url = new URL('/wallet', network.relay.url).href
    const wallet = new WalletPage(await openTab(network.browser, url))
    await wallet.ready()
    const { page } = wallet
    await wallet.openLock()
    await page.getByTestId('lock-go').waitFor()
    expect(await page.getByTestId('use-passkey').count()).toBe(0)
  })
})
