import { expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { askLocally, type AskLocallyOptions } from './ask-locally.ts'
import type { TextEvent } from './ask-text.ts'

const { tokenizer } = await readTinyModel('fp32')
const seed = new Uint8Array(32).fill(5)
const prompt: Prompt = {
  task: 'text-generation',
  model: modelHash('f'.repeat(64)),
  promptTokens: [1, 2, 3],
  sampler: { temperature: 1, topP: 1 },
  maxTokens: 64,
  maxOutputPrice: undefined,
}
const textOf = (events: readonly TextEvent[]): string =>
  events.map((event) => ('text' in event ? event.text : '')).join('')
const idsOf = (events: readonly TextEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'tokens' ? event.tokens : []))

async function ask(
  options: Partial<AskLocallyOptions> = {},
  { answer, changed = prompt }: { answer?: readonly number[]; changed?: Prompt } = {},
) {
  const clock = new FakeClock()
  const engine = createFakeEngine({ clock, answer, answerLength: 20 })
  const events: TextEvent[] = []
  for await (const event of askLocally({ engine, tokenizer, clock }, changed, { seed, ...options }))
    events.push(event)
  expect(engine.active).toBe(0)
  return events
}

it('tells the events of askText, with nobody who wrote, signed or is owed', async () => {
  const events = await ask()
  expect(events[0]).toEqual({ type: 'local', position: 0, seed })
  const done = events.at(-1)
  expect(done).toMatchObject({
    type: 'done',
    summary: { finish: 'stop', segments: [], promptTokens: 3, outputTokens: 20, due: 0n, paid: 0n },
  })
  expect(textOf(events)).toBe(tokenizer.decode(idsOf(events) as never))
})

it('goes on where another stopped, to the token', async () => {
  const whole = idsOf(await ask())
  const events = await ask({
    seed: new Uint8Array(32),
    begun: { tokens: whole.slice(0, 7), seed, segments: [] },
  })
  expect(events[0]).toEqual({ type: 'local', position: 7, seed })
  expect(events[1]).toMatchObject({ type: 'begun', tokens: whole.slice(0, 7) })
  expect(idsOf(events)).toEqual(whole.slice(7))
  expect(events.at(-1)).toMatchObject({ summary: { outputTokens: 20 } })
})

it('keeps the length that was asked for, with what there was already', async () => {
  const whole = idsOf(await ask())
  const changed = { ...prompt, maxTokens: 10 }
  const events = await ask({ begun: { tokens: whole.slice(0, 7), seed, segments: [] } }, { changed })
  expect(idsOf(events)).toEqual(whole.slice(7, 10))
  expect(events.at(-1)).toMatchObject({ summary: { finish: 'length', outputTokens: 10 } })
})

it('ends at a stop, and shows nothing of it', async () => {
  const text = textOf(await ask())
  const stop = text.slice(12, 15)
  const events = await ask({ stop: [stop] })
  expect(textOf(events)).toBe(text.slice(0, text.indexOf(stop)))
  expect(events.at(-1)).toMatchObject({ type: 'done', summary: { finish: 'stop' } })
})

it('ends with the reason when it is stopped, what came is told', async () => {
  const clock = new FakeClock()
  const engine = createFakeEngine({ clock, tokensPerSecond: 10 })
  const stopped = new AbortController()
  const events: TextEvent[] = []
  const asking = (async () => {
    const options = { seed, signal: stopped.signal }
    for await (const event of askLocally({ engine, tokenizer, clock }, prompt, options)) events.push(event)
  })()
  const failed = expect(asking).rejects.toThrow('enough')
  await clock.advance(1000)
  stopped.abort(new Error('enough'))
  await clock.advance(1000)
  await failed
  expect(idsOf(events).length).toBeGreaterThan(3)
  expect(engine.active).toBe(0)
})
