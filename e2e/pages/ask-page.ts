import type { Locator, Page } from 'playwright'
import type { Tab } from '../fixtures/browser.ts'

/** The Ask page, as somebody who asks uses it. */
export class AskPage {
  readonly tab: Tab
  readonly page: Page

  constructor(tab: Tab) {
    this.tab = tab
    this.page = tab.page
  }

  get answer(): Locator {
    return this.page.getByTestId('answer').last()
  }

  get state(): Locator {
    return this.page.getByTestId('answer-state').last()
  }

  get seams(): Locator {
    return this.page.getByTestId('seam')
  }

  async ask(prompt: string): Promise<void> {
    await this.page.getByTestId('prompt-input').fill(prompt)
    await this.page.getByTestId('send').click()
  }

  /** Waits until somebody lends the chosen model. */
  async waitForProvider({ timeout = 30_000 } = {}): Promise<void> {
    await this.page.waitForFunction(
      () => {
        const count = Number(/\d+/.exec(document.querySelector('[data-testid=live-count]')?.textContent ?? '')?.[0] ?? 0)
        return count > 0
      },
      undefined,
      { timeout },
    )
  }

  async waitForState(state: 'answering' | 'done' | 'failed', { timeout = 60_000 } = {}): Promise<void> {
    await this.page.locator(`[data-testid=answer-state][data-state=${state}]`).last().waitFor({ state: 'attached', timeout })
  }

  async text(): Promise<string> {
    return (await this.answer.innerText()).trim()
  }
}
