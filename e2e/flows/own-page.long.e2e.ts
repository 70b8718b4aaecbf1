import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { startMoneyNetwork, type MoneyNetwork } from '../fixtures/money-network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { serveOwnPage } from '../own-page/serve-own-page.ts'
import { AskPage } from '../pages/ask-page.ts'
import { WalletPage } from '../pages/wallet-page.ts'
import { ROOT } from '../fixtures/root.ts'

const PAGE = join(ROOT, 'web/dist')

describe.skipIf(findAnvil() === undefined)('the page of one’s own disk (needs anvil)', () => {
  let folder: string
  let network: MoneyNetwork
  let relayArgs: readonly string[]
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infernet-own-page-'))
    // What this relay serves is not our page.
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>Another page</title>')
    relayArgs = ['--page-folder', folder, '--models-folder', join(PAGE, 'models')]
    network = await startMoneyNetwork({ args: [...relayArgs, '--seed-provider', 'on'] })
  })
  afterAll(async () => {
    await network[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  it('asks in the network of any relay, runs no code of it, and has the same keys beside another one', async () => {
    const context = await network.browser.newContext()
    const asked: string[] = []
    context.on('request', (request) => void asked.push(request.url()))
    let port: number
    let key: string
    {
      await using own = await serveOwnPage({ folder: PAGE, relay: new URL(network.relay.url), port: 0 })
      port = Number(new URL(own.url).port)
      const page = await context.newPage()
      await page.goto(own.url)
      const consumer = new AskPage({ page, errors: [], close: () => context.close() })
      await consumer.waitForProvider()
      await page.goto(new URL('/wallet', own.url).href)
      const wallet = new WalletPage({ page, errors: [], close: () => context.close() })
      await wallet.ready()
      key = await keyOf(wallet)
      await page.close()
    }
    const other = await startRelayProcess({
      args: [...relayArgs, '--seed-provider', 'off', '--network-file', network.chain.networkFile],
    })
    try {
      await using own = await serveOwnPage({ folder: PAGE, relay: new URL(other.url), port })
      const page = await context.newPage()
      await page.goto(new URL('/wallet', own.url).href)
      const wallet = new WalletPage({ page, errors: [], close: () => context.close() })
      await wallet.ready()
      expect(await keyOf(wallet)).toBe(key)
    } finally {
      await other.stop()
    }
    const hosts = new Set(asked.filter((url) => url.startsWith('http')).map((url) => new URL(url).host))
    expect([...hosts]).toContain(`localhost:${port}`)
    for (const url of [network.relay.url, other.url]) expect([...hosts]).not.toContain(new URL(url).host)
  })
})

/** The key of the wallet in the tab, as the page exports it. */
async function keyOf({ page }: WalletPage): Promise<string> {
  await page.getByTestId('wallet-menu').click()
  await page.getByRole('menuitem', { name: 'Export key' }).click()
  await page.getByTestId('reveal-key').click()
  const key = await page.getByTestId('private-key').innerText()
  expect(key).toMatch(/^0x[0-9a-f]{64}$/)
  return key
}
