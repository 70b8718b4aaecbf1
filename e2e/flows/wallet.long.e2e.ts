import { encodeFunctionData, parseEther, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { fromHex, toHex } from '#shared/base/bytes.ts'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import { signVoucher } from '#shared/settle/voucher.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { readerOf } from '../chain/paid-lines.ts'
import { passDays, sendAs, startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { openWallet } from '../fixtures/open-wallet.ts'
import { answer, asked, playWallet } from '../fixtures/played-wallet.ts'

const KEY = generatePrivateKey()
const NOBODY = privateKeyToAccount(generatePrivateKey()).address
const ZERO = `0x${'0'.repeat(40)}`

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('money in a real browser (needs anvil)', () => {
  // One network for all: each test is a stranger to the others.
  let network: MoneyNetwork
  beforeAll(async () => {
    network = await startMoneyNetwork()
  }, 60_000)
  afterAll(() => network[Symbol.asyncDispose]())

  it('deposits with an injected wallet of one call at a time, that stands on another chain and is declined', async () => {
    const played = await playWallet(network, { chainId: 1, knows: [1], canBatch: false })
    const wallet = await openWallet(network, played)
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
    expect((await asked(page)).slice(before)).toEqual(['eth_sendTransaction', 'eth_sendTransaction'])
    expect([await wallet.amount('balance'), await wallet.amount('free')]).toEqual([980, 19])

    await wallet.sure('revoke')
    await wallet.done()
    await page.getByTestId('allow-session').waitFor()

    await page.reload()
    await wallet.ready()
    await expect.poll(() => page.getByTestId('wallet-menu').innerText()).toContain(played.address.slice(-4))
    expect(await asked(page), 'a wallet that knows the page is not asked again').toEqual([])
    expect(await wallet.amount('free')).toBe(19)
    await wallet.entry('Added to deposit', '−20.00 INF').waitFor()
  })

  it('tells of a default and of a jail, and leads out of both', async () => {
    const chain = readerOf(network.rpcUrl, network.network)
    const wallet = await openWallet(network)
    const { page } = wallet
    const owner = privateKeyToAccount(KEY).address
    await wallet.importKey(KEY)
    await expect.poll(() => page.getByTestId('wallet-menu').innerText()).toContain(owner.slice(-4))
    await wallet.getTestMoney()
    await wallet.deposit('20')
    await wallet.done()
    await wallet.changeStake('first', '150')
    await wallet.done()

    await claimMoreThanThereIs(network)
    const panel = page.locator('[data-code="in-default"]')
    await panel.waitFor()
    expect(await panel.innerText()).toContain('More was signed than the deposit holds.')
    expect(await panel.getByRole('button').count(), 'the window is open').toBe(0)
    expect(await page.getByTestId('add-deposit').isDisabled()).toBe(true)
    expect(await page.getByTestId('withdraw').isDisabled()).toBe(true)

    const { stake, timelock } = network.network.contracts
    const court = privateKeyToAccount(generatePrivateKey()).address
    const call = (functionName: 'setCourt' | 'jail' | 'unjail', who: Address) =>
      encodeFunctionData({ abi: stakeAbi, functionName, args: [who] })
    await sendAs(network, timelock, stake, call('setCourt', court))
    await sendAs(network, court, stake, call('jail', owner))
    await page.getByText('A court has stopped this wallet from being offered work.').waitFor()
    await page.getByTestId('stake').filter({ hasText: 'Take it back' }).click()
    expect(await page.getByTestId('stake-amount').inputValue()).toBe('150')
    await page.getByTestId('stake-go').click()
    await wallet.done()
    expect(await chain.stakeOf(owner)).toMatchObject({ stake: 0n, unbonding: parseEther('150') })
    expect(await page.getByTestId('stake').count(), 'nothing is left to take').toBe(0)

    await passDays(network, 8)
    await panel.getByRole('button', { name: 'Settle it now' }).click()
    await wallet.done()
    expect(await chain.account(owner)).toEqual({ balance: 0n, bond: 0n, epoch: 1, withdrawAt: 0 })
    await panel.waitFor({ state: 'detached' })
    await wallet.entry('Default settled').waitFor()
    await wallet.deposit('20')
    await wallet.done()
    expect(await chain.depositOf(owner)).toBe(parseEther('19'))
    await page.getByTestId('withdraw-stake').click()
    await wallet.done()
    expect(await chain.stakeOf(owner)).toMatchObject({ stake: 0n, unbonding: 0n, state: 2 })
    expect(await chain.balanceOf(owner)).toBe(parseEther('960'))

    await sendAs(network, court, stake, call('unjail', owner))
    await page.getByText('Below the minimum of 100.00 INF').waitFor()
    await wallet.changeStake('Stake more', '100')
    await wallet.done()
    await page
      .getByText('You can lose part or all of it if you are caught giving false answers.', { exact: true })
      .waitFor()
    expect(wallet.tab.errors).toEqual([])
  })

  it('keeps the last figures when the chain falls silent, marks them, and comes back', async () => {
    const wallet = await openWallet(network)
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

/** Somebody whom the payer's own key signs thirty INF, on a deposit of twenty. */
async function claimMoreThanThereIs(network: MoneyNetwork): Promise<void> {
  const { chainId, escrows } = network.network
  const { escrow } = escrows[0]!
  const signed = await signVoucher(
    { chainId, escrow: chainAddress(escrow) },
    {
      ...{ payer: chainAddress(privateKeyToAccount(KEY).address), provider: chainAddress(NOBODY) },
      ...{ model: modelHash('c3'.repeat(32)), relay: chainAddress(ZERO), epoch: 0 },
      cumulative: baseUnits(parseEther('30')),
    },
    createChainSigner(fromHex(KEY.slice(2))),
  )
  const { voucher, signer, signature } = signed
  const entry = {
    voucher: { ...voucher, model: `0x${voucher.model}` },
    signer,
    signature: `0x${toHex(signature)}`,
  } as const
  await sendAs(
    network,
    NOBODY,
    escrow,
    encodeFunctionData({ abi: escrowAbi, functionName: 'claim', args: [[entry]] }),
  )
}
