import { expect, it } from 'vitest'
import { baseUnits, millis, tokens } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { AnswerEvent, AnswerSummary, Segment } from '#shared/peer/peer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { checking, transcriptOf } from '../testing/checks.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { named, seenOffer, segment, TINY } from '../testing/samples.ts'
import { Ask } from './ask.svelte.ts'
import { CheckDesk, evidenceKey } from './check-desk.svelte.ts'
import type { CheckHow } from './check-service.ts'

/** An answer of forty signed tokens, with what proves it. */
function proven(transcripts: readonly Transcript[] = [transcriptOf('aaaaaa')]) {
  return async function* (): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    const parts = transcripts.map((_, i) =>
      segment('aaaaaa', { from: 40 * i, tokens: tokens(40), signedTokens: tokens(40) }),
    )
    yield { type: 'assigned', position: 0, segment: segment('aaaaaa'), seed: new Uint8Array(32) }
    yield { type: 'tokens', tokens: Array.from({ length: 40 }, (_, i) => i) }
    for (const transcript of transcripts) yield { type: 'proof', transcript }
    const summary: AnswerSummary = {
      ...{ finish: 'stop', segments: parts, promptTokens: tokens(20), outputTokens: tokens(40) },
      ...{ due: baseUnits(0n), paid: baseUnits(0n), ttftMs: millis(100), tokensPerSecond: 40 },
    }
    yield { type: 'done', summary }
    return summary
  }
}

/** Two wrote it, and parted after twenty tokens; the text is of the first. */
function parted([kept, stopped]: readonly [Transcript, Transcript]): Scene['ask'] {
  const whole = proven([kept, stopped])
  return async function* () {
    for await (const event of whole()) {
      if (event.type === 'proof' && event.transcript === kept)
        yield { type: 'parted', position: 20, providers: [kept.provider, stopped.provider] }
      if (event.type !== 'done') yield event
      else {
        const [own, second] = [segment('aaaaaa'), segment('bbbbbb')].map((each) => ({
          ...{ ...each, tokens: tokens(40), signedTokens: tokens(40) },
        })) as [Segment, Segment]
        const summary = { ...event.summary, segments: [own], second: [second] }
        yield { type: 'done', summary }
        return summary
      }
    }
    throw new Error('no end')
  }
}

async function answered(change: Partial<Scene> = {}, set: (settings: Settings) => void = () => undefined) {
  const clock = new FakeClock()
  const asked: { transcript: Transcript; how: CheckHow; signal: AbortSignal }[] = []
  const scene: Partial<Scene> = {
    offers: [seenOffer(clock, 'aaaaaa'), seenOffer(clock, 'bbbbbb')],
    ask: proven(),
    modelsHere: [TINY],
    load: [],
    ...change,
  }
  const world = memoryServices(clock, scene)
  const check = world.scene.check
  world.scene.check = (transcript, how, signal, writtenAt) => {
    asked.push({ transcript, how, signal })
    return change.check ? check(transcript, how, signal, writtenAt) : checking(transcript, how)
  }
  const settings = new Settings(world.services.settings)
  set(settings)
  const session = new Session(world.services, settings)
  const payments = new PaymentDesk(world.services, new Wallet(world.services), noClaims)
  const booked: (readonly [verifier: string, cost: bigint])[] = []
  payments.keepCheck = (_, { verifier, cost }) => Promise.resolve(void booked.push([verifier, cost]))
  const ask = new Ask(world.services, session, settings, payments)
  const desk = new CheckDesk({ services: world.services, session, ask, payments, settings })
  session.start()
  await clock.advance(10)
  ask.send('Tell me a story.')
  await clock.advance(50)
  const turn = () => ask.current!.turns.at(-1)!
  return { ...world, clock, session, settings, ask, desk, asked, booked, turn, id: turn().id }
}

