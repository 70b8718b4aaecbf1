import { expect, it } from 'vitest'
import { peerName, shortPeerName, type PeerName } from '#shared/base/ids.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { cheatNamed } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { untilOffered } from '../check-demo/verifiers.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { OWN_SOCKET, TestNetwork } from '../peers/test-network.ts'

it('tells of two that parted which one differs, and checks a share of the answers without a press', async () => {
  await using network = await startNetwork({ args: ['--seed-provider', 'off'] })
  await using nodes = new TestNetwork()
  const { browser, relay } = network
  const parts = await loadTinyParts()
  nodes.defer(() => parts.close())
  const lending = async (engine: Engine): Promise<PeerName> => {
    const { peer, node } = await nodes.node({ listen: [OWN_SOCKET], relays: [relay.address] })
    const terms = { price: pricePerToken(1n, 10n), selfTest: { right: 1, total: 1 } }
    await untilOffered(peer.provide(engine, terms))
    return peerName(node.peerId.toString())
  }
  const wrong = await lending(cheatNamed('other-seed').wrap(parts))
  const right = await lending(parts.honest)
  const consumer = await openConsumer(browser, relay.url)
  const { page } = consumer
  await page.getByTestId('ask-two').check()
  await consumer.ask('Tell me a story about a fox and a lantern.')
  await consumer.waitForState('done')
  expect(await page.getByTestId('compared').innerText()).toContain('wrote different words from token')

  await page.getByTestId('check-parted').click()
  const part = page.getByTestId('check-part')
  for (const [checked, writer] of [wrong, right].entries()) {
    await part.selectOption(writer)
    await page.getByTestId('check-stranger').click()
    await expect.poll(() => page.getByTestId('evidence').count(), { timeout: 60_000 }).toBe(checked + 1)
    await part.waitFor()
  }
  const found = await page.getByTestId('evidence').allTextContents()
  const words = (writer: PeerName): string | undefined =>
    found.find((each) => new RegExp(`Written by\\s*${shortPeerName(writer)}`).test(each))
  expect(words(wrong)).toMatch(/^\s*differs/)
  expect(words(right)).toMatch(/^\s*agrees/)
  expect(await page.getByTestId('check-cause').count(), 'both were pressed for').toBe(0)

  await page.getByTestId('check-share').locator('summary').click()
  await page.getByTestId('check-percent').fill('100')
  await page.keyboard.press('Escape')
  await page.getByTestId('ask-two').uncheck()
  await openProvider(browser, relay.url)
  await consumer.ask('Tell me a story about a fox and a lantern.')
  await consumer.waitForState('done')
  await page.locator('[data-testid=check-mark][data-mark=agrees]').last().waitFor({ timeout: 60_000 })
  await page.getByTestId('check-mark').last().click()
  expect(await page.getByTestId('check-cause').innerText()).toBe(
    'It is one of the share of your answers that you have checked always.',
  )
})
