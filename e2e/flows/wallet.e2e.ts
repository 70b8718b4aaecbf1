import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { openWallet } from '../fixtures/open-wallet.ts'

describe('a wallet', () => {
  it('is not needed where the network uses no money, and says so', async () => {
    await using network = await startNetwork()
    const { page, errors } = await openTab(network.browser, new URL('/wallet', network.relay.url).href)
    await page.getByRole('heading', { name: 'Answers are free here.' }).waitFor()
    expect(errors).toEqual([])
  })
})

// `wallet.long.e2e.ts` has an injected wallet on another chain, a default, a jail and a silent chain.
// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('money in a real browser (needs anvil)', () => {
  // One network for all: each test is a stranger to the others.
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  }, 60_000)
  afterAll(() => network[Symbol.asyncDispose]())

  it('exports its key and imports another one, and loses neither', async () => {
    const key = generatePrivateKey()
    const wallet = await openWallet(network)
    const { page } = wallet
    const menu = page.getByTestId('wallet-menu')
    const first = await menu.innerText()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Export key' }).click()
    expect(await page.getByTestId('private-key').count()).toBe(0)
    await page.getByTestId('reveal-key').click()
    expect(await page.getByTestId('private-key').innerText()).toMatch(/^0x[0-9a-f]{64}$/)
    await page.getByRole('button', { name: 'Hide and close' }).click()

    await wallet.importKey('not a key')
    await page.getByText('This is not a private key.').waitFor()
    await page.keyboard.press('Escape')
    await wallet.importKey(key)
    const { address } = privateKeyToAccount(key)
    await expect.poll(() => menu.innerText()).toContain(address.slice(-4))
    await menu.click()
    await page.getByRole('menuitem', { name: `Use ${first}` }).click()
    await expect.poll(() => menu.innerText()).toBe(first)
  })

  it('says what an asset is worth in dollars where the network file does, and of no other', async () => {
    const [, coin] = network.network.escrows
    const symbol = coin?.symbol ?? expect.fail('no stablecoin')
    const wallet = await openWallet(network)
    const { page } = wallet
    await wallet.getTestMoney()
    expect(await page.locator('main').innerText(), 'nobody has said what INF is worth').not.toContain('about')
    await page.getByRole('button', { name: symbol, exact: true }).click()
    await page.getByText(`About $1,000, at $1.00 per ${symbol}.`).waitFor()
    // Answers cost INF: the page does not invite a deposit of what would buy none.
    await page.getByTestId('not-spent').waitFor()
    expect(await page.getByTestId('add-deposit').count()).toBe(0)
  })
})
