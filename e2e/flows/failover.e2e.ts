import type { Browser } from 'playwright'
import { describe, expect, it } from 'vitest'
import { launchBrowser } from '../fixtures/browser.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { rendererPids, signalAll } from '../fixtures/renderers.ts'
import type { AskPage } from '../pages/ask-page.ts'

/** A slow share of a processor: some 10 tokens a second, so that there is a middle of the answer. */
const SLOW = { dutyPercent: 10 }
const STORY = 'Tell me a story about a fox and a lantern.'

describe('an answer whose provider goes away', () => {
  it.each([
    [
      'closes its tab',
      async (browser: Browser) => Promise.all(browser.contexts().map((context) => context.close())),
      0,
      4000,
    ],
    ['crashes', async (browser: Browser) => signalAll(await rendererPids(browser), 'SIGKILL'), 0, 5000],
    [
      'is frozen',
      async (browser: Browser) => signalAll(await rendererPids(browser), 'SIGSTOP'),
      5000,
      14_000,
    ],
  ])('goes on at another tab when the first one %s', async (_, harm, leastMs, mostMs) => {
    await using network = await startNetwork()
    const first = await launchBrowser()
    try {
      // The second one waits in the wings: paused, it offers nothing, so the first gets the job.
      const second = await openProvider(network.browser, network.relay.url)
      await second.pause()
      await openProvider(first, network.relay.url, SLOW)
      const consumer = await openConsumer(network.browser, network.relay.url)
      await consumer.ask(STORY)
      await waitForTokens(consumer, 3)
      await second.resume()
      await harm(first)
      await consumer.waitForState('done')
      const { segments, pieces, tokens, due } = await consumer.record()
      const gapMs = pieces.find((piece) => piece.seam)?.seam?.gapMs ?? 0
      console.info(`seam after ${segments[0]?.tokens} tokens, ${Math.round(gapMs)} ms`)
      expect(segments).toHaveLength(2)
      expect(segments[0]?.provider).not.toBe(segments[1]?.provider)
      expect(segments[1]?.from).toBe(segments[0]?.tokens)
      expect((segments[0]?.tokens ?? 0) + (segments[1]?.tokens ?? 0)).toBe(tokens)
      expect(segments[0]?.signedTokens).toBeLessThanOrEqual(segments[0]?.tokens ?? 0)
      expect(due).toBe((segments[0]?.due ?? 0n) + (segments[1]?.due ?? 0n))
      expect(gapMs).toBeGreaterThanOrEqual(leastMs)
      expect(gapMs).toBeLessThan(mostMs)
      expect(await consumer.seams.count()).toBe(1)
    } finally {
      signalAll(await rendererPids(first).catch(() => []), 'SIGCONT')
      await first.close()
    }
  })

  it('stays what it was when the relay is killed and started again, and the provider comes back by itself', async () => {
    await using network = await startNetwork()
    const { relay, browser } = network
    const provider = await openProvider(browser, relay.url, SLOW)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask(STORY)
    await waitForTokens(consumer, 3)
    const { startRelayProcess } = await import('../fixtures/relay-process.ts')
    relay.process.kill('SIGKILL')
    const again = await startRelayProcess({ dataFolder: relay.dataFolder, port: relay.port })
    try {
      await consumer.waitForState('done')
      expect((await consumer.record()).segments).toHaveLength(1)
      await expect.poll(async () => offersAt(again.url), { timeout: 30_000 }).toBe(1)
      await expect.poll(async () => reservationsAt(again.url), { timeout: 10_000 }).toBe(1)
      await provider.waitForOffer()
      await consumer.ask('What is a provider?')
      await consumer.waitForState('done')
    } finally {
      await again.stop()
    }
  })
})

async function waitForTokens(consumer: AskPage, count: number): Promise<void> {
  await consumer.waitForState('answering')
  await expect
    .poll(async () => (await consumer.text()).split(' ').length, { timeout: 30_000 })
    .toBeGreaterThan(count)
}

async function health(url: string): Promise<{ offers: number; reservations: number }> {
  return (await (await fetch(new URL('/health', url))).json()) as { offers: number; reservations: number }
}
const offersAt = async (url: string): Promise<number> => (await health(url)).offers
const reservationsAt = async (url: string): Promise<number> => (await health(url)).reservations
