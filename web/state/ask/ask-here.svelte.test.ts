import { expect, it } from 'vitest'
import { tokens } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer } from '#shared/peer/peer.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { seenOffer, segment, TINY } from '../testing/samples.ts'
import { Ask } from './ask.svelte.ts'
import { answerText, continuationOf, THIS_TAB } from './conversation.ts'

/** Longer than the model takes to load and its forty tokens to be written. */
const ENOUGH_MS = 5000

async function opened(change: Partial<Scene> = {}) {
  const clock = new FakeClock()
  let asked = 0
  const world = memoryServices(clock, {
    ...change,
    ask: async function* (...how): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
      asked++
      if (!change.ask) throw new InfernetError('schedule.no-provider')
      return yield* change.ask(...how)
    },
  })
  const settings = new Settings(world.services.settings)
  const session = new Session(world.services, settings)
  const desk = new PaymentDesk(world.services, new Wallet(world.services), noClaims)
  const ask = new Ask(world.services, session, settings, desk)
  session.start()
  await clock.advance(10)
  return {
    ...world,
    ...{ clock, session, ask, settings },
    last: () => ask.current?.turns.at(-1)?.answer,
    askedNetwork: () => asked,
  }
}

it('answers in this tab where the visitor chose so: nothing is asked of the network, nothing is owed', async () => {
  const { ask, clock, engines, last, askedNetwork, transcripts } = await opened()
  ask.place = 'tab'
  ask.send('Hello?')
  await clock.advance(300)
  expect(ask.active?.loading).toMatchObject({ phase: 'starting' })
  await clock.advance(ENOUGH_MS)
  expect(last()).toMatchObject({ stage: 'done', localFrom: 0, segments: [], tokens: 40, due: 0n })
  expect(answerText(last()!)).toMatch(/^A fox found a lantern/)
  expect([askedNetwork(), transcripts.size]).toEqual([0, 0])
  expect(engines[0]?.asked[0]).toMatchObject({ priorTokens: [], client: 'this tab' })
  ask.send('And then?')
  await clock.advance(ENOUGH_MS)
  expect(engines).toHaveLength(1)
})

it('remembers the choice, and takes what is not one of its words for the first', async () => {
  const { ask, settings, services } = await opened()
  expect(ask.place).toBe('network')
  ask.place = 'tab-first'
  expect(new Settings(services.settings).askPlace.value).toBe('tab-first')
  services.settings.set('ask.place', 'the moon')
  expect(new Settings(services.settings).askPlace.value).toBe('network')
  expect(settings.askPlace.value).toBe('tab-first')
})

it('this tab first: here where the model is, else on the network', async () => {
  const here = await opened({ modelsHere: [TINY] })
  here.ask.place = 'tab-first'
  expect(here.ask.staysHere).toBe(false) // not known yet
  await here.ask.local.look(TINY)
  expect(here.ask.staysHere).toBe(true)
  here.ask.send('Hello?')
  await here.clock.advance(ENOUGH_MS)
  expect(here.last()).toMatchObject({ stage: 'done', localFrom: 0 })

  const away = await opened()
  away.ask.place = 'tab-first'
  away.ask.send('Hello?')
  await away.clock.advance(ENOUGH_MS)
  expect(away.ask.active?.stage).toBe('waiting')
  expect(away.engines).toEqual([])
})

it('takes over a question that waits for somebody, at the press', async () => {
  const { ask, clock, last, askedNetwork } = await opened()
  ask.send('Anybody?')
  await clock.advance(1000)
  expect(last()?.stage).toBe('searching')
  expect(ask.active?.stage).toBe('waiting')
  void ask.runHere()
  await clock.advance(ENOUGH_MS)
  expect(last()).toMatchObject({ stage: 'done', localFrom: 0 })
  expect(ask.current?.turns).toHaveLength(1)
  expect([ask.place, askedNetwork()]).toEqual(['network', 0])
})

