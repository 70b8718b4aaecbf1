import type { Browser } from 'playwright'
import { describe, expect, it } from 'vitest'
import { rounds } from '#shared/testing/long-runs.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { rendererPids, signalAll } from '../fixtures/renderers.ts'

const ROUNDS = rounds({ short: 4, full: 60 })
/** Some 10 tokens a second. */
const SLOW = { dutyPercent: 10 }
/** Early enough that an answer is never done before. */
const MOST_WORDS = 12

const HARMS = {
  'closes its tab': async (browser: Browser) => {
    await Promise.all(browser.contexts().map((context) => context.close()))
  },
  crashes: async (browser: Browser) => signalAll(await rendererPids(browser), 'SIGKILL'),
} as const

describe('answer after answer, each of whose providers goes away', () => {
  it.each(Object.entries(HARMS))(
    'goes on at another tab when it %s',
    { timeout: ROUNDS * 120_000 },
    async (how, harm) => {
      await using network = await startNetwork()
      const second = await openProvider(network.browser, network.relay.url)
      for (let round = 0; round < ROUNDS; round++) {
        await second.pause()
        const browser = await launchBrowser()
        try {
          await openProvider(browser, network.relay.url, SLOW)
          const consumer = await openConsumer(network.browser, network.relay.url)
          await consumer.ask('Tell me a story about a fox and a lantern.')
          const words = 1 + Math.floor(Math.random() * MOST_WORDS)
          console.info(`${how} after ${words} words`)
          await consumer.waitForWords(words)
          await second.resume()
          await harm(browser)
          await consumer.waitForState('done')
          const { segments, tokens, due } = await consumer.record()
          expect(segments).toHaveLength(2)
          const [before, after] = segments
          expect(after?.provider).not.toBe(before?.provider)
          expect(after?.from).toBe(before?.tokens)
          expect((before?.tokens ?? 0) + (after?.tokens ?? 0)).toBe(tokens)
          expect((before?.due ?? 0n) + (after?.due ?? 0n)).toBe(due)
          expect(await consumer.seams.count()).toBe(1)
          await consumer.tab.close()
        } finally {
          await browser.close()
        }
      }
    },
  )
})
