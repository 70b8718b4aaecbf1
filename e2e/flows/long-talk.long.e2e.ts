import { expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer } from '../fixtures/network.ts'

it('the page drops the oldest turns when a conversation outgrows the model, says so, and goes on', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'on'] })
  const consumer = await openConsumer(network.browser, network.relay.url)
  for (const animal of ['fox', 'owl', 'bear', 'otter', 'frog', 'swan']) {
    await consumer.ask(`Tell me a story about a ${animal} and a lantern.`)
    await consumer.waitForState('done')
    expect(await consumer.text()).toContain(animal)
  }
  expect((await consumer.record()).droppedTurns).toBeGreaterThan(0)
  await consumer.page.getByTestId('forgotten').last().waitFor()
})
