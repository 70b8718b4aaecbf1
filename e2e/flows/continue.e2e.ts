import { describe, expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import type { AskPage } from '../pages/ask-page.ts'

const SLOW = { dutyPercent: 10 }
const STORY = 'Tell me a story about a fox and a lantern.'
/** Longer than eight looks with a second between them, after which an answer once gave up. */
const AWAY_MS = 15_000

describe('an answer that breaks off', () => {
  it('is continued after it was stopped and the page loaded again, and keeps each word that was there', async () => {
    await using network = await startNetwork()
    const provider = await openProvider(network.browser, network.relay.url, SLOW)
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask(STORY)
    await waitForWords(consumer, 5)
    await consumer.stop()
    const before = await consumer.record()
    expect(before.continuation?.tokens).toHaveLength(before.tokens)
    const said = await consumer.text()

    await consumer.page.reload()
    await consumer.page.getByRole('complementary').getByText(STORY).click()
    await consumer.waitForProvider()
    await consumer.page.getByTestId('continue').click()
    await consumer.waitForState('answering')
    await consumer.waitForState('done')
    expect(await consumer.text()).toMatch(
      new RegExp(`^${said.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
    )
    const whole = await consumer.record()
    expect(whole.tokens).toBeGreaterThan(before.tokens)
    expect(whole.segments.map(({ from }) => from)).toEqual([0, before.tokens])
    expect(whole.continuation).toBeUndefined()
    expect(await consumer.page.getByTestId('continue').count()).toBe(0)
    expect([...consumer.tab.errors, ...provider.tab.errors]).toEqual([])
  })

  it('waits for the next provider as long as it takes, says so, and goes on where it was', async () => {
    await using network = await startNetwork()
    const { browser, relay } = network
    const first = await openProvider(browser, relay.url, SLOW)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask(STORY)
    await waitForWords(consumer, 5)
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

async function waitForWords(consumer: AskPage, count: number): Promise<void> {
  await consumer.waitForState('answering')
  await expect
    .poll(async () => (await consumer.text()).split(' ').length, { timeout: 30_000 })
    .toBeGreaterThan(count)
}
