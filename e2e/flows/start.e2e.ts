import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { expectPlainStart, PHONE } from '../fixtures/every-page.ts'
import { startNetwork } from '../fixtures/lending-network.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

describe('npm start', () => {
  // `start.long.e2e.ts` does it on a wide screen, and on a port that it was given.
  it('shows every page without a fault and answers, 360 px wide', { timeout: 500_000 }, () =>
    expectPlainStart(browser, PHONE),
  )
})

describe('a page that breaks', () => {
  it('says so in words, leaves the other pages alone, and comes back when it is tried again', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const { page, errors } = await openTab(network.browser, 'about:blank')
    await page.addInitScript(breakMap)
    await page.goto(new URL('/network', network.relay.url).href)
    const failure = page.getByTestId('page-failure')
    await failure.getByRole('heading', { name: 'This page could not be shown.' }).waitFor()
    expect(errors.join('\n')).toContain('broken for a test')
    const walkTo = (name: string): Promise<void> => page.getByRole('navigation').getByText(name).click()
    await walkTo('Provide')
    await page.getByTestId('provide-switch').waitFor()
    await walkTo('Network')
    await failure.waitFor()
    await failure.getByRole('button', { name: 'Try again' }).click()
    await failure.waitFor()
    await page.evaluate(() => Object.assign(window, { isMapBroken: false }))
    await failure.getByRole('button', { name: 'Try again' }).click()
    await page.getByTestId('mesh-node').waitFor()
    expect(await failure.count()).toBe(0)
  })
})

/** The map cannot be drawn until the flag is taken away. */
function breakMap(): void {
  const { cos } = Math
  const state = Object.assign(window, { isMapBroken: true })
  Math.cos = (angle) => {
    if (state.isMapBroken) throw new Error('broken for a test')
    return cos(angle)
  }
}
