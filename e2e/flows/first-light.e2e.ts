import type { BrowserContext } from 'playwright'
import { describe, expect, it } from 'vitest'
import { decodeTranscripts, verifyTranscript, type Proven } from '#shared/stream/transcript.ts'
import type { AskPage } from '../pages/ask-page.ts'
import { fetchThrough } from '../fixtures/fetch-through.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'

describe('a prompt that crosses the mesh', () => {
  it('is answered by another tab over a direct connection, also when every relay is stopped after they connected', async () => {
    await using network = await startNetwork()
    const { browser, relay } = network
    const provider = await openProvider(browser, relay.url)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask('What does a relay do?')
    await consumer.waitForState('done')
    const first = await consumer.record()
    expect(first.segments).toMatchObject([
      { kind: 'tab', path: 'webrtc', backend: 'wasm', isUsageDisputed: false },
    ])
    expect(await consumer.text()).toMatch(/relay/i)

    await relay.stop('SIGKILL')
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('done')
    const second = await consumer.record()
    expect(second.segments).toHaveLength(1)
    expect(second.segments[0]).toMatchObject({ path: 'webrtc', provider: first.segments[0]?.provider })
    expect(second.tokens).toBeGreaterThan(20)
    const [whole, shown] = [
      await provenBy(consumer, 'save-proof'),
      await provenBy(consumer, 'save-proof-shown'),
    ]
    const { provider: by } = second.segments[0] ?? {}
    expect(whole).toMatchObject({ provider: by, from: 0, due: second.due, question: { priorTokens: [] } })
    expect(whole?.tokens).toHaveLength(second.tokens)
    expect(shown).toMatchObject({ tokens: whole?.tokens, due: second.due, question: undefined })
    // Counted when the job is over, which the asker knows first.
    await expect.poll(() => provider.servedTokens()).toBe(first.tokens + second.tokens)
  })

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

/** The file that the page saves, read back and verified here from its bytes alone. */
async function provenBy(asker: AskPage, button: string): Promise<Proven | undefined> {
  const [transcript, ...others] = decodeTranscripts(await asker.saveProof(button))
  expect(others).toEqual([])
  return transcript && verifyTranscript(transcript)
}

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
