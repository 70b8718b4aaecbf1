import type { Page } from 'playwright'
import { erc20Abi, parseEther, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import { fundPlayed, startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { installOddWallet, type OddMode, type OddWallet } from '../wallet/odd-wallet.ts'

const ODD = { name: 'Odd Wallet', rdns: 'odd.example' }
const SOMEBODY = '0x00000000000000000000000000000000000000aa'
const PATIENCE = { timeout: 40_000, interval: 150 }
type Odd = Window & { readonly oddWallets: Readonly<Record<string, OddWallet>> }

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('what changes under an act (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  })
  afterAll(() => network[Symbol.asyncDispose]())

  const walletUrl = (): string => new URL('/wallet', network.relay.url).href

  async function balanceOf(address: Address): Promise<bigint> {
    const { asset } = network.network.escrows[0]!
    return network.control.readContract({
      ...{ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [address] },
    })
  }

  /** A tab with a wallet of two accounts that both have money. */
  async function openOdd(change: { readonly chainId?: number; readonly style?: 'usual' | 'no-on' } = {}) {
    const accounts = [1, 2].map(() => privateKeyToAccount(generatePrivateKey()).address)
    for (const account of accounts) await fundPlayed(network, account)
    const { chainId = network.network.chainId, style = 'usual' } = change
    const init = { ...ODD, rpcUrl: network.rpcUrl, chainId, accounts, style, canBatch: false } as const
    const prepare = (profile: { addInitScript: Page['addInitScript'] }) =>
      profile.addInitScript(installOddWallet, init)
    const wallet = new WalletPage(await openTab(network.browser, walletUrl(), { prepare: (p) => prepare(p) }))
    await wallet.ready()
    return { wallet, first: accounts[0]!, second: accounts[1]! }
  }
  const setMode = (page: Page, mode: OddMode): Promise<void> =>
    page.evaluate(
      ([name, wanted]) => {
        ;(window as unknown as Odd).oddWallets[name]!.mode = wanted
      },
      [ODD.name, mode] as const,
    )
  const setAccounts = (page: Page, accounts: readonly string[]): Promise<void> =>
    page.evaluate(
      ([name, wanted]) => {
        ;(window as unknown as Odd).oddWallets[name]!.accounts = wanted
      },
      [ODD.name, accounts] as const,
    )
  async function standsFor({ page }: WalletPage, account: Address): Promise<void> {
    await expect
      .poll(() => page.getByTestId('wallet-menu').innerText(), PATIENCE)
      .toContain(account.slice(-4))
    await page.locator('[data-testid=wallet][data-read=true]').waitFor({ state: 'attached' })
    await page.getByTestId('balance').waitFor()
  }
  const stage = ({ page }: WalletPage, which: string): Promise<void> =>
    page
      .locator(`[data-testid=act][data-stage=${which}]`)
      .waitFor({ state: 'attached', timeout: PATIENCE.timeout })

  it('stays with the account that an act began with when the wallet changes it meanwhile', async () => {
    const { wallet, first, second } = await openOdd()
    await wallet.connect(ODD.name)
    await standsFor(wallet, first)
    await setMode(wallet.page, 'switch-account')
    await wallet.deposit('20') // two approvals: the account is another one after the first
    expect(await wallet.failed()).toBe('wallet.other-account')
    await standsFor(wallet, second)
    expect(await wallet.page.getByTestId('act-account').innerText()).toContain(first.slice(-4))
    expect([await balanceOf(first), await balanceOf(second)]).toEqual([
      parseEther('1000'),
      parseEther('1000'),
    ])
    expect(await wallet.entry('Added to deposit').count(), 'it is of the other account').toBe(0)

    // What it advises: the first account again.
    await setMode(wallet.page, '')
    await setAccounts(wallet.page, [first, second])
    await standsFor(wallet, first)
    await wallet.page.locator('[data-code="wallet.cause-gone"]').waitFor()
    await wallet.act.getByRole('button', { name: 'Try again' }).click()
    await wallet.done()
    await wallet.entry('Added to deposit', 'confirmed').waitFor()
    expect([await balanceOf(first), await balanceOf(second)]).toEqual([parseEther('980'), parseEther('1000')])
    await wallet.tab.close()
  })

  it('says who paid when a wallet takes another account than it was asked for', async () => {
    const { wallet, first, second } = await openOdd()
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
    expect([await balanceOf(first), await balanceOf(second)]).toEqual([parseEther('1000'), parseEther('970')])
    await wallet.tab.close()
  })

  it('waits for a locked wallet by name, asks no faucet for it, and can stop waiting', async () => {
    const { wallet } = await openOdd()
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

  it('sees that a wallet has changed its chain, however late and though it does not tell', async () => {
    const { wallet, first } = await openOdd({ chainId: 1, style: 'no-on' })
    await wallet.connect(ODD.name)
    await standsFor(wallet, first)
    await setMode(wallet.page, 'switch-late')
    const wrong = wallet.page.locator('[data-code="wallet.wrong-chain"]')
    await wallet.page.getByRole('button', { name: 'Switch chain' }).first().click()
    await expect.poll(() => wrong.count(), PATIENCE).toBe(0)
    await wallet.tab.close()
  })

  it('follows a fork of five blocks: entry, note and money, and sends it again when told so', async () => {
    const { control } = network
    const wallet = new WalletPage(await openTab(network.browser, walletUrl()))
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
