import type { Page } from 'playwright'
import { erc20Abi, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect } from 'vitest'
import { openTab } from '../fixtures/browser.ts'
import { fundPlayed, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { installOddWallet, type OddMode, type OddWallet } from './odd-wallet.ts'

export const ODD = { name: 'Odd Wallet', rdns: 'odd.example' }
export const PATIENCE = { timeout: 40_000, interval: 150 }
type Odd = Window & { readonly oddWallets: Readonly<Record<string, OddWallet>> }

export interface OddTab {
  readonly wallet: WalletPage
  readonly first: Address
  readonly second: Address
}

/** The Wallet page beside an odd wallet of two accounts that both have money. */
export async function openOddTab(
  network: MoneyNetwork,
  {
    chainId = network.network.chainId,
    style = 'usual',
  }: { chainId?: number; style?: 'usual' | 'no-on' } = {},
): Promise<OddTab> {
  const accounts = [1, 2].map(() => privateKeyToAccount(generatePrivateKey()).address)
  for (const account of accounts) await fundPlayed(network, account)
  const init = { ...ODD, rpcUrl: network.rpcUrl, chainId, accounts, style, canBatch: false } as const
  const url = new URL('/wallet', network.relay.url).href
  const tab = await openTab(network.browser, url, {
    prepare: (profile) => profile.addInitScript(installOddWallet, init),
  })
  const wallet = new WalletPage(tab)
  await wallet.ready()
  return { wallet, first: accounts[0]!, second: accounts[1]! }
}

/** What the wallet does with what it is asked next. */
export function setMode(page: Page, mode: OddMode): Promise<void> {
  return page.evaluate(
    ([name, wanted]) => {
      ;(window as unknown as Odd).oddWallets[name]!.mode = wanted
    },
    [ODD.name, mode] as const,
  )
}

/** The accounts that the wallet shows the page, the one in use first. */
export function setAccounts(page: Page, accounts: readonly string[]): Promise<void> {
  return page.evaluate(
    ([name, wanted]) => {
      ;(window as unknown as Odd).oddWallets[name]!.accounts = wanted
    },
    [ODD.name, accounts] as const,
  )
}

/** Waits until the page stands for that account and has read its money. */
export async function standsFor({ page }: WalletPage, account: Address): Promise<void> {
  await expect.poll(() => page.getByTestId('wallet-menu').innerText(), PATIENCE).toContain(account.slice(-4))
  await page.locator('[data-testid=wallet][data-read=true]').waitFor({ state: 'attached' })
  await page.getByTestId('balance').waitFor()
}

/** What an account has of the asset that answers are paid in, in base units. */
export function balanceOf({ network, control }: MoneyNetwork, address: Address): Promise<bigint> {
  const { asset } = network.escrows[0]!
  return control.readContract({ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [address] })
}
