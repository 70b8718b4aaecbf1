import type { Locator, Page } from 'playwright'
import type { Tab } from '../fixtures/browser.ts'

/** The Wallet page, as its owner uses it. */
export class WalletPage {
  readonly tab: Tab
  readonly page: Page

  constructor(tab: Tab) {
    this.tab = tab
    this.page = tab.page
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

  async deposit(amount: string): Promise<void> {
    await this.page.getByTestId('add-deposit').click()
    await this.page.getByTestId('deposit-amount').fill(amount)
    await this.page.getByTestId('deposit-go').click()
  }
}
