import { describe, expect, it } from 'vitest'
import { chainAddress, modelHash, peerName } from '../base/ids.ts'
import { baseUnits, millis, tokens } from '../base/units.ts'
import { splitReasoning } from '../engine/tokenizer/reasoning.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { AnswerEvent, AnswerSummary, Peer, Segment } from '../peer/peer.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { pricePerToken } from '../testing/prices.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { askText, type AskTextOptions, type TextEvent } from './ask-text.ts'

const { tokenizer } = await readTinyModel('fp32')
const prompt: Prompt = {
  task: 'text-generation',
  model: modelHash('a1'.repeat(32)),
  promptTokens: [1, 2, 3],
  sampler: { temperature: 0, topP: 1 },
  maxTokens: 64,
  maxOutputPrice: undefined,
}
const segment: Segment = {
  provider: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
  operator: chainAddress(`0x${'11'.repeat(20)}`),
  kind: 'tab',
  backend: 'wasm',
  path: 'webrtc',
  rttMs: millis(18),
  price: pricePerToken(0n, 1n),
  from: 0,
  tokens: tokens(0),
  signedTokens: tokens(0),
  chunks: 0,
  due: baseUnits(0n),
  paid: baseUnits(0n),
  tokensPerSecond: 0,
  isUsageDisputed: false,
}

/** A text in tokens of the bundled model, amid what its template writes. */
const idsOf = (content: string): readonly number[] => tokenizer.encodeChat([{ role: 'user', content }])

/** A peer that writes these tokens one by one, a millisecond each, and tells what an aborted part came to, as a real one. */
function writer(clock: FakeClock, ids: readonly number[], { fails }: { fails?: InfernetError } = {}) {
  const seen: { written: number; signal: AbortSignal | undefined } = { written: 0, signal: undefined }
  const at = (count: number): Segment => ({
    ...segment,
    tokens: tokens(count),
    signedTokens: tokens(count),
    due: baseUnits(BigInt(count)),
    paid: baseUnits(BigInt(count)),
  })
  const peer: Pick<Peer, 'ask'> = {
    async *ask(_prompt, { signal } = {}): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
      seen.signal = signal
      yield { type: 'searching', attempt: 1 }
      yield { type: 'assigned', position: 0, segment, seed: new Uint8Array(32) }
      for (const id of ids) {
        await clock.advance(1)
        if (signal?.aborted) {
          yield { type: 'ended', wasAssigned: true, due: at(seen.written).due, segment: at(seen.written) }
          throw new InfernetError('stream.cancelled')
        }
        seen.written++
        yield { type: 'tokens', tokens: [id] }
      }
      if (fails) throw fails
      const { due, paid } = at(ids.length)
      const summary: AnswerSummary = {
        finish: 'length',
        segments: [at(ids.length)],
        promptTokens: tokens(3),
        outputTokens: tokens(ids.length),
        due,
        paid,
        ttftMs: millis(1),
        tokensPerSecond: 1000,
      }
      yield { type: 'done', summary }
      return summary
    },
  }
  return { peer, seen }
}

async function read(ids: readonly number[], options?: AskTextOptions, fails?: InfernetError) {
  const clock = new FakeClock()
  const { peer, seen } = writer(clock, ids, fails ? { fails } : {})
  const events: TextEvent[] = []
  let thrown: unknown
  try {
    for await (const event of askText({ peer, tokenizer, clock }, prompt, options)) events.push(event)
  } catch (error) {
    thrown = error
  }
  const text = events.map((event) => ('text' in event ? event.text : '')).join('')
  const last = events.at(-1)
  return { events, text, thrown, seen, summary: last?.type === 'done' ? last.summary : undefined }
}

describe('an answer as text', () => {
  const story = idsOf('A fox found a lantern 🦊 by the river.')
  const whole = tokenizer.decode(story)

  it('is all that the model wrote, each event in its place', async () => {
    const { text, events, summary } = await read(story)
    expect(whole).toContain('lantern 🦊 by')
    expect(text).toBe(whole)
    expect(events.map(({ type }) => type).filter((type) => type !== 'tokens')).toEqual([
      'searching',
      'assigned',
      'done',
    ])
    expect(events.flatMap((event) => (event.type === 'tokens' ? event.tokens : []))).toEqual(story)
    expect(summary).toMatchObject({ finish: 'length', outputTokens: story.length })
  })

  it('ends before a stop that is written in several tokens, and the provider is told to stop', async () => {
    const { text, seen, thrown } = await read(story, { stop: ['never', 'lantern'] })
    expect(thrown).toBeUndefined()
    expect(text).toBe(whole.slice(0, whole.indexOf('lantern')))
    expect(seen.signal?.aborted).toBe(true)
    expect(seen.written).toBeLessThan(story.length)
  })

  it('says at a stop what it came to: every token that was written, what is due and what was paid', async () => {
    const { summary, seen } = await read(story, { stop: ['lantern'] })
    const count = seen.written
    expect(summary).toEqual({
      finish: 'stop',
      segments: [{ ...segment, tokens: count, signedTokens: count, due: BigInt(count), paid: BigInt(count) }],
      promptTokens: 3,
      outputTokens: count,
      due: BigInt(count),
      paid: BigInt(count),
      ttftMs: 1,
      tokensPerSecond: 1000,
    })
  })

  it('gives what was held back when no stop came of it', async () => {
    const { text, events } = await read(story, { stop: [`${whole.slice(-3)}!`] })
    expect(text).toBe(whole)
    expect(events.at(-2)).toEqual({ type: 'text', text: whole.slice(-3) })
  })

  it('counts as stopped, not as cut, when the stop is its last allowed word', async () => {
    const end = story.findIndex((_, at) => tokenizer.decode(story.slice(0, at + 1)).includes('.'))
    const { text, summary } = await read(story.slice(0, end + 1), { stop: ['.'] })
    expect(text).toBe(whole.slice(0, whole.indexOf('.')))
    expect(summary?.finish).toBe('stop')
  })

  it('gives what came and then throws, when it fails or is cancelled', async () => {
    const half = story.slice(0, story.findIndex((id) => tokenizer.decode([id]).includes('\ufffd')) + 1)
    const failed = await read(half, {}, new InfernetError('stream.silent', { silentMs: 9000 }))
    expect(failed.thrown).toMatchObject({ code: 'stream.silent' })
    expect(failed.events.at(-1)).toEqual({ type: 'text', text: '\ufffd' })
    const cancelled = await read(story, { signal: AbortSignal.abort(), stop: ['lantern'] })
    expect(cancelled.thrown).toMatchObject({ code: 'stream.cancelled' })
    expect(cancelled.summary).toBeUndefined()
  })

  it('keeps the marks of a thought, for who parts it from the answer', async () => {
    const { text } = await read(idsOf('<think>Hm.</think>Yes.'))
    const tags = { open: '<think>', close: '</think>', opened: false }
    const { reasoning, answer } = splitReasoning(text.slice(text.indexOf('<think>')), tags, true)
    expect(reasoning).toBe('Hm.')
    expect(answer).toContain('Yes.')
  })
})
