import type { Locator, Page } from 'playwright'
import type { Tab } from './tab.ts'

/** The Provide page, as somebody who provides uses it. */
export class ProvidePage {
  readonly tab: Tab
  readonly page: Page

  constructor(tab: Tab) {
    this.tab = tab
    this.page = tab.page
  }

  async waitForState(state: string, { timeout = 60_000 } = {}): Promise<void> {
    await this.page
      .locator(`[data-testid=provide-state][data-state=${state}]`)
      .waitFor({ state: 'attached', timeout })
  }

  /** Waits until a relay has confirmed the offer: live by evidence, not by intent. */
  async waitForOffer({ timeout = 30_000 } = {}): Promise<void> {
    await this.page
      .locator('[data-testid=provide-state][data-confirmed=true]')
      .waitFor({ state: 'attached', timeout })
  }

  /** Waits until the page shows that failure; gives its panel. */
  async problem(code: string, { timeout = 30_000 } = {}): Promise<Locator> {
    const panel = this.page.locator(`[data-testid=error-panel][data-code="${code}"]`).first()
    await panel.waitFor({ timeout })
    return panel
  }

  async pause(): Promise<void> {
    await this.page.getByTestId('pause').click()
    await this.waitForState('paused')
  }

  /** Returns when a relay knows of it again. */
  async resume(): Promise<void> {
    await this.page.getByTestId('resume').click()
    await this.waitForState('live')
    await this.waitForOffer()
  }

  async servedTokens(): Promise<number> {
    return Number((await this.page.getByTestId('served-tokens').innerText()).replace(/\D/g, ''))
  }

  /** Opens the small window that stays on top. */
  async openSmallWindow(): Promise<Page> {
    const opened = this.page.context().waitForEvent('page')
    await this.page.getByTestId('small-window').click()
    return opened
  }
}
