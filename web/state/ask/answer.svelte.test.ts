import { expect, it } from 'vitest'
import { baseUnits, millis, tokens } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Answer } from './answer.svelte.ts'
import { answerText, continuationOf } from './conversation.ts'
import { named, segment, TINY } from '../testing/samples.ts'

const prompt = {
  task: 'text-generation' as const,
  model: TINY,
  promptTokens: [7],
  sampler: { temperature: 1, topP: 1 },
  maxTokens: 64,
  maxOutputPrice: undefined,
}
const seed = new Uint8Array(32).fill(9)

function begun(clock = new FakeClock()): { answer: Answer; clock: FakeClock } {
  const answer = new Answer({ clock })
  answer.begin({ prompt, reasoning: undefined, droppedTurns: 0 })
  return { answer, clock }
}

const first = segment('aaaaaa')
const second = segment('bbbbbb', { from: 3 })

it('goes from searching to answering to done and counts what came here', async () => {
  const { answer, clock } = begun()
  expect(answer.stage).toBe('searching')
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  await clock.advance(200)
  answer.take({ type: 'tokens', tokens: [1, 2], text: '1 2 ' })
  expect(answer).toMatchObject({ stage: 'answering', fresh: 2, writer: named('aaaaaa') })
  expect(answer.record).toMatchObject({ tokens: 2, ttftMs: 200 })
  await clock.advance(100)
  answer.take({ type: 'tokens', tokens: [3], text: '3 ' })
  expect(answer.record.tokensPerSecond).toBe(10)
  const summary = {
    finish: 'length' as const,
    segments: [{ ...first, tokens: tokens(3), signedTokens: tokens(3) }],
    promptTokens: tokens(5),
    outputTokens: tokens(3),
    due: baseUnits(7n),
    paid: baseUnits(0n),
    ttftMs: millis(210),
    tokensPerSecond: 20,
  }
  answer.take({ type: 'text', text: '.' })
  answer.take({ type: 'done', summary })
  expect(answer.record).toMatchObject({ stage: 'done', cut: true, due: 7n, tokensPerSecond: 20, ttftMs: 210 })
  expect(answerText(answer.record)).toBe('1 2 3 .')
})

it('says since when a provider loads the model, until it writes or another one is looked for', async () => {
  const { answer, clock } = begun()
  answer.take({ type: 'searching', attempt: 1 })
  expect(answer.loadMs).toBeUndefined()
  await clock.advance(3000)
  const since = clock.now()
  answer.take({ type: 'waiting', reason: new InfernetError('stream.busy') })
  answer.take({ type: 'loading', provider: named('aaaaaa'), loadMs: millis(20_000) })
  expect(answer.waitsFor, 'somebody was found').toBeUndefined()
  await clock.advance(5000)
  expect([answer.searchingSince, answer.loadMs]).toEqual([since, 20_000])
  answer.take({ type: 'searching', attempt: 2 })
  expect(answer.loadMs).toBeUndefined()
  answer.take({ type: 'loading', provider: named('bbbbbb'), loadMs: millis(9000) })
  answer.take({ type: 'assigned', position: 0, segment: second, seed })
  expect(answer.loadMs).toBeUndefined()
})

it('says since when this round of looking lasts', async () => {
  const { answer, clock } = begun()
  expect(answer.searchingSince).toBe(clock.now())
  await clock.advance(9000)
  answer.take({ type: 'searching', attempt: 2 })
  expect([answer.attempt, answer.searchingSince]).toEqual([2, clock.now()])
})

it('keeps what was not signed, and says that it is not owed', () => {
  const { answer } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.take({ type: 'tokens', tokens: [1, 2, 3], text: '1 2 3 ' })
  const signed = { ...first, tokens: tokens(2), signedTokens: tokens(2), due: baseUnits(2n) }
  answer.take({ type: 'chunk', index: 1, due: baseUnits(2n), segment: signed })
  answer.take({
    type: 'seam',
    position: 3,
    lost: first.provider,
    reason: new InfernetError('stream.provider-lost'),
  })
  expect(answer.stage).toBe('searching')
  expect(answer.record.pieces.at(-1)).toMatchObject({
    text: '',
    seam: { position: 3, unowed: 1, next: undefined },
  })

  answer.take({ type: 'searching', attempt: 2 })
  answer.take({ type: 'assigned', position: 3, segment: second, seed })
  answer.take({ type: 'resumed', position: 3, provider: second.provider, gapMs: millis(1200) })
  answer.take({ type: 'tokens', tokens: [4], text: '4 ' })
  expect(answer.record.pieces).toMatchObject([
    { seam: undefined, text: '1 2 3 ' },
    { seam: { lost: first.provider, next: second.provider, gapMs: 1200 }, text: '4 ' },
  ])
  expect(answer.record.segments.map((each) => each.tokens)).toEqual([3, 1])
})

it('forgets who took the job and left before a token', () => {
  const { answer } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.take({ type: 'assigned', position: 0, segment: second, seed })
  expect(answer.record.segments.map((each) => each.provider)).toEqual([second.provider])
})

it('ends with what a part came to when it was stopped, its last payment in it', () => {
  const { answer } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.take({ type: 'tokens', tokens: [1, 2], text: '1 2 ' })
  const cost = { due: baseUnits(32n), paid: baseUnits(32n) }
  const last = { ...first, tokens: tokens(33), signedTokens: tokens(32), ...cost }
  answer.take({ type: 'ended', wasAssigned: true, due: baseUnits(32n), segment: last })
  answer.stop()
  expect(answer.record).toMatchObject({ due: 32n, segments: [last], tokens: 2 })
})

