import type { Page } from 'playwright'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { axeViolations } from '../fixtures/axe.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { fundPlayed, startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { installMockWallet, type MockWallet, type MockWalletInit } from '../wallet/mock-wallet.ts'

const DAY_SECONDS = 86_400
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const KEY = generatePrivateKey()
type Mocked = Window & { mockWallet: MockWallet }

async function open(network: MoneyNetwork, wallet?: MockWalletInit): Promise<WalletPage> {
  const tab = await openTab(network.browser, 'about:blank')
  if (wallet) await tab.page.addInitScript(installMockWallet, wallet)
  await tab.page.goto(new URL('/wallet', network.relay.url).href)
  const page = new WalletPage(tab)
  await page.ready()
  return page
}

async function pass(network: MoneyNetwork, seconds: number): Promise<void> {
  await network.control.increaseTime({ seconds })
  await network.control.mine({ blocks: 1 })
}

const answer = (page: Page, how: MockWallet['answer']): Promise<void> =>
  page.evaluate((wanted) => {
    ;(window as unknown as Mocked).mockWallet.answer = wanted
  }, how)
const asked = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => (window as unknown as Mocked).mockWallet.asked)

describe('a wallet', () => {
  it('is not needed where the network settles nowhere, and says so', async () => {
    await using network = await startNetwork()
    const { page, errors } = await openTab(network.browser, new URL('/wallet', network.relay.url).href)
    await page.getByRole('heading', { name: 'Answers are free here.' }).waitFor()
    expect(errors).toEqual([])
  })
})

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('money in a real browser (needs anvil)', () => {
  it('gets test money, deposits, revokes, stakes, unbonds and withdraws with the wallet in the tab', async () => {
    await using network = await startMoneyNetwork()
    const wallet = await open(network)
    const { page } = wallet
    expect(await wallet.amount('balance')).toBe(0)
    await page.getByTestId('faucet').click()
    await expect.poll(() => wallet.amount('balance'), { timeout: 30_000 }).toBe(1000)

    await page.getByTestId('add-deposit').click()
    await page.getByTestId('deposit-amount').fill('5000')
    await page.getByText('You have 1,000.00 INF. Enter that or less.').waitFor()
    await page.getByTestId('deposit-amount').fill('60')
    await page.getByTestId('deposit-go').click()
    await wallet.done()
    expect([await wallet.amount('balance'), await wallet.amount('free')]).toEqual([940, 57])
    await page.getByText('Can spend 60.00 INF more until').waitFor()
    expect(await page.getByTestId('strip-money').innerText()).toContain('940.00 INF')

    await page.reload()
    await wallet.ready()
    expect(await wallet.amount('free')).toBe(57)
    await page
      .getByTestId('entry-row')
      .filter({ hasText: 'Added to deposit' })
      .filter({ hasText: '−60.00 INF' })
      .waitFor()

    await page.getByTestId('revoke').click()
    await page.getByTestId('sure').click()
    await wallet.done()
    await page.getByTestId('allow-session').waitFor()

    await page.getByTestId('stake').click()
    await page.getByTestId('stake-amount').fill('150')
    await page.getByTestId('stake-go').click()
    await wallet.done()
    await page.getByText('150.00 INF staked').waitFor()
    await page.getByTestId('stake').click()
    await page.getByRole('tab', { name: 'Take back' }).click()
    await page.getByTestId('stake-amount').fill('50')
    await page.getByTestId('stake-go').click()
    await wallet.done()
    await page.getByText('50.00 INF unbonding').waitFor()

    await page.getByTestId('withdraw').click()
    await page.getByTestId('sure').click()
    await wallet.done()
    await page.getByText('60.00 INF on its way back').waitFor()
    await pass(network, 8 * DAY_SECONDS)
    await page.getByTestId('finish-withdrawal').click({ timeout: 15_000 })
    await wallet.done()
    await page.getByTestId('withdraw-stake').click()
    await wallet.done()
    expect([await wallet.amount('balance'), await wallet.amount('free')]).toEqual([900, 0])
    expect(wallet.tab.errors).toEqual([])
  })

  it('exports its key and imports another one, and loses neither', async () => {
    await using network = await startMoneyNetwork()
    const wallet = await open(network)
    const { page } = wallet
    const menu = page.getByTestId('wallet-menu')
    const first = await menu.innerText()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Export key' }).click()
    expect(await page.getByTestId('private-key').count()).toBe(0)
    await page.getByTestId('reveal-key').click()
    expect(await page.getByTestId('private-key').innerText()).toMatch(/^0x[0-9a-f]{64}$/)
    await page.getByRole('button', { name: 'Hide and close' }).click()

    await menu.click()
    await page.getByRole('menuitem', { name: 'Import key' }).click()
    await page.getByTestId('import-key').fill('not a key')
    await page.getByTestId('import-go').click()
    await page.getByText('This is not a private key.').waitFor()
    await page.getByTestId('import-key').fill(KEY)
    await page.getByTestId('import-go').click()
    const { address } = privateKeyToAccount(KEY)
    await expect.poll(() => menu.innerText()).toContain(address.slice(-4))
    await menu.click()
    await page.getByRole('menuitem', { name: `Use ${first}` }).click()
    await expect.poll(() => menu.innerText()).toBe(first)
  })

  it.each([true, false])(
    'deposits with an injected wallet, rejections and another chain on the way (batches: %s)',
    async (canBatch) => {
      await using network = await startMoneyNetwork()
      const { address } = privateKeyToAccount(generatePrivateKey())
      await fundPlayed(network, address)
      const { chainId } = network.network
      const wallet = await open(network, {
        ...{ rpcUrl: network.rpcUrl, address, chainId: 1, nodeChainId: chainId },
        ...{ name: 'Mock Wallet', canBatch, knows: [1] },
      })
      const { page } = wallet
      await page.getByTestId('wallet-menu').click()
      await page.getByRole('menuitem', { name: 'Connect another wallet' }).click()
      const listed = page.getByTestId('injected').filter({ hasText: 'Mock Wallet' })
      await answer(page, 'reject')
      await listed.click()
      await page.getByRole('dialog').getByText('You declined the signature.').waitFor()
      await answer(page, 'approve')
      await listed.click()
      await page.locator('[data-code="wallet.wrong-chain"]').waitFor()
      await page.getByRole('button', { name: 'Switch chain' }).click()
      await page.locator('[data-code="wallet.wrong-chain"]').waitFor({ state: 'detached' })
      await expect.poll(() => wallet.amount('balance')).toBe(1000)

      await answer(page, 'reject')
      await wallet.deposit('20')
      expect(await wallet.failed()).toBe('wallet.rejected')
      expect(await wallet.amount('balance')).toBe(1000)
      await answer(page, 'approve')
      const before = (await asked(page)).length
      await wallet.act.getByRole('button', { name: 'Sign again' }).click()
      await wallet.done()
      const approvals = (await asked(page)).slice(before)
      expect(approvals).toEqual(
        canBatch ? ['wallet_sendCalls'] : ['eth_sendTransaction', 'eth_sendTransaction'],
      )
      expect([await wallet.amount('balance'), await wallet.amount('free')]).toEqual([980, 19])

      await page.getByTestId('revoke').click()
      await page.getByTestId('sure').click()
      await wallet.done()
      await answer(page, 'reject')
      await page.getByTestId('withdraw').click()
      await page.getByTestId('sure').click()
      expect(await wallet.failed()).toBe('wallet.rejected')
      await answer(page, 'approve')
      await wallet.act.getByRole('button', { name: 'Sign again' }).click()
      await wallet.done()
      await page.getByTestId('cancel-withdrawal').waitFor()

      await page.reload()
      await wallet.ready()
      await expect.poll(() => page.getByTestId('wallet-menu').innerText()).toContain(address.slice(-4))
      expect(await asked(page), 'a wallet that knows the page is not asked again').toEqual([])
    },
  )

  it.each(['light', 'dark'] as const)(
    'passes the accessibility checks of axe in the %s theme, wide and on a phone, dialogs too',
    async (colorScheme) => {
      await using network = await startMoneyNetwork()
      for (const size of [{ viewport: { width: 1280, height: 900 } }, PHONE]) {
        const context = { ...size, colorScheme, reducedMotion: 'reduce' } as const
        const tab = await openTab(network.browser, new URL('/wallet', network.relay.url).href, { context })
        const { page } = tab
        const wallet = new WalletPage(tab)
        await wallet.ready()
        const check = async (what: string): Promise<void> => {
          expect(await axeViolations(page), `${what} ${colorScheme}`).toEqual([])
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          expect(overflow, `${what} is wider than the screen`).toBeLessThanOrEqual(0)
        }
        await check('a new wallet')
        await page.getByTestId('faucet').click()
        await page.getByTestId('receive').waitFor()
        for (const [opener, what] of [
          ['add-deposit', 'deposit'],
          ['receive', 'receive'],
          ['send-money', 'send'],
          ['stake', 'stake'],
        ] as const) {
          await page.getByTestId(opener).click()
          await check(what)
          await page.keyboard.press('Escape')
        }
        await wallet.deposit('60')
        await page.locator('[data-testid=act][data-stage=mined]').waitFor({ state: 'attached' })
        await check('after a deposit')
        await wallet.done()
        await page.getByTestId('wallet-menu').click()
        await page.getByRole('menuitem', { name: 'Connect another wallet' }).click()
        await check('connect')
        await page.keyboard.press('Escape')
        await tab.close()
      }
    },
  )

  it('keeps the last figures when the chain falls silent, marks them, and comes back', async () => {
    await using network = await startMoneyNetwork()
    const wallet = await open(network)
    const { page } = wallet
    const silent = (url: URL): boolean =>
      url.pathname === '/rpc' || url.origin === new URL(network.rpcUrl).origin
    await page.route(silent, (route) => route.abort())
    await page.getByTestId('stale').waitFor({ timeout: 30_000 })
    expect(await wallet.amount('balance')).toBe(0)
    await page.unroute(silent)
    await page.getByTestId('stale').getByRole('button', { name: 'Try now' }).click()
    await page.getByTestId('stale').waitFor({ state: 'detached' })
  })
})
