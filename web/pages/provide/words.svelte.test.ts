import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../../state/money/payment-desk.svelte.ts'
import { Provide } from '../../state/provide/provide.svelte.ts'
import { Session } from '../../state/session/session.svelte.ts'
import { Settings } from '../../state/session/settings.svelte.ts'
import { Wallet } from '../../state/money/wallet.svelte.ts'
import { noClaims } from '../../state/testing/memory-money.ts'
import { memoryServices } from '../../state/testing/memory-services.ts'
import { relayView } from '../../state/testing/samples.ts'
import { leadWords, stepRows } from './words.ts'

/** A page that provides or is about to, with what it says of the download. */
async function opened(keepsStorage: Promise<boolean>) {
  const clock = new FakeClock()
  const { services, scene, changed, provisions } = memoryServices(clock, { keepsStorage })
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
  return { clock, scene, changed, session, provide, said, provision: () => provisions.at(-1)! }
}

it('says why a relay did not take the offer, and what to do', async () => {
  const { clock, session, provide, provision } = await opened(Promise.resolve(true))
  void provide.start()
  await clock.advance(2000)
  Object.assign(provision(), {
    offerAcceptedAt: undefined,
    offerRefusal: new InfernetError('schedule.maintenance'),
  })
  provision().changed()
  expect(leadWords(provide, session).say).toBe(
    'No relay has taken your offer in the last 60\u00A0s, so nobody can find you. The relay is in maintenance and takes no new offers. Wait until it is over, or open the page from another relay. This tab offers it again every few seconds.',
  )
})

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

it('tells when the browser keeps nothing of the model', async () => {
  const { clock, scene, provide, said } = await opened(Promise.resolve(false))
  scene.storesModels = false
  void provide.start()
  await clock.advance(2000)
  expect(said()).toBe(
    'Every piece matches its hash. This browser keeps nothing here, as in some private windows: the next visit downloads it again.',
  )
})

it('does not say that it lends while no relay answers, though one took the offer a moment ago', async () => {
  const { clock, scene, changed, session, provide } = await opened(Promise.resolve(true))
  void provide.start()
  await clock.advance(2000)
  expect([provide.confirmed, provide.isLit, leadWords(provide, session).kind]).toEqual([true, true, 'live'])
  scene.relays = [relayView('reLay1', 'a.example', { state: 'checking' })]
  changed()
  expect([provide.confirmed, provide.isLit]).toEqual([false, false])
  expect(leadWords(provide, session)).toMatchObject({ kind: 'unknown', status: 'Checking' })
  scene.relays = [relayView('reLay1', 'a.example')]
  changed()
  expect(leadWords(provide, session).kind).toBe('live')
})

it('says that it tests itself again, and who is answered meanwhile', async () => {
  const { clock, session, provide, provision } = await opened(Promise.resolve(true))
  void provide.start()
  await clock.advance(2000)
  const letGo = provision().terms.selfTestDesk!.hold()
  expect(leadWords(provide, session)).toEqual({
    ...{ kind: 'warn', status: 'Testing', title: 'Testing your GPU again.' },
    say: 'No new prompts come. It goes on when the known answers come out right.',
  })
  provide.pause()
  expect(leadWords(provide, session).say).toBe('It tests itself. You paused it. No new prompts come.')
  provide.resume()
  letGo()
  expect(leadWords(provide, session).kind).toBe('live')
})