it('marks an answer as not checked, as being checked, and by what was found', async () => {
  const { desk, turn, id, clock, evidence } = await answered()
  expect(desk.markOf(turn())).toBe('none')
  const done = desk.check(id, 'peer')
  expect(desk.markOf(turn())).toBe('checking')
  await clock.advance(10)
  await done
  expect(desk.markOf(turn())).toBe('agrees')
  const [check] = turn().checks ?? []
  expect(check).toMatchObject({ provider: named('aaaaaa'), tokens: 40, found: { by: 'peer', cost: 0n } })
  const key = evidenceKey(check!.jobId, named('bbbbbb'))
  expect([...evidence.keys()]).toEqual([`${id}/${key}`])
  expect(await (await desk.evidenceOf(id, key))?.bytes()).toEqual(new Uint8Array([7, 7, 7]))
  expect(await desk.evidenceOf(id, 'another')).toBeUndefined()
})

it('says step by step what it does, whom it asks and for how much', async () => {
  const steps: unknown[] = []
  const world = await answered()
  world.scene.check = async function* (transcript, how) {
    const events = checking(transcript, how, { cost: baseUnits(9n) })
    for (;;) {
      const event = await events.next()
      if (event.done) return event.value
      yield event.value
      const { step, verifier, cost } = world.desk.checkingOf(world.id) ?? {}
      steps.push([step, verifier, cost])
    }
  }
  const done = world.desk.check(world.id, 'peer')
  await world.clock.advance(10)
  await done
  expect(steps).toEqual([
    ['searching', undefined, 0n],
    ['asked', named('bbbbbb'), 9n],
    ['reading', named('bbbbbb'), 9n],
    ['opening', named('bbbbbb'), 9n],
    ['done', named('bbbbbb'), 9n],
  ])
})

it('checks in this tab only a model that is here, and never brings one for it', async () => {
  const here = await answered()
  await here.desk.look(here.id)
  expect(here.desk.hasModel(TINY)).toBe(true)
  const done = here.desk.check(here.id, 'self')
  await here.clock.advance(10)
  await done
  expect(here.asked).toMatchObject([{ how: { by: 'self', engine: { info: { model: TINY } } } }])
  expect(here.turn().checks).toMatchObject([{ found: { by: 'self', verifier: named('myself') } }])

  const elsewhere = await answered({ modelsHere: [] })
  await elsewhere.desk.look(elsewhere.id)
  expect(elsewhere.desk.hasModel(TINY)).toBe(false)
  await elsewhere.desk.check(elsewhere.id, 'self')
  expect(elsewhere.desk.failureOf(elsewhere.id)?.code).toBe('models.unavailable')
  expect([elsewhere.engines.length, elsewhere.asked.length]).toEqual([0, 0])
})

it('names the price before the press, by the dearest who may read, and asks for no more', async () => {
  const world = await answered()
  await world.desk.look(world.id)
  const found = world.desk.checkableOf(world.id)
  if (!found || found === 'nothing') throw new Error('nothing can be checked')
  // 60 tokens at 0.04 INF for a million.
  const price = world.desk.priceOf(TINY, found.jobs)
  expect(price).toBe(2_400_000_000_000n)
  const done = world.desk.check(world.id, 'peer', { maxCost: price! })
  await world.clock.advance(10)
  await done
  expect(world.asked).toMatchObject([{ how: { by: 'peer', maxCost: price, except: world.session.ownNames } }])
  world.scene.offers = [seenOffer(world.clock, 'aaaaaa')]
  await world.session.look()
  expect(world.desk.priceOf(TINY, found.jobs), 'nobody but who wrote it').toBeUndefined()
})

it('judges each part by itself, and leaves what cannot be checked unasked', async () => {
  const parts = [transcriptOf('aaaaaa', '01'), transcriptOf('cccccc', '02')]
  const world = await answered({ ask: proven(parts) })
  world.scene.checkable = (transcript) => ({
    ...{ transcript, provider: transcript.provider, tokens: 40, readTokens: 60 },
    from: transcript === parts[0] ? 0 : 40,
    hasRoots: transcript === parts[0],
    signature: new Uint8Array(64),
  })
  const done = world.desk.check(world.id, 'peer')
  await world.clock.advance(10)
  await done
  expect(world.asked.map(({ transcript }) => transcript)).toEqual([parts[0]])
  expect(world.turn().checks).toMatchObject([
    { from: 0, found: {} },
    { from: 40, found: undefined },
  ])
  expect(world.desk.markOf(world.turn())).toBe('uncheckable')
})

