import { it } from 'vitest'
import { launchBrowser } from '../fixtures/browser.ts'
import { expectPlainStart, WIDE } from '../fixtures/every-page.ts'

it('npm start shows every page without a fault and answers, 1280 px wide', async () => {
  const browser = await launchBrowser()
  try {
    await expectPlainStart(browser, WIDE)
  } finally {
    await browser.close()
  }
})
