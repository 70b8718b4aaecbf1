import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../../state/money/payment-desk.svelte.ts'
import { Provide } from '../../state/provide/provide.svelte.ts'
import { Session } from '../../state/session/session.svelte.ts'
import { Settings } from '../../state/session/settings.svelte.ts'
import { Wallet } from '../../state/money/wallet.svelte.ts'
import { noClaims } from '../../state/testing/memory-money.ts'
import { memoryServices } from '../../state/testing/memory-services.ts'
import { stepRows } from './words.ts'

/** A page that provides or is about to, with what it says of the download. */
async function opened(keepsStorage: Promise<boolean>) {
  const clock = new FakeClock()
  const { services, scene } = memoryServices(clock, { keepsStorage })
  const settings = new Settings(services.settings)
  const session = new Session(services, settings)
  const provide = new Provide(
    services,
    session,
    settings,
    new PaymentDesk(services, new Wallet(services), noClaims),
  )
  session.start()
  await clock.advance(10)
  const said = () => stepRows(provide, session).find(({ key }) => key === 'download')?.text
  return { clock, scene, provide, said }
}

it('asks at the press that the model be kept, and waits for no answer', async () => {
  const { clock, scene, provide, said } = await opened(new Promise<boolean>(() => undefined))
  expect(scene.askedToKeep).toBe(0)
  void provide.start()
  expect(scene.askedToKeep).toBe(1)
  await clock.advance(2000)
  expect(provide).toMatchObject({ stage: 'live', isModelKept: undefined })
  expect(said()).toBe('Every piece matches its hash.')
})

it.each([
  [true, 'Every piece matches its hash.'],
  [false, 'Every piece matches its hash. This browser may delete it when space gets short.'],
])('tells when the browser may delete the model (kept: %s)', async (isKept, words) => {
  const { clock, provide, said } = await opened(Promise.resolve(isKept))
  void provide.start()
  await clock.advance(2000)
  expect(provide).toMatchObject({ stage: 'live', isModelKept: isKept })
  expect(said()).toBe(words)
})