it('tells why a check came to nothing, and forgets it with the next', async () => {
  const world = await answered({
    check: async function* () {
      yield { type: 'searching', attempt: 1 }
      throw new InfernetError('verify.no-verifier')
    },
  })
  await world.desk.check(world.id, 'peer')
  expect(world.desk.failureOf(world.id)?.code).toBe('verify.no-verifier')
  expect(world.desk.markOf(world.turn())).toBe('none')
  world.scene.check = (transcript, how) => checking(transcript, how)
  await world.desk.check(world.id, 'peer')
  expect(world.desk.failureOf(world.id)).toBeUndefined()
  world.transcripts.clear()
  await world.desk.check(world.id, 'peer')
  expect(world.desk.failureOf(world.id)?.code).toBe('verify.not-kept')
  await world.desk.look(world.id)
  expect(world.desk.checkableOf(world.id)).toBe('nothing')
})

it('says with each check when the answer was kept, however late it is asked for', async () => {
  const world = await answered()
  const written: (number | undefined)[] = []
  world.scene.check = (transcript, how, _signal, writtenAt) => {
    written.push(writtenAt)
    return checking(transcript, how)
  }
  await world.desk.check(world.id, 'peer')
  await world.clock.advance(60_000)
  await world.desk.check(world.id, 'self')
  expect(written).toHaveLength(2)
  expect(new Set(written)).toEqual(new Set([world.keptAt.get(world.id)]))
})

it('ends a check that is cancelled, without a word of failure, and runs the next', async () => {
  const world = await answered()
  let signal: AbortSignal | undefined
  world.scene.check = async function* (transcript, how, own) {
    signal = own
    yield { type: 'reading', verifier: named('bbbbbb') }
    await new Promise((_, reject) => own.addEventListener('abort', () => reject(own.reason as Error)))
    return (await checking(transcript, how).next()).value as never
  }
  const first = world.desk.check(world.id, 'peer')
  await world.clock.advance(10)
  expect(world.desk.checkingOf(world.id)?.step).toBe('reading')
  world.ask.send('Another.')
  await world.clock.advance(50)
  const second = world.desk.check(world.turn().id, 'peer')
  expect(world.desk.checkingOf(world.turn().id)?.step, 'one at a time').toBe('waiting')
  world.desk.cancel(world.id)
  world.scene.check = (transcript, how) => checking(transcript, how)
  await first
  expect(signal?.aborted).toBe(true)
  expect(world.desk.failureOf(world.id)).toBeUndefined()
  await world.clock.advance(10)
  await second
  expect(world.desk.markOf(world.turn())).toBe('agrees')
})

it('lets go of what checks found when the answer is asked again, or deleted', async () => {
  const world = await answered()
  await world.desk.check(world.id, 'peer')
  world.ask.again()
  expect(world.turn().checks).toBeUndefined()
  await world.clock.advance(50)
  await world.desk.check(world.id, 'peer')
  expect(world.evidence.size).toBe(1)
  world.ask.remove(world.ask.current!.id)
  await world.clock.advance(10)
  expect(world.evidence.size).toBe(0)
})

it('checks the share that was chosen without a press, in this tab where it can', async () => {
  const none = await answered()
  await none.clock.advance(10)
  expect(none.asked).toEqual([])
  const all = await answered({}, (settings) => (settings.checkPercent.value = 100))
  await all.clock.advance(10)
  expect(all.asked).toMatchObject([{ how: { by: 'self' } }])
  expect(all.desk.share.checksLeft).toBe(199)
  const alone = await answered({ modelsHere: [] }, (settings) => {
    settings.checkPercent.value = 100
    settings.checkPlace.value = 'tab'
  })
  await alone.clock.advance(10)
  expect(alone.asked).toEqual([])
})

it('asks strangers by itself within the day’s budget, and books what it cost', async () => {
  const cost = baseUnits(1_000_000_000_000n)
  const strangers = (settings: Settings): void => {
    settings.checkPercent.value = 100
    settings.checkPlace.value = 'stranger'
    settings.checkBudget.value = '0.000003'
  }
  const world = await answered({ check: (transcript, how) => checking(transcript, how, { cost }) }, strangers)
  await world.clock.advance(10)
  expect(world.asked).toMatchObject([{ how: { by: 'peer', maxCost: 2_400_000_000_000n } }])
  expect(world.desk.share.left).toBe(2_000_000_000_000n)
  world.ask.send('Another.')
  await world.clock.advance(50)
  expect(world.asked, 'the next may cost more than is left').toHaveLength(1)
})

