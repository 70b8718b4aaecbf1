import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatEther, parseEther, type Address } from 'viem'
import { describe, expect, it } from 'vitest'
import { amountToBytes } from '#shared/base/bytes.ts'
import { baseUnits } from '#shared/base/units.ts'
import { defaultsOf } from '#shared/client/model-defaults.ts'
import { costOf } from '#shared/prompt/cost.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { readerOf } from '../chain/paid-lines.ts'
import {
  expectedShares,
  expectedSharesOf,
  publishModel,
  readSupply,
  waitForSettlement,
} from '../chain/settlement.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'
import { providedManifest, providedModel } from '../fixtures/lent-model.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import type { AskPage } from '../pages/ask-page.ts'
import { WalletPage } from '../pages/wallet-page.ts'

const QUESTION = 'What does a relay do?'
const CARRYING = { hasRelayKey: true, args: ['--carry-worth', '0', '--carry-every-seconds', '1'] }
const SETTLED = { timeout: 30_000 }

/** What the answer cost; every block of it is paid. */
async function paidFor(consumer: AskPage): Promise<bigint> {
  await consumer.waitForState('done')
  const { due, segments } = await consumer.record()
  expect(due).toBeGreaterThan(0n)
  expect(segments.map(({ paid }) => paid)).toEqual([due])
  return due
}

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

  it('is paid out to a tab that was closed for good, by its relay, and to all by their shares', async () => {
    await using network = await startMoneyNetwork(CARRYING)
    const { browser, relay, rpcUrl, control } = network
    const chain = readerOf(rpcUrl, network.network)
    const publisher = await publishModel(
      network.chain,
      `0x${await providedModel(relay.url)}`,
      'infernet/tiny',
    )
    const supplyBefore = await readSupply(network.chain)
    // Its relay can't pay the gas of a claim as long as the tab is open, nor can the tab itself.
    const carrier = await payeeOf(relay.url)
    await control.setBalance({ address: carrier, value: 0n })
    const provider = await openProvider(browser, relay.url)
    const consumer = await openConsumer(browser, relay.url)
    await consumer.ask(QUESTION)
    const due = await paidFor(consumer)
    await expect.poll(() => isLeft(relay.dataFolder, due), SETTLED).toBe(true)
    expect(await chain.lines(), 'nothing is claimed yet').toEqual([])
    await provider.tab.close()
    expect(await chain.lines(), 'nor when the tab is gone').toEqual([])
    await control.setBalance({ address: carrier, value: parseEther('1') })

    await expect.poll(async () => (await chain.lines()).map(({ claimed }) => claimed), SETTLED).toEqual([due])
    // Provider, publisher, relay, treasury and what is burned, to the last unit.
    const settlement = await waitForSettlement(network.chain, { publisher, supplyBefore, due })
    const { claimed, moved } = settlement
    expect([claimed, moved]).toEqual([due, expectedSharesOf(settlement)])
    expect(Object.values(moved).reduce((sum, part) => sum + part)).toBe(due)
  })

  it('does not come where there is no money and no faucet; the page says so and leads to the wallet', async () => {
    await using network = await startMoneyNetwork({ hasFaucet: false })
    await openProvider(network.browser, network.relay.url)
    const consumer = await openConsumer(network.browser, network.relay.url)
    await consumer.ask(QUESTION)
    await expect(consumer.waitForState('done')).rejects.toThrow('faucet.none')
    const panel = consumer.page.getByTestId('error-panel')
    expect(await panel.innerText()).toContain('This relay gives no test money away.')
    await panel.getByRole('link', { name: 'Open the Wallet page' }).click()
    await new WalletPage(consumer.tab).ready()
  })
})

/** The account that the relay is paid at, and claims by. */
async function payeeOf(url: string): Promise<Address> {
  const { payee } = (await (await fetch(new URL('/network.json', url))).json()) as { payee: Address }
  return payee
}

/** Whether the relay has a voucher of that amount on its disk. */
async function isLeft(dataFolder: string, amount: bigint): Promise<boolean> {
  const wanted = Buffer.from(amountToBytes(baseUnits(amount)))
  const folder = join(dataFolder, 'claims')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const kept = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.alloc(0))))
  return kept.some((bytes) => bytes.includes(wanted))
}
