import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther, type Address } from 'viem'
import { describe, expect, it } from 'vitest'
import { amountToBytes } from '#shared/base/bytes.ts'
import { baseUnits } from '#shared/base/units.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { readerOf } from '../chain/paid-lines.ts'
import { expectedSharesOf, publishModel, readSupply, waitForSettlement } from '../chain/settlement.ts'
import { providedModel } from '../fixtures/lent-model.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { paidFor, QUESTION, SETTLED } from '../fixtures/paid-answer.ts'
import { WalletPage } from '../pages/wallet-page.ts'

const CARRYING = { hasRelayKey: true, args: ['--carry-worth', '0', '--carry-every-seconds', '1'] }

// `paid.e2e.ts` has an answer that is claimed by the tab that wrote it.
// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findAnvil() === undefined)('an answer that is paid for (needs anvil)', () => {
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
