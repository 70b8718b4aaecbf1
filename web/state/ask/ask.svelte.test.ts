import { expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { baseUnits, millis, tokens } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer } from '#shared/peer/peer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Ask } from './ask.svelte.ts'
import { answerText } from './conversation.ts'
import { Session } from '../session/session.svelte.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { claimAlone, seenOffer, segment, SMOL, TINY } from '../testing/samples.ts'

const SUMMARY: AnswerSummary = {
  finish: 'stop',
  segments: [segment('aaaaaa', { tokens: tokens(2), signedTokens: tokens(2) })],
  promptTokens: tokens(3),
  outputTokens: tokens(2),
  due: baseUnits(400n),
  paid: baseUnits(0n),
  ttftMs: millis(100),
  tokensPerSecond: 40,
}

async function* fluent(): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
  yield { type: 'searching', attempt: 1 }
  yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
  yield { type: 'tokens', tokens: [0, 1] }
  yield { type: 'done', summary: SUMMARY }
  return SUMMARY
}

/** Writes one token, then nothing until it is cancelled. */
async function* endless(signal: AbortSignal | undefined): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
  yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
  yield { type: 'tokens', tokens: [0] }
  await new Promise((_, reject) =>
    signal?.addEventListener('abort', () => reject(new InfernetError('stream.cancelled'))),
  )
  return SUMMARY
}

async function opened(change: Partial<Scene> = {}, clock = new FakeClock()) {
  const world = memoryServices(clock, { offers: [seenOffer(clock, 'aaaaaa')], ask: fluent, ...change })
  const session = new Session(world.services, new Settings(world.services.settings))
  const ask = new Ask(
    world.services,
    session,
    new Settings(world.services.settings),
    new PaymentDesk(world.services, new Wallet(world.services), noClaims),
  )
  session.start()
  await clock.advance(10)
  return { ...world, clock, session, ask, last: () => ask.current?.turns.at(-1)?.answer }
}

it('keeps what proves an answer beside it, and lets both go together', async () => {
  const transcript = { jobId: 'one' } as unknown as Transcript
  const ask = async function* (): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
    yield { type: 'proof', transcript }
    yield { type: 'done', summary: SUMMARY }
    return SUMMARY
  }
  const world = await opened({ ask })
  world.ask.send('Prove it.')
  await world.clock.advance(10)
  const turn = world.ask.current?.turns[0]?.id ?? ''
  expect(world.transcripts).toEqual(new Map([[turn, [transcript]]]))
  expect(await world.ask.proofOf(turn, { withPrompt: true })).toBeInstanceOf(Blob)
  expect(await world.ask.proofOf('another', { withPrompt: true })).toBeUndefined()
  world.ask.remove(world.ask.current?.id ?? '')
  await world.clock.advance(10)
  expect(world.transcripts.size).toBe(0)
})

it('waits for a proof that is still being kept when somebody asks for it', async () => {
  const ask = async function* (): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
    yield { type: 'proof', transcript: { jobId: 'one' } as unknown as Transcript }
    yield { type: 'done', summary: SUMMARY }
    return SUMMARY
  }
  const world = await opened({ ask })
  const { services } = world
  const openTranscripts = services.openTranscripts.bind(services)
  let open = (): void => undefined
  const isOpen = new Promise<void>((resolve) => (open = resolve))
  // The first is the one that keeps: it has to wait for the browser's database.
  world.services.openTranscripts = async () => {
    world.services.openTranscripts = openTranscripts
    await isOpen
    return openTranscripts()
  }
  world.ask.send('Prove it.')
  await world.clock.advance(10)
  expect(world.last()).toMatchObject({ stage: 'done' })
  const proof = world.ask.proofOf(world.ask.current?.turns[0]?.id ?? '', { withPrompt: true })
  open()
  expect(await proof).toBeInstanceOf(Blob)
})

it('answers, keeps the answer, and measures who answered', async () => {
  const { ask, clock, last, session } = await opened()
  ask.send('  Tell me a story.  ')
  expect(ask.busy).toBe(true)
  await clock.advance(10)
  expect(ask.busy).toBe(false)
  expect(ask.current).toMatchObject({ title: 'Tell me a story.', turns: [{ question: 'Tell me a story.' }] })
  expect(last()).toMatchObject({ stage: 'done', tokens: 2, due: 400n })
  expect(answerText(last()!)).toBe('A fox ')
  expect([...session.measured.values()]).toMatchObject([{ ms: 18, path: 'webrtc' }])
})