it('keeps what was paid on record and off the budget when a check is cancelled, and gives back what was not', async () => {
  const cost = baseUnits(1_000_000_000_000n)
  const strangers = (settings: Settings): void => {
    settings.checkPercent.value = 100
    settings.checkPlace.value = 'stranger'
    settings.checkBudget.value = '0.000003'
  }
  const first = named('bbbbbb')
  const reason = new InfernetError('verify.busy')
  const until = (step: 'asked' | 'reading' | 'passed-over'): Partial<Scene> => ({
    check: async function* (_, __, signal) {
      yield { type: 'asked', verifier: first, backend: 'wasm', cost }
      if (step === 'reading') yield { type: 'reading', verifier: first }
      if (step === 'passed-over') yield { type: 'passed-over', verifier: first, reason }
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(InfernetError.from(signal.reason))),
      )
    },
  })
  const cancelled = async (step: 'asked' | 'reading' | 'passed-over') => {
    const { desk, booked, id, clock } = await answered(until(step), strangers)
    await clock.advance(10)
    desk.cancel(id)
    await clock.advance(10)
    return [booked, desk.share.left]
  }
  expect(await cancelled('reading')).toEqual([[[first, cost]], 2_000_000_000_000n])
  expect(await cancelled('asked'), 'it may have the money').toEqual([[], 2_000_000_000_000n])
  expect(await cancelled('passed-over')).toEqual([[], 3_000_000_000_000n])
})

it('reads an answer of an accused provider again by itself where the model is here, and says why', async () => {
  const world = await answered({ wantsCheck: new Set([named('aaaaaa')]) })
  await world.clock.advance(10)
  expect(world.asked).toMatchObject([{ how: { by: 'self' } }])
  expect(world.turn().checks).toMatchObject([{ cause: 'wanted', found: { by: 'self' } }])
  expect(world.desk.share.checksLeft, 'it is free').toBe(200)
  const pressed = world.desk.check(world.id, 'self')
  expect(world.desk.checkingOf(world.id)?.cause).toBeUndefined()
  await world.clock.advance(10)
  await pressed
})

it('shows no stranger the prompt for an accusation, unless the visitor has a share checked: then one', async () => {
  const elsewhere: Partial<Scene> = { modelsHere: [], wantsCheck: new Set([named('aaaaaa')]) }
  const none = await answered(elsewhere)
  await none.clock.advance(10)
  expect(none.asked).toEqual([])
  const alone = await answered(elsewhere, (settings) => {
    settings.checkPercent.value = 1
    settings.checkPlace.value = 'tab'
  })
  await alone.clock.advance(10)
  expect(alone.asked).toEqual([])
  const on = await answered(elsewhere, (settings) => (settings.checkPercent.value = 1))
  await on.clock.advance(10)
  expect(on.asked).toMatchObject([{ how: { by: 'peer' } }])
  expect(on.turn().checks).toMatchObject([{ cause: 'wanted', found: { by: 'peer' } }])
  on.ask.send('Another.')
  await on.clock.advance(50)
  expect(on.asked, 'each costs').toHaveLength(1)
})

it('checks the part of one of two by itself, and marks the text by its own writer alone', async () => {
  const [kept, stopped] = [transcriptOf('aaaaaa', '01'), transcriptOf('bbbbbb', '02')]
  const world = await answered({
    ask: parted([kept, stopped]),
    check: (transcript, how) =>
      checking(transcript, how, transcript === stopped ? { outcome: 'differs', difference: 'tokens' } : {}),
  })
  const check = async (only: string) => {
    const done = world.desk.check(world.id, 'self', { only: [named(only)] })
    await world.clock.advance(10)
    await done
  }
  await check('bbbbbb')
  expect(world.asked.map(({ transcript }) => transcript)).toEqual([stopped])
  expect(world.desk.markOf(world.turn()), 'not of this text').toBe('none')
  await check('aaaaaa')
  expect(world.asked.map(({ transcript }) => transcript)).toEqual([stopped, kept])
  expect(world.desk.markOf(world.turn())).toBe('agrees')
  await check('cccccc')
  expect(world.desk.failureOf(world.id)?.code).toBe('verify.not-kept')
})
