import { parseEther } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { balanceOf, ODD, openOddTab, PATIENCE, setMode, standsFor } from '../wallet/odd-tab.ts'

const SOMEBODY = '0x00000000000000000000000000000000000000aa'

// `wallet-moves.long.e2e.ts` has another account in the middle of an act, and another chain.
// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('what changes under an act (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  })
  afterAll(() => network[Symbol.asyncDispose]())

  const stage = ({ page }: WalletPage, which: string): Promise<void> =>
    page
      .locator(`[data-testid=act][data-stage=${which}]`)
      .waitFor({ state: 'attached', timeout: PATIENCE.timeout })

  it('says who paid when a wallet takes another account than it was asked for', async () => {
    const { wallet, first, second } = await openOddTab(network)
    await wallet.connect(ODD.name)
    await standsFor(wallet, first)
    await setMode(wallet.page, 'pays-from-other')
    await wallet.send(SOMEBODY, '30')
    expect(await wallet.failed()).toBe('wallet.other-paid')
    expect(await wallet.act.innerText()).toContain(second)
    expect(await wallet.act.getByRole('button').allInnerTexts(), 'nothing pays it twice').toEqual([
      'Leave it',
    ])
    await standsFor(wallet, second)
    await wallet.entry('Sent', '−30.00 INF', 'confirmed').waitFor()
    expect([await balanceOf(network, first), await balanceOf(network, second)]).toEqual([
      parseEther('1000'),
      parseEther('970'),
    ])
    await wallet.tab.close()
  })

  it('waits for a locked wallet by name, asks no faucet for it, and can stop waiting', async () => {
    const { wallet } = await openOddTab(network)
    const { page } = wallet
    await setMode(page, 'connect-hang')
    await page.getByTestId('wallet-menu').click()
    await page.getByRole('menuitem', { name: 'Connect another wallet' }).click()
    await page.getByTestId('injected').filter({ hasText: ODD.name }).click()
    await page.getByTestId('connecting').getByText('it may be locked').waitFor()
    expect(await page.getByText('Asking the faucet').count()).toBe(0)
    await page.getByRole('button', { name: 'Don’t wait for it' }).click()
    await page.getByTestId('connecting').waitFor({ state: 'detached' })
    await page.getByTestId('injected').filter({ hasText: ODD.name }).click()
    await page.getByRole('dialog').getByText('Your wallet is already asking you something.').waitFor()
    await wallet.tab.close()
  })

  it('follows a fork of five blocks: entry, note and money, and sends it again when told so', async () => {
    const { control } = network
    const wallet = new WalletPage(await openTab(network.browser, new URL('/wallet', network.relay.url).href))
    await wallet.ready()
    await wallet.getTestMoney()
    await control.mine({ blocks: 20 })
    await wallet.entry('Test money received', 'final').waitFor()
    await wallet.send(SOMEBODY, '30')
    await stage(wallet, 'mined')
    await expect.poll(() => wallet.amount('balance'), PATIENCE).toBe(970)
    await control.request({ method: 'anvil_reorg', params: [5, []] } as never)
    await stage(wallet, 'unknown')
    await wallet.entry('Sent', 'unknown').waitFor()
    await expect.poll(() => wallet.amount('balance'), PATIENCE).toBe(1000)
    await wallet.act.getByTestId('act-again').click()
    await stage(wallet, 'mined')
    await wallet.entry('Sent', 'confirmed').waitFor()
    await expect.poll(() => wallet.amount('balance'), PATIENCE).toBe(970)
    expect(await wallet.entry('Sent').count(), 'one entry').toBe(1)
    await wallet.tab.close()
  })
})
