import type { Browser } from 'playwright'
import { describe, expect, it } from 'vitest'
import { launchBrowser } from '../fixtures/browser.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { startRelayProcess, type RelayProcess } from '../fixtures/relay-process.ts'
import { rendererPids, signalAll } from '../fixtures/renderers.ts'
import type { AskPage } from '../pages/ask-page.ts'

/** Does this to every renderer at once; gives when. */
function bySignal(signal: NodeJS.Signals): (browser: Browser) => Promise<number> {
  return async (browser) => {
    const pids = await rendererPids(browser)
    const harmedAt = Date.now()
    signalAll(pids, signal)
    return harmedAt
  }
}

/** A slow share of a processor: some 10 tokens a second, so that there is a middle of the answer. */
const SLOW = { dutyPercent: 10 }
const STORY = 'Tell me a story about a fox and a lantern.'

describe('an answer whose provider goes away', () => {
  it.each([
    [
      'closes its tab',
      async (browser: Browser) => {
        const harmedAt = Date.now()
        await Promise.all(browser.contexts().map((context) => context.close()))
        return harmedAt
      },
      { noticedMs: [0, 1500], seamMs: 4000 }, // its farewell: below 0.5 s on a machine of its own
    ],
    ['crashes', bySignal('SIGKILL'), { noticedMs: [0, 2500], seamMs: 5000 }], // the relay's word: below 1 s
    // Eight seconds after it was last heard, which is a token's time before it was frozen.
    ['is frozen', bySignal('SIGSTOP'), { noticedMs: [7000, 10_000], seamMs: 14_000 }],
  ] as const)('goes on at another tab when the first one %s', async (how, harm, { noticedMs, seamMs }) => {
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
      const seamsSoFar = await consumer.noteSeams()
      const harmedAt = await harm(first)
      await consumer.waitForState('done')
      const { segments, pieces, tokens, due } = await consumer.record()
      const gapMs = pieces.find((piece) => piece.seam)?.seam?.gapMs ?? 0
      const noticedAfterMs = ((await seamsSoFar())[0] ?? Infinity) - harmedAt
      console.info(
        `${how}: noticed after ${noticedAfterMs} ms, gone on ${Math.round(gapMs)} ms after the last token`,
      )
      expect(noticedAfterMs).toBeGreaterThanOrEqual(noticedMs[0])
      expect(noticedAfterMs).toBeLessThan(noticedMs[1])
      expect(segments).toHaveLength(2)
      expect(segments[0]?.provider).not.toBe(segments[1]?.provider)
      expect(segments[1]?.from).toBe(segments[0]?.tokens)
      expect((segments[0]?.tokens ?? 0) + (segments[1]?.tokens ?? 0)).toBe(tokens)
      expect(segments[0]?.signedTokens).toBeLessThanOrEqual(segments[0]?.tokens ?? 0)
      expect(due).toBe((segments[0]?.due ?? 0n) + (segments[1]?.due ?? 0n))
      expect(gapMs).toBeLessThan(seamMs)
      expect(await consumer.seams.count()).toBe(1)
    } finally {
      signalAll(await rendererPids(first).catch(() => []), 'SIGCONT')
      await first.close()
    }
  })

  it('stays what it was when one relay or the other is killed, and the provider is back at each by itself', async () => {
    await using network = await startNetwork()
    const { relay, browser } = network
    const second = await startRelayProcess({ args: ['--peer', relay.address] })
    const started = [second]
    /** Both processes of a relay have one data folder; `second` removes its own at the end. */
    const startAgain = async ({ dataFolder, port }: RelayProcess, peer: RelayProcess): Promise<void> => {
      started.push(await startRelayProcess({ dataFolder, port, args: ['--peer', peer.address] }))
    }
    try {
      await expect.poll(async () => otherRelaysAt(relay.url), { timeout: 10_000 }).toHaveLength(1)
      const provider = await openProvider(browser, relay.url, SLOW)
      for (const { url } of [relay, second])
        await expect
          .poll(async () => placesAt(url), { timeout: 10_000 })
          .toEqual({ offers: 1, reservations: 1 })
      const consumer = await openConsumer(browser, relay.url)
      await consumer.ask(STORY)
      await waitForTokens(consumer, 3)
      relay.process.kill('SIGKILL')
      expect((await placesAt(second.url)).reservations).toBe(1)
      await startAgain(relay, second)
      await consumer.waitForState('done')
      expect((await consumer.record()).segments).toHaveLength(1)
      await expect
        .poll(async () => placesAt(relay.url), { timeout: 30_000 })
        .toEqual({ offers: 1, reservations: 1 })

      second.process.kill('SIGKILL')
      await provider.waitForOffer()
      await consumer.ask('What is a provider?')
      await consumer.waitForState('done')
      await startAgain(second, relay)
      await expect
        .poll(async () => placesAt(second.url), { timeout: 30_000 })
        .toEqual({ offers: 1, reservations: 1 })
    } finally {
      for (const each of started.reverse()) await each.stop()
    }
  })
})

async function waitForTokens(consumer: AskPage, count: number): Promise<void> {
  await consumer.waitForState('answering')
  await expect
    .poll(async () => (await consumer.text()).split(' ').length, { timeout: 30_000 })
    .toBeGreaterThan(count)
}

async function placesAt(url: string): Promise<{ offers: number; reservations: number }> {
  const response = await fetch(new URL('/health', url))
  const { offers, reservations } = (await response.json()) as { offers: number; reservations: number }
  return { offers, reservations }
}

async function otherRelaysAt(url: string): Promise<readonly string[]> {
  const response = await fetch(new URL('/network.json', url))
  return ((await response.json()) as { otherRelays: readonly string[] }).otherRelays
}
