import type { BrowserContext } from 'playwright'
import { expect, it } from 'vitest'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'

/** A profile on a computer whose clock is off by so much. */
function clockOffBy(offMs: number): (profile: BrowserContext) => Promise<unknown> {
  return (profile) =>
    profile.addInitScript((off) => {
      const right = Date.now
      Date.now = () => right() + off
    }, offMs)
}

it.each([
  { asker: -120_000, provider: 90_000, words: 'This computer’s clock is 2 minutes behind the relay’s.' },
  { asker: 120_000, provider: -90_000, words: 'This computer’s clock is 2 minutes ahead of the relay’s.' },
])(
  'tabs with clocks off by $asker and $provider ms find each other, and say that the clock is off',
  async ({ asker, provider, words }) => {
    await using network = await startNetwork()
    const { browser, relay } = network
    await openProvider(browser, relay.url, { prepare: clockOffBy(provider) })
    const consumer = await openConsumer(browser, relay.url, { prepare: clockOffBy(asker) })
    expect(await consumer.page.getByTestId('clock-note').innerText()).toContain(words)
    await consumer.ask('What is a relay?')
    await consumer.waitForState('done')
    expect((await consumer.record()).segments).toMatchObject([{ kind: 'tab' }])
  },
)
