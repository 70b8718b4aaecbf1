import { describe, expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'

const SLOW = { dutyPercent: 10 }
const STORY = 'Tell me a story about a fox and a lantern.'
describe('an answer that breaks off', () => {
  it('is continued after it was stopped and the page loaded again, and keeps each word that was there', async () => {
    await using network = await startNetwork()
    const provider = await openProvider(network.browser, network.relay.url, SLOW)
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask(STORY)
    await consumer.waitForWords(5)
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
})
