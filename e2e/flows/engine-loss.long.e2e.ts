import { describe, expect, it } from 'vitest'
import { launchFasterGpu } from '../engine/engine-tab.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'

const STORY = 'Tell me a story about a fox and a lantern.'

// Its worker crashes in `engine-loss.e2e.ts`.
describe('an answer whose engine dies in the middle', () => {
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
      await consumer.waitForWords(3)
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
