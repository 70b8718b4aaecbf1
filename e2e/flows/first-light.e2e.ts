import { describe, expect, it } from 'vitest'
import { decodeTranscripts, verifyTranscript, type Proven } from '#shared/stream/transcript.ts'
import type { AskPage } from '../pages/ask-page.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'

// `first-light.long.e2e.ts` has a provider at another relay.
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
})

/** The file that the page saves, read back and verified here from its bytes alone. */
async function provenBy(asker: AskPage, button: string): Promise<Proven | undefined> {
  const [transcript, ...others] = decodeTranscripts(await asker.saveProof(button))
  expect(others).toEqual([])
  return transcript && verifyTranscript(transcript)
}
