import { describe, expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { bySignal, expectGoneOn, SLOW, STORY } from '../fixtures/lost-provider.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startRelayProcess, type RelayProcess } from '../fixtures/relay-process.ts'

describe('an answer whose provider goes away', () => {
  it.each([
    // The relay's word: below 1 s on a machine of its own.
    ['crashes', bySignal('SIGKILL'), { noticedMs: [0, 2500], seamMs: 5000 }],
    // Eight seconds after it was last heard, which is a token's time before it was frozen.
    ['is frozen', bySignal('SIGSTOP'), { noticedMs: [7000, 10_000], seamMs: 14_000 }],
  ] as const)('goes on at another tab when the first one %s', expectGoneOn)

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
      await expect.poll(async () => otherRelaysAt(relay.url)).toHaveLength(1)
      const provider = await openProvider(browser, relay.url, SLOW)
      for (const { url } of [relay, second])
        await expect.poll(async () => placesAt(url)).toEqual({ offers: 1, reservations: 2 })
      const consumer = await openConsumer(browser, relay.url)
      await consumer.ask(STORY)
      await consumer.waitForWords(3)
      relay.process.kill('SIGKILL')
      expect((await placesAt(second.url)).reservations).toBe(2)
      await startAgain(relay, second)
      await consumer.waitForState('done')
      expect((await consumer.record()).segments).toHaveLength(1)
      await expect
        .poll(async () => placesAt(relay.url), { timeout: 30_000 })
        .toEqual({ offers: 1, reservations: 2 })

      second.process.kill('SIGKILL')
      await provider.waitForOffer()
      await consumer.ask('What is a provider?')
      await consumer.waitForState('done')
      await startAgain(second, relay)
      await expect
        .poll(async () => placesAt(second.url), { timeout: 30_000 })
        .toEqual({ offers: 1, reservations: 2 })
    } finally {
      for (const each of started.reverse()) await each.stop()
    }
  })
})

/** A tab that lends has two places: one to be asked at, and one under another name to pass on what it lends. */
async function placesAt(url: string): Promise<{ offers: number; reservations: number }> {
  const response = await fetch(new URL('/health', url))
  const { offers, reservations } = (await response.json()) as { offers: number; reservations: number }
  return { offers, reservations }
}

async function otherRelaysAt(url: string): Promise<readonly string[]> {
  const response = await fetch(new URL('/network.json', url))
  return ((await response.json()) as { otherRelays: readonly string[] }).otherRelays
}
