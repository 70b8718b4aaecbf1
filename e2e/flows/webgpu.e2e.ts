import { expect, it } from 'vitest'
import { launchFasterGpu } from '../engine/engine-tab.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'

const STORY = 'Tell me a story about a fox and a lantern.'
/** A software GPU compiles its shaders first. */
const LIVE_LIMIT_MS = 240_000

// Its GPU process crashes in `engine-loss.long.e2e.ts`.
it('lends over WebGPU from the page: it and a processor check one another, and alone it answers', async () => {
  await using network = await startNetwork()
  const { browser, relay } = network
  const gpu = await launchFasterGpu()
  try {
    const opening = openProvider(gpu, relay.url, { backend: 'webgpu', timeout: LIVE_LIMIT_MS })
    const [processor, consumer] = await Promise.all([
      openProvider(browser, relay.url),
      openConsumer(browser, relay.url),
    ])
    const graphics = await opening
    // The adapter's name comes from the device that the engine's worker opened; the self-test compared its tokens.
    expect(await graphics.page.locator('main').innerText()).toMatch(/swiftshader|google|lavapipe/i)

    // Either may be drawn; the other one checks.
    await consumer.ask(STORY)
    await consumer.waitForState('done')
    const [first] = (await consumer.record()).segments
    const { page } = consumer
    await page.getByTestId('check-mark').last().click()
    await page.getByTestId('check-stranger').click()
    await page.locator('[data-testid=check-lead][data-mark=agrees]').waitFor({ timeout: 60_000 })
    const words = await page.getByTestId('evidence').innerText()
    expect(words).toMatch(first?.backend === 'wasm' ? /WebGPU, .*swiftshader/ : /CPU/)
    await page.keyboard.press('Escape')

    // Alone, it is who answers.
    await processor.tab.close()
    await page.waitForFunction(() =>
      /^1 /.test(document.querySelector('[data-testid=live-count]')?.textContent ?? ''),
    )
    await consumer.ask(STORY)
    await consumer.waitForState('done', { timeout: 60_000 })
    const { segments } = await consumer.record()
    for (const segment of segments) expect(segment).toMatchObject({ backend: 'webgpu', path: 'webrtc' })
    expect(segments.length).toBeGreaterThan(0)
  } finally {
    await gpu.close()
  }
}, 300_000)
