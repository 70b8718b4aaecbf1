import { describe, expect, it } from 'vitest'
import { axeViolations } from '../fixtures/axe.ts'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const PATHS = ['/', '/provide', '/network', '/wallet']

describe('the page', () => {
  it('keeps a prompt until somebody lends, then sends it', async () => {
    await using network = await startNetwork()
    const consumer = new AskPage(await openTab(network.browser, network.relay.url))
    await consumer.ask('What is a relay?')
    await consumer.page.getByText('Nobody lends').waitFor()
    await openProvider(network.browser, network.relay.url)
    await consumer.waitForState('done')
    expect(await consumer.text()).toMatch(/relay/i)
    expect(consumer.tab.errors).toEqual([])
  })

  it('stops an answer and asks again', async () => {
    await using network = await startNetwork()
    await openProvider(network.browser, network.relay.url, { dutyPercent: 10 })
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('answering')
    await consumer.page.getByTestId('stop').click()
    await consumer.waitForState('done')
    expect((await consumer.record()).stage).toBe('stopped')
    await consumer.page.getByTestId('retry').last().click()
    await consumer.waitForState('answering')
    await consumer.page.getByTestId('stop').click()
    await consumer.waitForState('done')
  })

  it('pauses, goes on, finishes its answer when it leaves in order, and comes back under its name', async () => {
    await using network = await startNetwork()
    const provider = await openProvider(network.browser, network.relay.url, { dutyPercent: 20 })
    await provider.pause()
    expect(await offersAt(network.relay.url)).toBe(0)
    await provider.resume()
    expect(await offersAt(network.relay.url)).toBe(1)
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('answering')
    await provider.page.getByTestId('drain').click()
    await provider.waitForState('draining')
    await consumer.waitForState('done')
    const [answered, ...others] = (await consumer.record()).segments
    expect(others).toEqual([])
    await provider.waitForState('ended')
    expect(await offersAt(network.relay.url)).toBe(0)
    await provider.page.reload() // its address says that it lends at once
    await provider.waitForState('live')
    await provider.waitForOffer()
    await consumer.ask('What is a relay?')
    await consumer.waitForState('done')
    expect((await consumer.record()).segments).toMatchObject([{ provider: answered?.provider }])
  })

  it('keeps the history in this browser over a reload, and forgets it when told so', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask('What is a provider?')
    await consumer.waitForState('done')
    await consumer.page.reload()
    await consumer.page.getByRole('complementary').getByText('What is a provider?').click()
    await consumer.answer.waitFor()
    await consumer.page.getByRole('button', { name: 'Delete all' }).first().click()
    await consumer.page
      .getByRole('dialog')
      .getByRole('button', { name: /delete/i })
      .click()
    await expect
      .poll(() => consumer.page.getByRole('complementary').getByText('What is a provider?').count())
      .toBe(0)
  })

  it('drops the oldest turns when a conversation outgrows the model, says so, and goes on', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const consumer = await openConsumer(network.browser, network.relay.url)
    for (const animal of ['fox', 'owl', 'bear', 'otter', 'frog', 'swan']) {
      await consumer.ask(`Tell me a story about a ${animal} and a lantern.`)
      await consumer.waitForState('done')
      expect(await consumer.text()).toContain(animal)
    }
    expect((await consumer.record()).droppedTurns).toBeGreaterThan(0)
    await consumer.page.getByTestId('forgotten').last().waitFor()
  })

  it('says why the GPU cannot be used, and lends the processor instead', async () => {
    await using network = await startNetwork()
    const browser = await launchBrowser({ hasGpu: false })
    try {
      const provider = new ProvidePage(await openTab(browser, new URL('/provide', network.relay.url).href))
      const panel = provider.page.getByTestId('error-panel')
      await panel.waitFor()
      expect(await panel.getAttribute('data-code')).toBe('engine.no-adapter')
      await panel.getByRole('button', { name: /processor/i }).click()
      await provider.waitForState('live')
      await provider.waitForOffer()
    } finally {
      await browser.close()
    }
  })

  it('says what to do when it was opened over plain http from another machine', async () => {
    await using network = await startNetwork()
    const browser = await launchBrowser({ flags: ['--host-resolver-rules=MAP elsewhere.test 127.0.0.1'] })
    try {
      const { page } = await openTab(browser, `http://elsewhere.test:${network.relay.port}/provide`)
      await page.locator('[data-testid=error-panel][data-code="mesh.insecure-page"]').first().waitFor()
    } finally {
      await browser.close()
    }
  })

  it('says so when no relay answers, and comes back by itself', async () => {
    await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
    const { startRelayProcess } = await import('../fixtures/relay-process.ts')
    const consumer = await openConsumer(network.browser, network.relay.url)
    network.relay.process.kill('SIGKILL')
    await consumer.page
      .getByText(/no relay/i)
      .first()
      .waitFor()
    const { dataFolder, port } = network.relay
    const again = await startRelayProcess({ dataFolder, port, args: ['--seed-provider', 'on'] })
    try {
      await consumer.ask('What is a relay?')
      await consumer.waitForState('done')
    } finally {
      await again.stop()
    }
  })

  it('refuses a model file that was changed on its way, by name', async () => {
    await using network = await startNetwork()
    const tab = await openTab(network.browser, 'about:blank')
    await tab.page.context().route('**/model.onnx*', async (route) => {
      const response = await route.fetch()
      const body = await response.body()
      body[1000] = (body[1000] ?? 0) ^ 1
      await route.fulfill({ response, body })
    })
    await tab.page.goto(new URL('/provide?lend=1&backend=wasm', network.relay.url).href)
    await tab.page.locator('[data-testid=error-panel][data-code="models.corrupt"]').waitFor()
  })

  it.each(['light', 'dark'] as const)(
    'passes the accessibility checks of axe in the %s theme, wide and on a phone',
    async (colorScheme) => {
      await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
      for (const context of [{ viewport: { width: 1280, height: 900 } }, PHONE]) {
        const { page } = await openTab(network.browser, network.relay.url, {
          context: { ...context, colorScheme, reducedMotion: 'reduce' },
        })
        for (const path of PATHS) {
          await page.goto(new URL(path, network.relay.url).href)
          await page.locator('main h1').first().waitFor()
          await page.waitForTimeout(500)
          expect(await axeViolations(page), `${path} ${colorScheme}`).toEqual([])
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          expect(overflow, `${path} is wider than the screen`).toBeLessThanOrEqual(0)
        }
        await page.context().close()
      }
    },
  )
})

async function offersAt(url: string): Promise<number> {
  const health = (await (await fetch(new URL('/health', url))).json()) as { offers: number }
  return health.offers
}
