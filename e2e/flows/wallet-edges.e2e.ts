import type { Page } from 'playwright'
import { parseEther, toFunctionSelector } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { withLie } from '../wallet/lying-node.ts'

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('a wallet at its edges (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  })
  afterAll(() => network[Symbol.asyncDispose]())

  /** The wallet's page, in a tab that was made ready first. */
  async function openAfter(prepare: (page: Page) => Promise<unknown>): Promise<WalletPage> {
    const tab = await openTab(network.browser, 'about:blank')
    await prepare(tab.page)
    await tab.page.goto(new URL('/wallet', network.relay.url).href)
    return new WalletPage(tab)
  }

  it('names a relay that tells the true block and a false balance', async () => {
    const [main] = network.network.escrows
    const lie = { to: main!.asset, selector: toFunctionSelector('balanceOf(address)'), more: parseEther('7') }
    const wallet = await openAfter((page) =>
      page.route('**/rpc', async (route) => {
        const response = await route.fetch()
        const asked = route.request().postData() ?? ''
        await route.fulfill({ response, body: withLie(lie, asked, await response.text()) })
      }),
    )
    const { page } = wallet
    await page
      .getByTestId('stale')
      .getByText('Two nodes of the chain tell different things about your money')
      .waitFor()
    expect(await wallet.amount('balance'), 'it is shown, and marked').toBe(7)
    expect(await page.getByTestId('strip-money').innerText()).toContain('unconfirmed')
    await page.unroute('**/rpc')
    await page.getByTestId('stale').getByRole('button', { name: 'Try now' }).click()
    await page.getByTestId('stale').waitFor({ state: 'detached' })
    expect(await wallet.amount('balance')).toBe(0)
    await wallet.tab.close()
  })
  it('invites no deposit of an asset that no answer is paid in', async () => {
    const wallet = await openAfter(async () => undefined)
    await wallet.ready()
    const { page } = wallet
    const [main, coin] = network.network.escrows.map(({ symbol }) => symbol)
    await page.getByTestId('add-deposit').waitFor()
    await page.getByRole('group', { name: 'Asset' }).getByRole('button', { name: coin! }).click()
    await page.getByText(`Answers are paid in ${main} alone`).waitFor()
    for (const testid of ['add-deposit', 'allow-session'])
      expect(await page.getByTestId(testid).count()).toBe(0)
    expect(await page.getByTestId('withdraw').count(), 'what is there can be had back').toBe(1)
    await wallet.tab.close()
  })
})
