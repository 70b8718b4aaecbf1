/**
 * `node e2e/run/pictures.ts [folder]`: takes pictures of the real page in its main states, wide and on a phone, light
 * and dark. `e2e/pictures/ask.png`, the one in the README, is among them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright'
import { findAnvil } from '../chain/find-anvil.ts'
import { openTab } from '../fixtures/browser.ts'
import type { Tab } from '../pages/tab.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'
import { openProvider } from '../fixtures/network.ts'
import { AskPage } from '../pages/ask-page.ts'

const folder = process.argv[2] ?? fileURLToPath(new URL('../pictures', import.meta.url))
mkdirSync(folder, { recursive: true })

const SIZES = {
  '1280': { viewport: { width: 1280, height: 800 } },
  '360': { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
} as const

await using network = await (findAnvil() === undefined
  ? startNetwork()
  : startMoneyNetwork({ hasRelayKey: true }))
const { browser, relay } = network
for (const colorScheme of ['light', 'dark'] as const) {
  for (const [width, size] of Object.entries(SIZES)) {
    const context = { ...size, colorScheme, reducedMotion: 'reduce' } as const
    const open = (path: string): Promise<Tab> => openTab(browser, new URL(path, relay.url).href, { context })
    const take = (page: Page, name: string): Promise<unknown> =>
      page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) })
    const empty = new AskPage(await open('/'))
    await empty.page.waitForTimeout(1500)
    await take(empty.page, 'ask-empty')
    const idle = await open('/provide')
    await idle.page.waitForTimeout(1000)
    await take(idle.page, 'provide-off')
    const first = await openProvider(browser, relay.url, { dutyPercent: 6, context })
    const second = await openProvider(browser, relay.url)
    await second.pause()
    await empty.waitForProvider()
    await empty.ask('What does a relay do?')
    await empty.waitForState('done')
    await empty.ask('Tell me a story about a fox and a lantern.')
    await empty.waitForState('answering')
    // The first tab closes in the middle of the story, so that the picture shows the seam.
    while ((await empty.text()).split(' ').length < 20) await empty.page.waitForTimeout(50)
    await take(empty.page, 'ask-answering')
    await take(first.page, 'provide-live')
    await second.resume()
    await first.tab.close()
    await empty.waitForState('done')
    await empty.page.waitForTimeout(500)
    await take(empty.page, 'ask-seam')
    if (width === '1280' && colorScheme === 'light')
      await empty.page.screenshot({ path: join(folder, 'ask.png') })
    await empty.page.getByTestId('slip').last().click()
    await empty.page.waitForTimeout(300)
    await take(empty.page, 'ask-receipt')
    await empty.page.getByTestId('check-mark').last().click()
    await empty.page.getByTestId('check-lead').waitFor()
    await take(empty.page, 'ask-check')
    await empty.page.keyboard.press('Escape')
    const view = await open('/network')
    await view.page.waitForTimeout(3000)
    await take(view.page, 'network')
    await view.page.getByTestId('offer-row').first().getByRole('link').click()
    await view.page.getByTestId('provider').waitFor()
    await view.page.waitForTimeout(1500)
    await take(view.page, 'provider')
    await empty.page.goto(new URL('/wallet', relay.url).href)
    await empty.page.waitForTimeout(1500)
    await take(empty.page, 'wallet')
    for (const tab of [empty.tab, idle, second.tab, view]) await tab.close()
  }
}
