import type { Page, Route } from 'playwright'
import { parseEther, toFunctionSelector } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { fetchThrough } from '../fixtures/fetch-through.ts'
import { openTab } from '../fixtures/browser.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { withLie } from '../wallet/lying-node.ts'

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('a wallet at its edges (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  })
  afterAll(() => network[Symbol.asyncDispose]())

  const isNode = (url: URL): boolean =>
    url.pathname === '/rpc' || url.origin === new URL(network.rpcUrl).origin

  /** The wallet's page, in a tab that was made ready first. */
  async function openAfter(prepare: (page: Page) => Promise<unknown>): Promise<WalletPage> {
    const tab = await openTab(network.browser, 'about:blank')
    await prepare(tab.page)
    await tab.page.goto(new URL('/wallet', network.relay.url).href)
    return new WalletPage(tab)
  }

  it('says so while slow nodes are waited for, passes over those that are too slow, and comes back', async () => {
    const held: Route[] = []
    let isSlow = true
    const release = async (): Promise<void> => {
      isSlow = false
      await Promise.all(held.splice(0).map((route) => route.continue().catch(() => undefined)))
    }
    const wallet = await openAfter(async (page) => {
      await page.clock.install()
      await page.route(isNode, (route) => (isSlow ? void held.push(route) : route.continue()))
    })
    const { page } = wallet
    await page.getByText('Reading the chain.').first().waitFor()
    await expect.poll(() => held.length).toBeGreaterThan(0)
    await release()
    await wallet.ready()
    isSlow = true
    for (const origin of [network.relay.url, network.rpcUrl]) {
      const isHeld = (): boolean => held.some((route) => route.request().url().startsWith(origin))
      await expect.poll(isHeld).toBe(true)
      await page.clock.fastForward(7000)
    }
    await page.getByTestId('stale').getByText('No node of the chain answers.').waitFor()
    expect(await wallet.amount('balance')).toBe(0)
    await release()
    await page.clock.fastForward(6000)
    await page.getByTestId('stale').waitFor({ state: 'detached' })
    await wallet.tab.close()
  })

  it('names a relay that tells the true block and a false balance', async () => {
    const [main] = network.network.escrows
    const lie = { to: main!.asset, selector: toFunctionSelector('balanceOf(address)'), more: parseEther('7') }
    const wallet = await openAfter((page) =>
      page.route('**/rpc', async (route) => {
        const response = await fetchThrough(route)
        if (!response) return
        const asked = route.request().postData() ?? ''
        await route.fulfill({ response, body: withLie(lie, asked, await response.text()) })
      }),
    )
    const { page } = wallet
    await page.getByTestId('stale').getByText('Two nodes of the chain disagree about your money').waitFor()
    expect(await wallet.amount('balance'), 'it is shown, and marked').toBe(7)
    expect(await page.getByTestId('strip-money').innerText()).toContain('unconfirmed')
    await page.unroute('**/rpc')
    await page.getByTestId('stale').getByRole('button', { name: 'Try now' }).click()
    await page.getByTestId('stale').waitFor({ state: 'detached' })
    expect(await wallet.amount('balance')).toBe(0)
    await wallet.tab.close()
  })

  it('invites no deposit of an asset that no answer is paid in', async () => {
    const wallet = await openAfter(async () => undefined)
    await wallet.ready()
    const { page } = wallet
    const [main, coin] = network.network.escrows.map(({ symbol }) => symbol)
    await page.getByTestId('add-deposit').waitFor()
    await page.getByRole('group', { name: 'Asset' }).getByRole('button', { name: coin! }).click()
    await page.getByText(`Answers are paid in ${main} alone`).waitFor()
    for (const testid of ['add-deposit', 'allow-session'])
      expect(await page.getByTestId(testid).count()).toBe(0)
    expect(await page.getByTestId('withdraw').count(), 'what is there can be had back').toBe(1)
    await wallet.tab.close()
  })

  it('says when no block takes a transaction, and sends it for a higher fee when told so', async () => {
    const { control } = network
    const wallet = await openAfter((page) =>
      page.addInitScript(() => {
        // Time goes on from where the test puts it; timers stay what they are.
        const now = performance.now.bind(performance)
        Object.assign(window, { e2eLater: 0 })
        performance.now = () => now() + (window as unknown as { e2eLater: number }).e2eLater
      }),
    )
    await wallet.ready()
    const { page } = wallet
    await page.getByTestId('faucet').click()
    await expect.poll(() => wallet.amount('balance'), { timeout: 30_000 }).toBe(1000)
    await control.setAutomine(false)
    await control.setIntervalMining({ interval: 0 })
    const waiting = async () => {
      const { pending } = await control.getTxpoolContent()
      return Object.values(pending).flatMap((of) => Object.values(of))
    }
    const at = (stage: string) => page.locator(`[data-testid=act][data-stage=${stage}]`)
    await wallet.deposit('60')
    await at('sent').waitFor({ state: 'attached' })
    await expect.poll(async () => (await waiting()).length).toBe(1)
    const [first] = await waiting()
    await page.evaluate(() => Object.assign(window, { e2eLater: 120_000 }))
    await at('stuck').waitFor({ state: 'attached' })
    expect(await wallet.act.innerText()).toContain('Adding to the deposit: not confirmed yet.')
    await wallet.act.getByRole('button', { name: 'Send it for a higher fee' }).click()
    await expect.poll(async () => (await waiting())[0]?.hash).not.toBe(first?.hash)
    const [second, ...others] = await waiting()
    expect(others).toEqual([])
    expect(BigInt(second!.maxFeePerGas!)).toBeGreaterThan(BigInt(first!.maxFeePerGas!))
    await at('sent').waitFor({ state: 'attached' })

    await control.mine({ blocks: 1 })
    await at('mined').waitFor({ state: 'attached' })
    expect(await wallet.act.innerText()).toMatch(/Added to deposit\..*Confirmed\. The network fee was/s)
    await wallet.done()
    expect([await wallet.amount('balance'), await wallet.amount('free')]).toEqual([940, 57])
    await wallet.entry('Added to deposit', '−60.00 INF', 'confirmed').waitFor()
    expect(await wallet.entry('Added to deposit').count(), 'one deposit, however often it was sent').toBe(1)
    expect(wallet.tab.errors).toEqual([])
    await wallet.tab.close()
  })
})
