import { expect, it } from 'vitest'
import { launchBrowser, openTab } from '../fixtures/browser.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { expectListedAgain } from '../fixtures/dead-sockets.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'

it('a lending tab whose sockets died unheard says that it checks, and is listed again, where the browser says that the network is back', () =>
  expectListedAgain('online'))

it('an open page finds its relay again that came back under another name', async () => {
  buildPage({ quiet: true })
  const before = await startRelayProcess()
  const browser = await launchBrowser({ hasGpu: false })
  let after
  try {
    const { page } = await openTab(browser, new URL('/network', before.url).href)
    const title = page.locator('[data-testid=network]')
    await expect.poll(() => title.getAttribute('data-state')).toBe('up')
    await before.stop('SIGKILL')
    await expect.poll(() => title.getAttribute('data-state')).toBe('no-relay')
    after = await startRelayProcess({ port: before.port })
    expect(after.address).not.toBe(before.address)
    await expect.poll(() => title.getAttribute('data-state'), { timeout: 30_000 }).toBe('up')
  } finally {
    await browser.close()
    await after?.stop()
    await before.stop()
  }
})
