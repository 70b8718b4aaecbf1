import { describe, expect, it } from 'vitest'
import { launchFasterGpu } from '../engine/engine-tab.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import type { AskPage } from '../pages/ask-page.ts'

const STORY = 'Tell me a story about a fox and a lantern.'

/** The answer came from one tab, without a seam that its reader could see. */
async function expectWhole(consumer: AskPage): Promise<void> {
  const { segments } = await consumer.record()
  expect(segments).toHaveLength(1)
  expect(await consumer.seams.count()).toBe(0)
}

async function waitForWords(consumer: AskPage, count: number): Promise<void> {
  await consumer.waitForState('answering')
  await expect
    .poll(async () => (await consumer.text()).split(' ').length, { timeout: 60_000 })
    .toBeGreaterThan(count)
}

describe('an answer whose engine dies in the middle', () => {
  it('goes on in the same tab when its worker crashes', async () => {
    await using network = await startNetwork()
    const { relay, browser } = network
    // A small share of the time: slow enough that there is a middle of the answer.
    const provider = await openProvider(browser, relay.url, { dutyPercent: 5 })
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask(STORY)
    await waitForWords(consumer, 3)
    const engines = provider.page.workers().filter((worker) => /\/worker-/.test(worker.url()))
    expect(engines).toHaveLength(1)
    await engines[0]?.evaluate(() => {
      setTimeout(() => {
        throw new Error('a crash on purpose')
      })
    })
    await consumer.waitForState('done')
    await expectWhole(consumer)
    await provider.waitForState('live')
    await provider.waitForOffer()
    // Another worker, and the crash was this test's own.
    expect(provider.page.workers()).not.toContain(engines[0])
    await consumer.ask('What is 3 plus 4?')
    await consumer.waitForState('done')
  })

  it('really runs on WebGPU, and comes to its end in the same tab when the GPU process crashes', async () => {
    await using network = await startNetwork()
    const { relay } = network
    // A browser of its own: everything that draws or computes on the GPU loses it.
    const browser = await launchFasterGpu()
    try {
      const provider = await openProvider(browser, relay.url, { backend: 'webgpu', timeout: 240_000 })
      // The adapter's name comes from the device that the engine's worker opened; the self-test compared its tokens.
      expect(await provider.page.locator('main').innerText()).toMatch(/swiftshader|google|lavapipe/i)
      const consumer = await openConsumer(network.browser, relay.url)
      await consumer.ask(STORY)
      await waitForWords(consumer, 3)
      const session = await browser.newBrowserCDPSession()
      void session.send('Browser.crashGpuProcess').catch(() => undefined)
      await provider.waitForState('paused')
      await consumer.waitForState('done', { timeout: 240_000 })
      // Nobody else provides. A software GPU may take longer to start than a job waits: then the answer was handed back,
      // and came here again.
      const { segments } = await consumer.record()
      console.info(`${segments.length - 1} seams`)
      expect(new Set(segments.map((segment) => segment.provider)).size).toBe(1)
      for (const segment of segments) expect(segment).toMatchObject({ backend: 'webgpu', path: 'webrtc' })
      await provider.waitForState('live')
      await provider.waitForOffer()
    } finally {
      await browser.close()
    }
  }, 600_000)
})
