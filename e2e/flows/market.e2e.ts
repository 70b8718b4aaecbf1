import { parseEther, type Address } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { readerOf } from '../chain/paid-lines.ts'
import { expectedShares } from '../chain/settlement.ts'
import { passDays, startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { answer, asked, openTabWith, playWallet } from '../fixtures/played-wallet.ts'
import { AskPage } from '../pages/ask-page.ts'
import { ProvidePage } from '../pages/provide-page.ts'
import { WalletPage } from '../pages/wallet-page.ts'

type Kind = 'tab' | 'injected'

const THOUSAND = parseEther('1000')
const SETTLED = { timeout: 30_000 }
/** Dear enough that one answer brings more than the gas of its claim, and still below what a tab pays for one. */
const PRICE = { 'infernet.provide.price': '20' }

/** Somebody with a tab, a wallet and a thousand INF. */
interface Party {
  readonly kind: Kind
  readonly address: Address
  readonly wallet: WalletPage
}

async function join(
  network: MoneyNetwork,
  kind: Kind,
  settings: Record<string, string> = {},
): Promise<Party> {
  const played = kind === 'injected' ? await playWallet(network) : undefined
  const url = new URL('/wallet', network.relay.url).href
  const wallet = new WalletPage(await openTabWith(network.browser, url, played, { settings }))
  await wallet.ready()
  if (played) await wallet.connect(played.name)
  else await wallet.getTestMoney()
  await expect.poll(() => wallet.amount('balance'), SETTLED).toBe(1000)
  return { kind, wallet, address: await wallet.address() }
}

/**
 * Does it and waits until it is in a block. A person with a wallet of their own declines at first, which moves nothing
 * of what `figure` reads from the chain.
 */
async function act({ kind, wallet }: Party, press: () => Promise<unknown>, figure: () => Promise<unknown>) {
  if (kind === 'injected') {
    const before = await figure()
    await answer(wallet.page, 'reject')
    await press()
    expect(await wallet.failed()).toBe('wallet.rejected')
    expect(await figure()).toEqual(before)
    await answer(wallet.page, 'approve')
    await wallet.act.getByRole('button', { name: 'Sign again' }).click()
  } else await press()
  await wallet.done()
}

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('a market of two tabs (needs anvil)', () => {
  // The relay has a share in each claim, and makes none. Both pairs are strangers to each other.
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork({ hasRelayKey: true, args: ['--carry-claims', 'off'] })
  })
  afterAll(() => network[Symbol.asyncDispose]())

  it.each(['tab', 'injected'] as const)(
    'deposits, asks, pays, lends, claims, stakes, unbonds and withdraws with both wallets of the kind: %s',
    async (kind) => {
      const { relay, rpcUrl } = network
      const chain = readerOf(rpcUrl, network.network)
      const payer = await join(network, kind)
      const payee = await join(network, kind, PRICE)
      const lines = async () => (await chain.lines()).filter((line) => line.payer === payer.address)

      await payer.wallet.page.getByTestId('add-deposit').click()
      await payer.wallet.page.getByTestId('deposit-amount').fill('5000')
      await payer.wallet.page.getByText('You have 1,000.00 INF. Enter that or less.').waitFor()
      await payer.wallet.page.keyboard.press('Escape')
      await act(
        payer,
        () => payer.wallet.deposit('60'),
        () => chain.depositOf(payer.address),
      )
      expect(await chain.account(payer.address)).toMatchObject({
        ...{ balance: parseEther('57'), bond: parseEther('3'), epoch: 0, withdrawAt: 0 },
      })
      expect([await payer.wallet.amount('balance'), await payer.wallet.amount('free')]).toEqual([940, 57])
      await payer.wallet.page.getByText('Can spend 60.00 INF more until').waitFor()
      await expect(payer.wallet.page.getByTestId('strip-money').innerText()).resolves.toContain('940.00 INF')

      await payee.wallet.page.goto(new URL('/provide?lend=1&backend=wasm', relay.url).href)
      const provider = new ProvidePage(payee.wallet.tab)
      await provider.waitForState('live')
      await provider.waitForOffer()
      const consumer = new AskPage(payer.wallet.tab)
      const questions = kind === 'injected' ? await asked(consumer.page) : []
      if (kind === 'injected') await answer(consumer.page, 'reject') // from here on the session signs
      await consumer.page.getByRole('link', { name: 'Infernet, to Ask' }).click()
      await consumer.waitForProvider()
      await consumer.ask('What does a relay do?')
      await consumer.waitForState('done')
      const { due, segments } = await consumer.record()
      expect(due).toBeGreaterThan(0n)
      expect(segments.map(({ paid }) => paid)).toEqual([due])
      if (kind === 'injected') expect(await asked(consumer.page), 'nobody is asked to pay').toEqual(questions)
      const signed = kind === 'injected' ? 'signed, not claimed' : 'signed by both'
      await WalletPage.from(payer.wallet.tab)
      await payer.wallet.entry('Answer, Infernet Tiny', signed).waitFor()

      await WalletPage.from(payee.wallet.tab)
      await payee.wallet.entry('Your GPU answered', 'to claim').waitFor()
      expect(await lines(), 'one answer is not worth a claim while more may come').toEqual([])
      await payee.wallet.page.locator('a[href="./provide"]:visible').first().click()
      await provider.page.getByTestId('drain').click()
      await provider.waitForState('ended')
      await WalletPage.from(payee.wallet.tab)
      const claimed = async () => (await lines()).map((line) => [line.provider, line.claimed])
      // The tab's own wallet claims when providing ends; another one is asked, and the page says what for.
      if (kind === 'injected')
        await act(payee, () => payee.wallet.page.getByTestId('claim-now').click(), claimed)
      await expect.poll(claimed, SETTLED).toEqual([[payee.address, due]])
      expect(await chain.depositOf(payer.address)).toBe(parseEther('57') - due)
      const { provider: share } = expectedShares(due, { royaltyBps: 0, isCarried: false })
      await expect.poll(() => chain.balanceOf(payee.address), SETTLED).toBe(THOUSAND + share)
      await payee.wallet.entry('Payers', 'Claimed').waitFor()
      await payee.wallet.entry('Your GPU answered', 'claimed').waitFor()
      await expect.poll(() => payee.wallet.amount('to-claim'), SETTLED).toBe(0)

      const stakeOf = () => chain.stakeOf(payee.address)
      await act(payee, () => payee.wallet.changeStake('first', '150'), stakeOf)
      expect(await stakeOf()).toMatchObject({ stake: parseEther('150'), unbonding: 0n })
      await payee.wallet.changeStake('Take back', '50')
      await payee.wallet.done()
      expect(await stakeOf()).toMatchObject({ stake: parseEther('100'), unbonding: parseEther('50') })
      await payee.wallet.page.getByText('50.00 INF unbonding').waitFor()

      const account = () => chain.account(payer.address)
      await act(payer, () => payer.wallet.sure('withdraw'), account)
      expect((await account()).withdrawAt).toBeGreaterThan(0)
      await payer.wallet.page.getByText('on its way back').waitFor()
      await passDays(network, 8)
      await act(payer, () => payer.wallet.page.getByTestId('finish-withdrawal').click(SETTLED), account)
      expect(await account()).toEqual({ balance: 0n, bond: 0n, epoch: 1, withdrawAt: 0 })
      expect(await chain.balanceOf(payer.address)).toBe(THOUSAND - due)
      await act(payee, () => payee.wallet.page.getByTestId('withdraw-stake').click(SETTLED), stakeOf)
      expect(await stakeOf()).toMatchObject({ stake: parseEther('100'), unbonding: 0n, unbondAt: 0 })
      expect(await chain.balanceOf(payee.address)).toBe(THOUSAND + share - parseEther('100'))
      expect([...payer.wallet.tab.errors, ...payee.wallet.tab.errors]).toEqual([])
    },
  )
})
