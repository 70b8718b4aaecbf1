import { formatEther, parseEther } from 'viem'
import { describe, expect, it } from 'vitest'
import { defaultsOf } from '#shared/client/model-defaults.ts'
import { costOf } from '#shared/prompt/cost.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { readerOf } from '../chain/paid-lines.ts'
import { expectedShares } from '../chain/settlement.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'
import { providedManifest } from '../fixtures/lent-model.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { paidFor, QUESTION, SETTLED } from '../fixtures/paid-answer.ts'
import type { AskPage } from '../pages/ask-page.ts'
import { WalletPage } from '../pages/wallet-page.ts'

/** What the page said before and says after, against the prices of the offer and the record of the answer. */
async function expectCosts(consumer: AskPage, estimate: string, answerTokens: number): Promise<void> {
  const { due, segments } = await consumer.record()
  const [about, most] = figuresIn(estimate)
  expect(estimate).toMatch(/^About \S+ INF, at most \S+ INF/)
  const price = segments[0]!.price
  const prompt = Math.ceil(QUESTION.length / 4)
  expectShown(about, costOf(price, prompt, Math.ceil(answerTokens / 2)))
  expectShown(most, costOf(price, prompt, answerTokens), { isAtMost: true })
  const cost = await consumer.cost()
  expect(cost).toMatch(/^\S+ INF$/)
  expectShown(figuresIn(cost)[0], due)
  expect(Number(formatEther(due)), 'it was no more than was said').toBeLessThanOrEqual(most!)
}

function figuresIn(words: string): readonly number[] {
  return [...words.matchAll(/([\d.]+) INF/g)].map(([, figure]) => Number(figure))
}

/** Two digits are shown; the rest is cut off, or rounded up where more must never be paid. */
function expectShown(figure: number | undefined, exact: bigint, { isAtMost = false } = {}): void {
  const unit = 10n ** BigInt(Math.max(0, String(exact).length - 2))
  const whole = (exact + (isAtMost ? unit - 1n : 0n)) / unit
  expect(figure).toBe(Number(formatEther(whole * unit)))
}

// `paid.long.e2e.ts` has a tab that was closed for good, and a network without money.
// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('an answer that is paid for (needs anvil)', () => {
  it('is paid by a new tab that readies its wallet by itself, and claimed by the tab that wrote it', async () => {
    await using network = await startMoneyNetwork({ hasRelayKey: true, args: ['--carry-claims', 'off'] })
    const { browser, relay, rpcUrl } = network
    const chain = readerOf(rpcUrl, network.network)
    const provider = await openProvider(browser, relay.url)
    const consumer = await openConsumer(browser, relay.url)
    const waits = await consumer.noteWaits()
    const estimate = await consumer.estimateOf(QUESTION)
    await consumer.ask(QUESTION)
    const due = await paidFor(consumer)
    const { answerTokens } = defaultsOf(await providedManifest(relay.url))
    await expectCosts(consumer, estimate, answerTokens)
    expect(await waits()).toEqual(
      expect.arrayContaining(['Getting test INF', 'Making a deposit of 20 test INF']),
    )

    await consumer.page.setViewportSize({ width: 360, height: 740 })
    await consumer.page.getByTestId('slip').locator('summary').click()
    const overflow = await consumer.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow, 'the receipt is wider than a phone').toBeLessThanOrEqual(0)
    await consumer.page.setViewportSize({ width: 1280, height: 720 })

    const { price } = (await consumer.record()).segments[0]!
    const spent = await WalletPage.from(consumer.tab)
    const block = /One block of 32 tokens, ([\d.]+) INF/.exec(await spent.page.locator('main').innerText())
    expectShown(Number(block?.[1]), costOf(price, 0, 32))
    await expect.poll(() => spent.amount('free'), SETTLED).toBe(18.99) // cut: 19 less what was signed
    expect(await spent.amount('balance')).toBe(980)
    await spent.entry('Answer, Infernet Tiny', 'signed by both').waitFor()
    await spent.entry('Test money received', '+1,000.00 INF').waitFor()

    const earned = await WalletPage.from(provider.tab)
    const { provider: share } = expectedShares(due, { royaltyBps: 0, isCarried: false })
    await earned.entry('Your GPU answered', 'to claim').waitFor()
    // Shown with two digits, the rest cut off.
    await expect.poll(() => earned.amount('to-claim')).toBeGreaterThan(0.9 * Number(formatEther(share)))
    expect(await earned.amount('to-claim')).toBeLessThanOrEqual(Number(formatEther(share)))
    expect(await chain.lines(), 'nobody has claimed anything').toEqual([])
    await earned.page.getByTestId('claim').click()
    expect(await earned.failed(), 'a new wallet cannot pay the fee').toBe('wallet.no-gas')
    await earned.act.getByRole('button', { name: 'Get test money' }).click()
    await earned.page.locator('[data-testid=act][data-stage=mined]').waitFor({ state: 'attached' })
    await earned.done()
    const [line, ...others] = await chain.lines()
    expect([line?.claimed, others]).toEqual([due, []])
    await expect.poll(() => chain.balanceOf(line!.provider), SETTLED).toBe(parseEther('1000') + share)
    await expect.poll(() => earned.amount('to-claim'), SETTLED).toBe(0)
    await earned.entry('Payers', 'Claimed').waitFor()
    await earned.entry('Your GPU answered', 'claimed').waitFor()
    await spent.entry('Answer, Infernet Tiny', 'claimed').waitFor() // the payer sees it on the chain as well
    expect([...consumer.tab.errors, ...provider.tab.errors]).toEqual([])
  })
})
