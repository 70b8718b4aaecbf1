import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { Ask } from '../ask/ask.svelte.ts'
import { Network } from './network.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { noClaims } from '../testing/memory-money.ts'
import { ME, memoryServices } from '../testing/memory-services.ts'
import { seenOffer, SMOL } from '../testing/samples.ts'

it('lists live offers first, the newest on top, and keeps those that ran out, marked', async () => {
  const clock = new FakeClock()
  const price = pricePerToken(1n, 9n)
  const { services } = memoryServices(clock, {
    offers: [
      seenOffer(clock, 'oldold', {}, 70_000),
      seenOffer(clock, 'later1', { price, slots: 2, busySlots: 2 }, 20_000),
      seenOffer(clock, 'newnew', { slots: 6, busySlots: 0 }, 2000),
      seenOffer(clock, 'smol11', { model: SMOL, provider: ME, slots: 2, busySlots: 2 }, 3000),
    ],
  })
  const session = new Session(services, new Settings(services.settings))
  const network = new Network(
    session,
    new Ask(
      services,
      session,
      new Settings(services.settings),
      new PaymentDesk(services, new Wallet(services), noClaims),
    ),
  )
  session.start()
  await clock.advance(10)
  expect(network.offers.map(({ offer, live, mine }) => [offer.provider.slice(-6), live, mine])).toEqual([
    ['newnew', true, false],
    [ME.slice(-6), true, true],
    ['later1', true, false],
    ['oldold', false, false],
  ])
  expect(network.use).toMatchObject({ busy: 4, slots: 10 })
  expect(network.models).toMatchObject([
    { name: 'Infernet Tiny', providers: 2, lowest: 9_000_000n, highest: 2n * 10n ** 17n },
    { name: 'SmolLM2 360M', providers: 1 },
  ])
})
