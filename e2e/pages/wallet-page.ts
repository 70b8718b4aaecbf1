import type { Locator, Page } from 'playwright'
import { getAddress, type Address, type Hex } from 'viem'
import type { Tab } from './tab.ts'

/** The Wallet page, as its owner uses it. */
export class WalletPage {
  readonly tab: Tab
  readonly page: Page

  constructor(tab: Tab) {
    this.tab = tab
    this.page = tab.page
  }

  /** Walks there from another page of that tab, which keeps what it is doing. */
  static async from(tab: Tab): Promise<WalletPage> {
    await tab.page.getByTestId('strip-money').click()
    const wallet = new WalletPage(tab)
    await wallet.ready()
    return wallet
  }

  /** The rows of the list with all these words in them. */
  entry(...words: readonly string[]): Locator {
    const rows = this.page.getByTestId('entry-row')
    return words.reduce((found, hasText) => found.filter({ hasText }), rows)
  }

  get act(): Locator {
    return this.page.getByTestId('act')
  }

  /** Waits until the chain has been read. */
  async ready({ timeout = 30_000 } = {}): Promise<void> {
    await this.page
      .locator('[data-testid=wallet][data-stage=ready][data-read=true]')
      .waitFor({ state: 'attached', timeout })
  }

  /** The address that the page stands for. */
  async address(): Promise<Address> {
    await this.page.getByTestId('receive').click()
    const address = getAddress(await this.page.getByTestId('own-address').innerText())
    await this.page.keyboard.press('Escape')
    await this.page.getByRole('dialog').waitFor({ state: 'hidden' })
    return address
  }

  /** The figure under a test id as a number, group marks left out. */
  async amount(testid: 'balance' | 'free' | 'to-claim'): Promise<number> {
    const [, figure = ''] =
      /^([−\d.,]+|under [\d.]+)/.exec((await this.page.getByTestId(testid).innerText()).trim()) ?? []
    return Number(figure.replaceAll(',', '').replace('−', '-').replace('under ', ''))
  }

  /** Waits until the act under way is in a block, and closes its note. */
  async done({ timeout = 30_000 } = {}): Promise<void> {
    const ended = this.page.locator(
      '[data-testid=act][data-stage=mined], [data-testid=act][data-stage=failed]',
    )
    await ended.waitFor({ state: 'attached', timeout })
    if ((await this.act.getAttribute('data-stage')) === 'failed')
      throw new Error(`the act failed: ${await this.act.innerText()}`)
    await this.act.getByRole('button', { name: 'Close' }).click()
  }

  /** Waits until the act under way has failed; gives the code. */
  async failed(): Promise<string | null> {
    await this.page.locator('[data-testid=act][data-stage=failed]').waitFor()
    return this.act.getByTestId('error-panel').getAttribute('data-code')
  }

  /** Takes the extension's wallet of that name. */
  async connect(name: string): Promise<void> {
    await this.page.getByTestId('wallet-menu').click()
    await this.page.getByRole('menuitem', { name: 'Connect another wallet' }).click()
    await this.page.getByTestId('injected').filter({ hasText: name }).click()
    await this.page.getByRole('dialog').waitFor({ state: 'hidden' })
  }

  /** Takes a private key and goes on with it, locked by that passphrase if there is one. */
  async importKey(key: string, passphrase?: string): Promise<void> {
    await this.page.getByTestId('wallet-menu').click()
    await this.page.getByRole('menuitem', { name: 'Import key' }).click()
    await this.page.getByTestId('import-key').fill(key)
    if (passphrase !== undefined) await this.typePassphrase(passphrase)
    await this.page.getByTestId('import-go').click()
  }

  /** The private key, for whoever opens the wallet. */
  async exportKey(passphrase?: string): Promise<Hex> {
    return this.#exportKey(passphrase === undefined ? undefined : () => this.unlock(passphrase))
  }

  /** The same where a passkey locks it. */
  async exportKeyByPasskey(): Promise<Hex> {
    return this.#exportKey(() => this.unlockByPasskey())
  }

  async #exportKey(open: (() => Promise<void>) | undefined): Promise<Hex> {
    await this.page.getByTestId('wallet-menu').click()
    await this.page.getByRole('menuitem', { name: 'Export key' }).click()
    await this.page.getByTestId('reveal-key').click()
    await open?.()
    const key = await this.page.getByTestId('private-key').innerText()
    await this.page.getByRole('button', { name: 'Hide and close' }).click()
    return key as Hex
  }

  /** Opens the locked wallet that asks for it. */
  async unlock(passphrase: string): Promise<void> {
    await this.page.getByTestId('unlock-passphrase').fill(passphrase)
    await this.page.getByTestId('unlock-go').click()
  }

  /** Has the device asked for the passkey of the locked wallet. */
  async unlockByPasskey(): Promise<void> {
    await this.page.getByTestId('unlock-passkey').click()
  }

  /** Has the device asked for a passkey that is to lock the wallet. */
  async lockByPasskey(): Promise<void> {
    await this.openLock()
    await this.page.getByTestId('use-passkey').click()
  }

  /** Opens what locks the wallet that is in use. */
  async openLock(name: 'Lock this wallet' | 'Change the lock' = 'Lock this wallet'): Promise<void> {
    await this.page.getByTestId('wallet-menu').click()
    await this.page.getByRole('menuitem', { name }).click()
  }

  /** Locks the wallet that is in use. */
  async lock(passphrase: string): Promise<void> {
    await this.openLock()
    await this.typePassphrase(passphrase)
    await this.page.getByTestId('lock-go').click()
    await this.page.getByRole('dialog').waitFor({ state: 'hidden' })
  }

  /** Types it where a new one is asked for, twice. */
  async typePassphrase(passphrase: string): Promise<void> {
    for (const field of ['passphrase', 'passphrase-again'])
      await this.page.locator(`dialog[open] [data-testid=${field}]`).fill(passphrase)
  }

  async getTestMoney(): Promise<void> {
    await this.page.getByTestId('faucet').click()
    await this.page.getByTestId('receive').waitFor()
    await this.entry('Test money received').waitFor()
  }

  /** Stakes more, or asks some of the stake back. */
  async changeStake(way: 'Stake more' | 'Take back' | 'first', amount: string): Promise<void> {
    await this.page.getByTestId('stake').click()
    if (way !== 'first') await this.page.getByRole('tab', { name: way }).click()
    await this.page.getByTestId('stake-amount').fill(amount)
    await this.page.getByTestId('stake-go').click()
  }

  /** Asks for the deposit back, or ends the session, and says that it is meant. */
  async sure(what: 'withdraw' | 'revoke'): Promise<void> {
    await this.page.getByTestId(what).click()
    await this.page.getByTestId('sure').click()
  }

  async send(to: string, amount: string): Promise<void> {
    await this.page.getByTestId('send-money').click()
    await this.page.getByTestId('send-to').fill(to)
    await this.page.getByTestId('send-amount').fill(amount)
    await this.page.getByTestId('send-go').click()
  }

  async deposit(amount: string): Promise<void> {
    await this.page.getByTestId('add-deposit').click()
    await this.page.getByTestId('deposit-amount').fill(amount)
    await this.page.getByTestId('deposit-go').click()
  }
}