it('names whoever was paid for a prompt and never took it, beside the one that wrote', () => {
  const { answer } = begun()
  const unserved = { ...first, paid: baseUnits(300n) }
  answer.take({ type: 'ended', wasAssigned: false, due: baseUnits(0n), segment: unserved })
  answer.take({ type: 'assigned', position: 0, segment: second, seed })
  expect(answer.record.segments).toEqual([unserved, second])
  const prepaid = { ...second, due: baseUnits(300n), paid: baseUnits(300n) }
  answer.take({ type: 'ended', wasAssigned: true, due: baseUnits(300n), segment: prepaid })
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  expect(answer.record.segments).toEqual([unserved, prepaid, first])
})

it('keeps the text when it is stopped or fails', () => {
  for (const end of ['stop', 'fail'] as const) {
    const { answer } = begun()
    answer.take({ type: 'assigned', position: 0, segment: first, seed })
    answer.take({ type: 'tokens', tokens: [1], text: '1 ' })
    answer.take({ type: 'text', text: '.' })
    if (end === 'stop') answer.stop()
    else answer.fail(new InfernetError('stream.silent', { silentMs: 9000 }))
    expect(answerText(answer.record)).toBe('1 .')
    expect(answer.stage).toBe(end === 'stop' ? 'stopped' : 'failed')
  }
})

it('is continued where it broke off, in the middle of a character and after a seam, and knows all its tokens', () => {
  const { answer, clock } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.take({ type: 'tokens', tokens: [1, 2], text: '1 2 ' })
  const reason = new InfernetError('stream.provider-lost')
  answer.take({ type: 'seam', position: 2, lost: first.provider, reason })
  answer.take({ type: 'assigned', position: 2, segment: second, seed })
  answer.take({ type: 'tokens', tokens: [3], text: '3 ' })
  answer.take({ type: 'text', text: '\ufffd' }) // half a character, held back until it broke off
  answer.stop()
  const before = answer.record
  expect(continuationOf(before)).toEqual({ prompt, seed, tokens: [1, 2, 3] })

  const next = new Answer({ clock, before })
  next.begin({ prompt, reasoning: undefined, droppedTurns: 0 })
  next.take({ type: 'begun', tokens: [1, 2, 3], text: '1 2 3 ' })
  expect(next.record).toMatchObject({ tokens: 3, stage: 'searching' })
  next.take({ type: 'waiting', reason: new InfernetError('stream.busy') })
  expect(next.waitsFor?.code).toBe('stream.busy')
  next.take({ type: 'assigned', position: 3, segment: first, seed })
  next.take({ type: 'resumed', position: 3, provider: first.provider, gapMs: millis(40) })
  next.take({ type: 'tokens', tokens: [4], text: 'ä' })
  expect(next.waitsFor).toBeUndefined()
  expect(answerText(next.record)).toBe('1 2 3 ä')
  expect(next.record.pieces.map(({ seam }) => seam && [seam.position, seam.isResumed])).toEqual([
    undefined,
    [2, undefined],
    [3, true],
  ])
  expect(next.record.segments.map((each) => each.tokens)).toEqual([2, 1, 1])
  next.fail(new InfernetError('payment.required'))
  expect(continuationOf(next.record)).toEqual({ prompt, seed, tokens: [1, 2, 3, 4] })
})

it('has nothing to continue before its first token, nor when it is complete', () => {
  const { answer } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.stop()
  expect(continuationOf(answer.record)).toBeUndefined()
})

it('tells of two how the whole compared where it was stopped and continued, and forgets nothing that cost', () => {
  const { answer } = begun()
  answer.take({ type: 'assigned', position: 0, segment: first, seed })
  answer.take({ type: 'second', due: baseUnits(0n), segment: second })
  answer.take({ type: 'tokens', tokens: [1, 2], text: '1 2 ' })
  const [own, other] = [first, second].map((each) => ({ ...each, tokens: tokens(2), due: baseUnits(5n) }))
  answer.take({ type: 'ended', wasAssigned: true, due: baseUnits(5n), segment: own! })
  answer.take({ type: 'second', due: baseUnits(10n), segment: other! })
  answer.take({
    type: 'compared',
    tokens: 2,
    same: true,
    reason: new InfernetError('stream.cancelled'),
  })
  answer.stop()
  const before = answer.record
  expect(before).toMatchObject({ due: 10n, comparison: { tokens: 2, reasonCode: 'stream.cancelled' } })
  const next = new Answer({ clock: new FakeClock(), before })
  next.begin({ prompt, reasoning: undefined, droppedTurns: 0 })
  expect(next.record.comparison).toEqual(before.comparison)
  next.take({ type: 'assigned', position: 2, segment: first, seed })
  next.take({ type: 'second', due: baseUnits(5n), segment: second })
  expect(next.record.due, 'the first due is of the text alone').toBe(10n)
  next.take({ type: 'tokens', tokens: [3], text: '3' })
  next.take({ type: 'compared', tokens: 1, same: true })
  expect(next.record.comparison).toEqual({ tokens: 3 })
  const done = {
    ...{ finish: 'stop' as const, promptTokens: tokens(5), outputTokens: tokens(3), paid: baseUnits(0n) },
    ...{ ttftMs: millis(210), tokensPerSecond: 20, due: baseUnits(7n) },
    segments: [own!, { ...first, from: 2, tokens: tokens(1), due: baseUnits(1n) }],
    second: [{ ...second, from: 2, tokens: tokens(1), due: baseUnits(1n) }],
  }
  next.take({ type: 'done', summary: done })
  expect(next.record).toMatchObject({ stage: 'done', tokens: 3, due: 12n })
  expect(next.record.second).toHaveLength(2)
})
