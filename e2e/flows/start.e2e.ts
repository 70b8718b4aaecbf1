import type { Browser, Page, Request } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { freePort } from '../fixtures/free-port.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { npmStart, takeTurn } from '../fixtures/start-process.ts'
import { AskPage } from '../pages/ask-page.ts'
import { WalletPage } from '../pages/wallet-page.ts'

// npm brings anvil for Linux on x64 alone: elsewhere `npm start` has no chain, and there is no wallet to read.
const hasChain = findAnvil() !== undefined

const SCREENS = [
  { width: 360, height: 740, isMobile: true },
  { width: 1280, height: 900, isMobile: false },
]

/** What stands on each page when it has been drawn from what the network said. */
const PAGES: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  '/': (page) => page.getByTestId('send').waitFor(),
  '/provide': (page) => page.getByTestId('provide-switch').waitFor(),
  '/network': async (page) => {
    await page.getByTestId('offer-row').filter({ hasText: 'server' }).waitFor()
    await page.getByTestId('relay-row').filter({ hasText: 'confirmed' }).waitFor()
    await page.locator('[data-testid=mesh-node][data-kind=both]').waitFor()
    expect(await page.getByTestId('mesh-node').count()).toBe(1)
  },
  '/wallet': (page) => (hasChain ? page.getByTestId('balance').waitFor() : page.locator('main h1').waitFor()),
}

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

describe('npm start', () => {
  it.for(SCREENS)(
    'shows every page without a fault and answers, $width px wide',
    { timeout: 500_000 },
    async (screen) => {
      await using _turn = await takeTurn()
      await using started = await npmStart()
      for (const path of Object.keys(PAGES)) {
        const visit = await open(started.url, path, screen)
        if (path === '/') await askOnce(visit)
        await visit.leave()
      }
    },
  )

  it('does the same on a port that it was given, also when it is opened as localhost', async () => {
    const port = await freePort()
    await using started = await npmStart(['--port', String(port)])
    expect(started.url).toBe(`http://127.0.0.1:${port}/`)
    for (const host of ['127.0.0.1', 'localhost'])
      for (const path of Object.keys(PAGES)) {
        const visit = await open(`http://${host}:${port}/`, path, SCREENS[1]!)
        if (path === '/' && host === 'localhost') await askOnce(visit)
        await visit.leave()
      }
  })
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

interface Visit {
  readonly page: Page
  readonly ask: AskPage
  leave(): Promise<void>
}

/** Opens a page in a profile of its own, waits until it is drawn and both ways to the chain have been read. */
async function open(url: string, path: string, { width, height, isMobile }: (typeof SCREENS)[number]) {
  const at = `${path} at ${url}, ${width} px`
  const tab = await openTab(browser, 'about:blank', {
    context: { viewport: { width, height }, isMobile, hasTouch: isMobile },
  })
  const { page } = tab
  const faults: string[] = []
  const answered = new Set<Request>()
  const nodes = new Set<string>()
  page.on('response', (response) => {
    answered.add(response.request())
    if (response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`)
    else if (response.request().method() === 'POST') nodes.add(new URL(response.url()).port)
  })
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure() ?? {}
    // Whoever has read an answer to its end may let go of it before the browser has noticed the end.
    if (errorText === 'net::ERR_ABORTED' && answered.has(request)) return
    faults.push(`${request.url()}: ${errorText}`)
  })
  await page.goto(new URL(path, url).href)
  const ask = new AskPage(tab)
  await ask.waitForProvider()
  await PAGES[path]?.(page).catch((cause: unknown) => {
    throw new Error(`${at}: ${[...faults, ...tab.errors].join('\n')}`, { cause })
  })
  // The relay's read path and the chain's own node: each is asked on its own, and only both make a balance sure.
  if (hasChain)
    await expect.poll(() => [at, nodes.size, ...faults, ...tab.errors], { timeout: 20_000 }).toEqual([at, 2])
  return {
    page,
    ask,
    async leave() {
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect({ at, overflow, faults: [...faults, ...tab.errors] }).toEqual({ at, overflow: 0, faults: [] })
      await tab.close()
    },
  }
}

async function askOnce({ ask }: Visit): Promise<void> {
  await ask.ask('What is a relay?')
  await ask.waitForState('done')
  expect(await ask.text()).toMatch(/relay/i)
  const [segment] = (await ask.record()).segments
  expect(segment?.kind).toBe('node')
  if (!hasChain) return
  await ask.page.getByRole('navigation').getByText('Wallet').click()
  const wallet = new WalletPage(ask.tab)
  await wallet.ready()
  expect(await wallet.amount('balance')).toBeGreaterThan(0)
}
