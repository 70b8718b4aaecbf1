import { describe, expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { engineWorkers } from '../pages/tab.ts'

const STORY = 'Tell me a story about a fox and a lantern.'

// The GPU process crashes in `engine-loss.long.e2e.ts`.
describe('an answer whose engine dies in the middle', () => {
  it('goes on in the same tab when its worker crashes', async () => {
    await using network = await startNetwork()
    const { relay, browser } = network
    // A small share of the time: slow enough that there is a middle of the answer.
    const provider = await openProvider(browser, relay.url, { dutyPercent: 15 })
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask(STORY)
    await consumer.waitForWords(3)
    const engines = await engineWorkers(provider.page)
    expect(engines).toHaveLength(1)
    await engines[0]?.evaluate(() => {
      setTimeout(() => {
        throw new Error('a crash on purpose')
      })
    })
    await consumer.waitForState('done')
    // One tab, without a seam that its reader could see.
    expect((await consumer.record()).segments).toHaveLength(1)
    expect(await consumer.seams.count()).toBe(0)
    await provider.waitForState('live')
    await provider.waitForOffer()
    // Another worker, and the crash was this test's own.
    expect(provider.page.workers()).not.toContain(engines[0])
    await consumer.ask('What is 3 plus 4?')
    await consumer.waitForState('done')
  })
})