it('keeps a prompt while nobody lends and sends it when one arrives', async () => {
  const { ask, clock, last, scene } = await opened({ offers: [] })
  ask.send('Anybody?')
  await clock.advance(1000)
  expect(ask.active?.stage).toBe('waiting')
  scene.offers = [seenOffer(clock, 'aaaaaa')]
  await clock.advance(4000)
  expect(last()).toMatchObject({ stage: 'done' })
})

it('takes a waiting prompt back', async () => {
  const { ask, clock, last } = await opened({ offers: [] })
  ask.send('Anybody?')
  await clock.advance(100)
  ask.stop()
  await clock.advance(10)
  expect(last()).toMatchObject({ stage: 'stopped', tokens: 0 })
})

it('keeps what came when the visitor stops it, without an error', async () => {
  const { ask, clock, last } = await opened({ ask: endless })
  ask.send('Go on forever')
  await clock.advance(10)
  expect(ask.active?.stage).toBe('answering')
  ask.stop()
  await clock.advance(10)
  expect(last()).toMatchObject({ stage: 'stopped', tokens: 1, errorCode: undefined })
})

it('continues a stopped answer with the same question, seed and tokens, also after a reload', async () => {
  const world = await opened({ ask: endless })
  world.ask.send('Go on forever')
  await world.clock.advance(10)
  world.ask.stop()
  await world.clock.advance(10)
  const reloaded = await opened({ conversations: [...world.ask.conversations] }, world.clock)
  await reloaded.ask.open()
  reloaded.ask.show(reloaded.ask.conversations[0]?.id)
  let seen: BegunAnswer | undefined
  reloaded.scene.ask = (_, begun) => {
    seen = begun
    return fluent()
  }
  reloaded.ask.resume()
  await reloaded.clock.advance(10)
  expect(seen).toMatchObject({ tokens: [0], seed: new Uint8Array(32), segments: [{ tokens: 1 }] })
  expect(reloaded.last()).toMatchObject({ stage: 'done', continuation: undefined })
  expect(reloaded.last()?.pieces).toHaveLength(2)
  reloaded.ask.resume() // it is complete: nothing happens
  expect(reloaded.ask.busy).toBe(false)
})

it('keeps for no earlier answer what it would take to continue it', async () => {
  const { ask, clock, scene } = await opened({ ask: endless })
  ask.send('Go on forever')
  await clock.advance(10)
  ask.stop()
  await clock.advance(10)
  expect(ask.current?.turns[0]?.answer.continuation?.tokens).toEqual([0])
  scene.ask = fluent
  ask.send('Another one')
  await clock.advance(10)
  expect(ask.current?.turns[0]?.answer.continuation).toBeUndefined()
})

it('keeps a failure with its facts, and asks again in its place', async () => {
  const { ask, clock, last, scene } = await opened({
    ask: async function* () {
      throw new InfernetError('prompt.too-long', { tokens: 1200, maxTokens: 1024 })
    },
  })
  ask.send('Too long')
  await clock.advance(10)
  expect(last()).toMatchObject({
    stage: 'failed',
    errorCode: 'prompt.too-long',
    errorFacts: { tokens: 1200 },
  })
  scene.ask = fluent
  ask.again()
  await clock.advance(10)
  expect(ask.current?.turns).toHaveLength(1)
  expect(last()).toMatchObject({ stage: 'done', errorCode: undefined })
})

it('tells how many of the oldest turns the model no longer sees', async () => {
  const { ask, clock, last } = await opened()
  for (const question of ['one', 'two', 'three', 'four', 'five']) {
    ask.send(question)
    await clock.advance(10)
  }
  expect(last()?.droppedTurns).toBe(2)
})

it('asks the model with most providers until the visitor chooses', async () => {
  const clock = new FakeClock()
  const { ask, session } = await opened(
    {
      offers: [
        seenOffer(clock, 'aaaaaa', { model: SMOL }),
        seenOffer(clock, 'bbbbbb', { model: SMOL }),
        seenOffer(clock, 'cccccc'),
      ],
    },
    clock,
  )
  expect(ask.model?.model).toBe(SMOL)
  ask.model = session.choice(TINY)
  expect(ask.model?.model).toBe(TINY)
})

