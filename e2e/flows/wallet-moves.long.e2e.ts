import { parseEther } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { balanceOf, ODD, openOddTab, PATIENCE, setAccounts, setMode, standsFor } from '../wallet/odd-tab.ts'

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('what changes under an act (needs anvil)', () => {
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  })
  afterAll(() => network[Symbol.asyncDispose]())

  it('stays with the account that an act began with when the wallet changes it meanwhile', async () => {
    const { wallet, first, second } = await openOddTab(network)
    await wallet.connect(ODD.name)
    await standsFor(wallet, first)
    await setMode(wallet.page, 'switch-account')
    await wallet.deposit('20') // two approvals: the account is another one after the first
    expect(await wallet.failed()).toBe('wallet.other-account')
    await standsFor(wallet, second)
    expect(await wallet.page.getByTestId('act-account').innerText()).toContain(first.slice(-4))
    expect([await balanceOf(network, first), await balanceOf(network, second)]).toEqual([
      parseEther('1000'),
      parseEther('1000'),
    ])
    expect(await wallet.entry('Added to deposit').count(), 'it is of the other account').toBe(0)

    // What it advises: the first account again.
    await setMode(wallet.page, '')
    await setAccounts(wallet.page, [first, second])
    await standsFor(wallet, first)
    await wallet.page.locator('[data-code="wallet.cause-gone"]').waitFor()
    await wallet.act.getByRole('button', { name: 'Try again' }).click()
    await wallet.done()
    await wallet.entry('Added to deposit', 'confirmed').waitFor()
    expect([await balanceOf(network, first), await balanceOf(network, second)]).toEqual([
      parseEther('980'),
      parseEther('1000'),
    ])
    await wallet.tab.close()
  })

  it('sees that a wallet has changed its chain, however late and though it does not tell', async () => {
    const { wallet, first } = await openOddTab(network, { chainId: 1, style: 'no-on' })
    await wallet.connect(ODD.name)
    await standsFor(wallet, first)
    await setMode(wallet.page, 'switch-late')
    const wrong = wallet.page.locator('[data-code="wallet.wrong-chain"]')
    await wallet.page.getByRole('button', { name: 'Switch chain' }).first().click()
    await expect.poll(() => wrong.count(), PATIENCE).toBe(0)
    await wallet.tab.close()
  })
})
