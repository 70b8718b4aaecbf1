import { describe, expect, it } from 'vitest'
import { costOf } from '#shared/prompt/cost.ts'
import { PREPAID_PROMPT_TOKENS } from '#shared/stream/constants.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { WalletPage } from '../pages/wallet-page.ts'

/** Longer than what is read before it is paid for, and short enough to be seen whole. */
const LONG = 'Tell me a story about a fox and a lantern. '.repeat(26).trim()

// npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('an answer to a long prompt that is stopped (needs anvil)', () => {
  it('before its first block costs the prompt, and the same provider answers the next three', async () => {
    await using network = await startMoneyNetwork()
    const provider = await openProvider(network.browser, network.relay.url, { dutyPercent: 8 })
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask(LONG)
    await consumer.waitForState('answering')
    await consumer.stop()
    const stopped = await consumer.record()
    const [segment, ...others] = stopped.segments
    expect(others).toEqual([])
    expect(segment?.signedTokens, 'it was stopped within the first block').toBe(0)
    expect(stopped.due).toBeGreaterThanOrEqual(costOf(segment!.price, PREPAID_PROMPT_TOKENS + 1, 0))
    expect(segment).toMatchObject({ due: stopped.due, paid: stopped.due })

    for (let answers = 1; answers <= 3; answers++) {
      await consumer.ask(LONG)
      await consumer.waitForState('done')
      const { due, segments } = await consumer.record()
      expect(segments.map(({ paid, provider: by }) => [paid, by])).toEqual([[due, segment!.provider]])
    }
    const wallet = await WalletPage.from(consumer.tab)
    await expect.poll(() => wallet.page.getByText('Answer, Infernet Tiny').count()).toBe(4)
    expect([...consumer.tab.errors, ...provider.tab.errors]).toEqual([])
  })
})
