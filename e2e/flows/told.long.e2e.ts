import { expect, it } from 'vitest'
import { epochMillis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { openProvider } from '../fixtures/network.ts'
import { TestNetwork } from '../peers/test-network.ts'

it('a tab of which a stranger says that an answer differs tells its lender, tests itself, and renews its offer', async () => {
  await using world = await startNetwork({ args: ['--seed-provider', 'off'] })
  await using network = new TestNetwork()
  const { peer, node, joined } = await network.node({ relays: [world.relay.address] })
  const provider = await openProvider(world.browser, world.relay.url)
  const offerOf = async (): Promise<Offer | undefined> =>
    (await peer.look()).offers.find(({ expired }) => !expired)?.offer
  await expect.poll(offerOf, { timeout: MINUTE_MS }).toBeDefined()
  const before = (await offerOf())!

  // Signed ahead of the clock, so that it is newer than the test of the next start, which the first look comes with.
  const at = epochMillis(realClock.now() + 90 * SECOND_MS)
  const stranger = await makePeer()
  const says = { model: before.model, outcome: 'differs', difference: 'tokens', at } as const
  const verdict = await signVerdict(someVerdict({ name: before.provider }, says), stranger.key)
  const [register] = recordRegistersOf(node, realClock, joined).registers
  await register?.port.publishVerdict({ verifier: stranger.name, verdict })
  await provider.page.locator('#power').click()
  await provider.waitForState('ended')
  await provider.page.locator('#power').click()
  await provider.waitForState('live')
  await provider.waitForOffer()

  const note = provider.page.locator('[data-testid=accused][data-stage=passed]')
  await note.waitFor({ timeout: 5 * MINUTE_MS })
  const words = (await note.innerText()).replace(/\s+/g, ' ')
  expect(words).toContain(
    `A stranger, ${stranger.name.slice(-6)}, which says that it ran on CPU, wasm simd, signed`,
  )
  expect(words).toContain('Whether that is right is not known.')
  expect(words).toContain('your processor tested itself: all known answers came out right')
  await provider.waitForState('live')
  await expect
    .poll(async () => (await offerOf())?.selfTest.testedAt ?? 0, { timeout: MINUTE_MS })
    .toBeGreaterThan(at)
  expect((await offerOf())?.provider).toBe(before.provider)
})