it('can be stopped while the model loads and while it writes, and goes on in its own words', async () => {
  const { ask, clock, engines, last } = await opened()
  ask.place = 'tab'
  ask.send('Hello?')
  await clock.advance(300)
  ask.stop()
  await clock.advance(ENOUGH_MS)
  expect(last()).toMatchObject({ stage: 'stopped', tokens: 0, localFrom: undefined })
  expect(engines).toEqual([])
  ask.again()
  await clock.advance(1100)
  ask.stop()
  await clock.advance(10)
  const stopped = last()
  expect(stopped?.stage).toBe('stopped')
  expect(stopped?.tokens).toBeGreaterThan(0)
  ask.resume()
  await clock.advance(ENOUGH_MS)
  expect(last()).toMatchObject({ stage: 'done', tokens: 40, localFrom: 0, segments: [] })
  expect(engines[0]?.asked[1]?.priorTokens).toEqual(continuationOf(stopped!)?.tokens)
  expect(last()?.pieces[1]?.seam).toMatchObject({ isResumed: true, next: THIS_TAB })
})

it('goes on by itself with what a provider began, whose part stays what it was', async () => {
  const begin = async function* (
    signal: AbortSignal | undefined,
  ): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32).fill(3) }
    yield { type: 'tokens', tokens: [0, 1] }
    await new Promise((_, reject) =>
      signal?.addEventListener('abort', () => reject(new InfernetError('stream.cancelled'))),
    )
    throw new InfernetError('stream.cancelled')
  }
  const clock = new FakeClock()
  const { ask, engines, last, ...world } = await opened({ ask: begin, offers: [seenOffer(clock, 'aaaaaa')] })
  ask.send('Hello?')
  await world.clock.advance(100)
  expect(ask.active?.stage).toBe('answering')
  void ask.runHere()
  await world.clock.advance(ENOUGH_MS)
  expect(engines[0]?.asked[0]).toMatchObject({ priorTokens: [0, 1], seed: new Uint8Array(32).fill(3) })
  expect(last()).toMatchObject({ stage: 'done', localFrom: 2, tokens: 40 })
  expect(last()?.segments.map(({ tokens: written }) => written)).toEqual([tokens(2)])
})

it('hands what this tab began to a provider, with its seed', async () => {
  let begun: BegunAnswer | undefined
  const clock = new FakeClock()
  const { ask, last, ...world } = await opened({
    offers: [seenOffer(clock, 'aaaaaa')],
    ask: async function* (_, given) {
      begun = given
      throw new InfernetError('stream.busy')
    },
  })
  ask.place = 'tab'
  ask.send('Hello?')
  await world.clock.advance(1100)
  ask.stop()
  await world.clock.advance(10)
  ask.place = 'network'
  ask.resume()
  await world.clock.advance(100)
  expect(begun).toMatchObject({ seed: new Uint8Array(32).fill(7), segments: [] })
  expect(begun?.tokens.length).toBeGreaterThan(0)
  expect(last()).toMatchObject({ stage: 'failed', errorCode: 'stream.busy' })
})

it('fails in words when the model cannot start, and keeps the question', async () => {
  const { ask, clock, last } = await opened({ loadFails: new InfernetError('models.no-space') })
  ask.place = 'tab'
  ask.send('Hello?')
  await clock.advance(ENOUGH_MS)
  expect(last()).toMatchObject({ stage: 'failed', errorCode: 'models.no-space' })
})

it('gives the memory back after a while, and at once when the network is chosen', async () => {
  const { ask, clock, engines } = await opened()
  ask.place = 'tab'
  ask.send('Hello?')
  await clock.advance(ENOUGH_MS)
  expect(engines[0]?.closed).toBe(false)
  await clock.advance(10 * 60_000)
  expect(engines[0]?.closed).toBe(true)
  ask.again()
  await clock.advance(ENOUGH_MS)
  expect(engines[1]?.closed).toBe(false)
  ask.place = 'network'
  await clock.advance(10)
  expect(engines[1]?.closed).toBe(true)
})
