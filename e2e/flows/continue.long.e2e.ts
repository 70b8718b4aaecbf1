import { describe, expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'

const SLOW = { dutyPercent: 10 }
/** Longer than eight looks with a second between them, after which an answer once gave up. */
const AWAY_MS = 15_000

describe('an answer that breaks off', () => {
  it('waits for the next provider as long as it takes, says so, and goes on where it was', async () => {
    await using network = await startNetwork()
    const { browser, relay } = network
    const first = await openProvider(browser, relay.url, SLOW)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForWords(5)
    await first.page.close()
    const holds = consumer.page.getByTestId('holds')
    await expect.poll(() => holds.innerText(), { timeout: 20_000 }).toMatch(/tokens are kept/)
    await consumer.page.waitForTimeout(AWAY_MS)
    expect(await consumer.state.getAttribute('data-state')).toBe('searching')
    const second = await openProvider(browser, relay.url)
    await consumer.waitForState('done')
    const { segments, pieces } = await consumer.record()
    expect(segments).toHaveLength(2)
    expect(pieces[1]?.seam?.gapMs).toBeGreaterThan(AWAY_MS)
    expect([...consumer.tab.errors, ...second.tab.errors]).toEqual([])
  })
})