it('asks by itself nothing that its publisher alone vouches for, however many lend it', async () => {
  const clock = new FakeClock()
  const [tiny, smol] = memoryServices(clock).scene.models as [ModelChoice, ModelChoice]
  const offers = ['aaaaaa', 'bbbbbb', 'cccccc'].map((name) => seenOffer(clock, name, { model: SMOL }))
  const { ask, session } = await opened({ offers, models: [tiny, claimAlone(smol)] }, clock)
  expect(ask.model?.model).toBe(TINY)
  ask.model = session.choice(SMOL)
  expect(ask.model?.model).toBe(SMOL)
})

it('prices by the highest live offer, and knows no price where nobody offers', async () => {
  const { ask, scene, session } = await opened()
  const lengths = { promptTokens: 10, maxTokens: 100, usualTokens: 50 }
  expect(ask.estimate(lengths)?.atMost).toBe(10n * 40_000_000_000n + 100n * 200_000_000_000n)
  scene.offers = []
  await session.look()
  expect(ask.estimate(lengths)).toBeUndefined()
})

it('deletes one conversation or all', async () => {
  const { ask, clock } = await opened()
  ask.send('first')
  await clock.advance(10)
  ask.show(undefined)
  ask.send('second')
  await clock.advance(10)
  expect(ask.conversations.map(({ title }) => title)).toEqual(['second', 'first'])
  ask.remove(ask.conversations[1]!.id)
  expect(ask.conversations).toHaveLength(1)
  ask.removeAll()
  expect(ask.conversations).toHaveLength(0)
  expect(ask.current).toBeUndefined()
})

it('goes on without a history where the browser keeps none', async () => {
  const { ask, clock, last, services } = await opened()
  services.openHistory = () => Promise.reject(new Error('private window'))
  await ask.open()
  ask.send('Still there?')
  await clock.advance(10)
  expect(ask.historyLost).toBe(true)
  expect(last()).toMatchObject({ stage: 'done' })
})

it('keeps a question that was asked while the history was still read', async () => {
  const { ask, clock, services } = await opened()
  const history = await services.openHistory()
  const reading = Promise.withResolvers<Awaited<ReturnType<typeof history.list>>>()
  services.openHistory = () => Promise.resolve({ ...history, list: () => reading.promise })
  const open = ask.open()
  ask.send('Am I still here?')
  reading.resolve([])
  await open
  await clock.advance(10)
  expect(ask.current?.turns.map(({ question }) => question)).toEqual(['Am I still here?'])
})

it('asks two providers where the visitor wants it, for the price of both, and keeps what the second one cost', async () => {
  const redundant: (number | undefined)[] = []
  const second = segment('bbbbbb', { tokens: tokens(2), signedTokens: tokens(2), due: baseUnits(300n) })
  const kept = [peerName('aaaaaa'), peerName('bbbbbb')] as const
  const ask = async function* (): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
    yield { type: 'tokens', tokens: [0] }
    yield { type: 'second', due: baseUnits(300n), segment: second }
    yield { type: 'parted', position: 1, providers: kept }
    yield { type: 'compared', tokens: 1, same: false }
    const summary = { ...SUMMARY, due: baseUnits(700n), second: [second] }
    yield { type: 'done', summary }
    return summary
  }
  const world = await opened({ ask })
  const { askText } = world.services
  Object.assign(world.services, {
    askText: (...[components, prompt, options]: Parameters<typeof askText>) => {
      redundant.push(options?.redundant)
      return askText(components, prompt, options)
    },
  })
  const lengths = { promptTokens: 10, maxTokens: 100, usualTokens: 50 }
  const forOne = world.ask.estimate(lengths)
  world.ask.asksTwo = true
  expect(world.ask.estimate(lengths)?.atMost).toBe(2n * forOne!.atMost)
  world.ask.send('Which one is right?')
  await world.clock.advance(10)
  expect(redundant).toEqual([2])
  expect(world.last()).toMatchObject({
    ...{ stage: 'done', due: 700n, second: [second] },
    comparison: { tokens: 1, parted: { position: 1, providers: kept } },
  })
  world.ask.asksTwo = false
  world.ask.again()
  await world.clock.advance(10)
  expect(redundant).toEqual([2, undefined])
})
