import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../fixtures/browser.ts'
import { expectEveryPage, expectPlainStart, WIDE } from '../fixtures/every-page.ts'
import { freePort } from '../fixtures/free-port.ts'
import { npmStart } from '../fixtures/start-process.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

describe('npm start', () => {
  it('shows every page without a fault and answers, 1280 px wide', () => expectPlainStart(browser, WIDE))

  it('does the same on a port that it was given, also when it is opened as localhost', async () => {
    const port = await freePort()
    await using started = await npmStart(['--port', String(port)])
    expect(started.url).toBe(`http://127.0.0.1:${port}/`)
    for (const host of ['127.0.0.1', 'localhost'])
      await expectEveryPage(browser, `http://${host}:${port}/`, { screen: WIDE, asks: host === 'localhost' })
  })
})
