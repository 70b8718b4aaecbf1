import type { BrowserContext } from 'playwright'
import { describe, expect, it } from 'vitest'
import { fetchThrough } from '../fixtures/fetch-through.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'

describe('a prompt that crosses the mesh', () => {
  it('finds a provider that only another relay knows, and connects to it directly', async () => {
    await using network = await startNetwork()
    const { browser, relay } = network
    const second = await startRelayProcess({ args: ['--peer', relay.address] })
    try {
      const [atFirst, atSecond] = [new Set<string>(), new Set<string>()]
      await openProvider(browser, relay.url, { prepare: knowsOneRelay(atFirst) })
      const consumer = await openConsumer(browser, second.url, { prepare: knowsOneRelay(atSecond) })
      // Only then does the consumer go to the provider's relay, for the introduction: the offer came by gossip.
      expect([...atSecond]).toEqual([new URL(second.url).host])
      await consumer.ask('What is a provider?')
      await consumer.waitForState('done')
      expect((await consumer.record()).segments).toMatchObject([{ kind: 'tab', path: 'webrtc' }])
      expect([...atFirst]).toEqual([new URL(relay.url).host])
    } finally {
      await second.stop()
    }
  })
})

/** A profile whose page is told of no relay but its own, and whose sockets are noted by their host. */
function knowsOneRelay(sockets: Set<string>): (profile: BrowserContext) => Promise<void> {
  return async (profile) => {
    profile.on('page', (page) => {
      page.on('websocket', (socket) => void sockets.add(new URL(socket.url()).host))
    })
    await profile.route('**/network.json', async (route) => {
      const response = await fetchThrough(route)
      if (!response) return
      const info = (await response.json()) as object
      await route.fulfill({ response, json: { ...info, otherRelays: [] } })
    })
  }
}
