import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../engine/create-engine.ts'
import type { Engine, SamplerParams } from '../../engine/engine.ts'
import { readAgain } from '../../testing/played-check.ts'
import { signedAnswer, type PlayedJob, type SignedAnswer } from '../../testing/signed-answer.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '../../testing/tiny-model.ts'
import { envelopeFor } from '../calibration/envelope-for.ts'
import type { Judgement } from './judge.ts'

const envelope = envelopeFor('fp32')
const seedOf = (digit: number): Uint8Array => new Uint8Array(32).fill(digit)
const usual: SamplerParams = { temperature: 0.8, topP: 0.95 }
const STORY = 'Tell me a story about a fox and a lantern.'

describe('an answer that was written and read by real engines', () => {
  let model: TinyModel
  let engine: Engine
  let coarse: Engine

  beforeAll(async () => {
    model = await readTinyModel('fp32')
    engine = await createEngine(await wasmComponents(model.files), { manifest: model.manifest })
    const q4 = await readTinyModel('q4')
    coarse = await createEngine(await wasmComponents(q4.files), { manifest: q4.manifest })
  })
  afterAll(() => Promise.all([engine.close(), coarse.close()]))

  const promptOf = (text: string): readonly number[] =>
    model.tokenizer.encodeChat([{ role: 'user', content: text }])
  const write = (changes: Partial<PlayedJob> = {}): Promise<SignedAnswer> =>
    signedAnswer({
      ...{ engine, model: engine.info.model, promptTokens: promptOf(STORY), sampler: usual },
      ...{ seed: seedOf(1), maxTokens: 200 },
      ...changes,
    })
  const check = (answer: SignedAnswer): Promise<Judgement> => readAgain(engine, answer, envelope)
  /** Writes as it likes, whatever it was asked. */
  const cheating = (
    change: (request: Parameters<Engine['generate']>[0]) => Parameters<Engine['generate']>[0],
  ) => ({
    generate: (request: Parameters<Engine['generate']>[0]) => engine.generate(change(request)),
  })

  it.each<[string, SamplerParams]>([
    ['greedy', { temperature: 0, topP: 1 }],
    ['with all tokens', { temperature: 1, topP: 1 }],
    ['with top-k', { temperature: 1, topP: 1, topK: 20 }],
    ['with top-p', { temperature: 1, topP: 0.8 }],
    ['with min-p', { temperature: 1.2, topP: 1, minP: 0.1 }],
    [
      'with a bias',
      {
        ...usual,
        logitBias: [
          [300, 2],
          [400, -100],
        ],
      },
    ],
    ['with penalties', { ...usual, repetitionPenalty: 1.2, presencePenalty: 0.4, frequencyPenalty: 0.3 }],
    [
      'with a form',
      { temperature: 1, topP: 0.95, grammar: { kind: 'gbnf', grammar: 'root ::= ([a-z]+ " "){40,60} "."' } },
    ],
  ])('agrees %s', async (_, sampler) => {
    const answer = await write({ sampler })
    expect(answer.proven.tokens.length).toBeGreaterThanOrEqual(32)
    expect(await check(answer)).toMatchObject({ outcome: 'agrees', findings: { largestMargin: 0 } })
  })

  it.each<[string, SamplerParams]>([
    ['the penalties', { ...usual, repetitionPenalty: 1.5, presencePenalty: 1.5, frequencyPenalty: 1 }],
    [
      'the form',
      { temperature: 1, topP: 0.95, grammar: { kind: 'gbnf', grammar: 'root ::= ([a-z]+ " "){40,60} "."' } },
    ],
  ])('differs where its provider left out %s: the verifier applies the same mask', async (_, sampler) => {
    const plain = cheating((request) => ({ ...request, sampler: usual }))
    expect(await check(await write({ engine: plain, sampler }))).toMatchObject({
      ...{ outcome: 'differs', difference: 'tokens' },
    })
  })

  it('agrees where a stop sequence ended it', async () => {
    const whole = await write()
    const stop = [whole.proven.tokens.slice(40, 42)]
    const answer = await write({ sampler: { ...usual, stop } })
    expect(answer.proven.tokens).toEqual(whole.proven.tokens.slice(0, 42))
    expect((await check(answer)).outcome).toBe('agrees')
  })

  it('agrees at the end of the context', async () => {
    const { contextLength } = engine.info
    const promptTokens = Array.from({ length: contextLength - 40 }, (_, i) => promptOf(STORY)[i % 12] ?? 1)
    const answer = await write({ promptTokens, sampler: { temperature: 2, topP: 1 }, maxTokens: 40 })
    expect(promptTokens.length + answer.proven.tokens.length).toBe(contextLength)
    expect(await check(answer)).toMatchObject({ outcome: 'agrees', findings: { largestMargin: 0 } })
  })

  it('that three providers wrote one after the other is judged in its parts', async () => {
    const whole = (await write()).proven.tokens
    const cuts = [0, 32, 64, whole.length]
    const parts = await Promise.all(
      cuts.slice(0, -1).map((from, i) =>
        write({
          priorTokens: whole.slice(0, from),
          maxTokens: (cuts[i + 1] ?? 0) - from,
          ...(i === 1 && { engine: coarse }),
        }),
      ),
    )
    const outcomes = await Promise.all(parts.map(check))
    // The middle one cheats, and is the only one that differs; the last is short.
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['agrees', 'differs', 'inconclusive'])
    expect(outcomes[2]?.reason).toBe('too-short')
    const later = await write({ priorTokens: whole.slice(0, 40) })
    expect(later.proven.tokens).toEqual(whole.slice(40))
    expect((await check(later)).outcome).toBe('agrees')
  })

  it('is vouched for by nobody when it is short', async () => {
    const answer = await write({ maxTokens: 31 })
    expect(await check(answer)).toMatchObject({ outcome: 'inconclusive', reason: 'too-short' })
    expect((await check(await write({ maxTokens: 32 }))).outcome).toBe('agrees')
  })

  describe('by a cheat of 64 tokens and more', () => {
    const stories = ['fox and a lantern', 'dog', 'bear and a boat', 'girl and a star', 'cat and a hat'].map(
      (what) => `Tell me a story about a ${what}.`,
    )
    const cheats: Readonly<Record<string, () => Pick<Engine, 'generate'>>> = {
      'another seed': () => cheating((request) => ({ ...request, seed: seedOf(77) })),
      '4-bit weights for 32-bit ones': () => coarse,
      'a temperature that it ignores': () =>
        cheating((request) => ({ ...request, sampler: { temperature: 0, topP: 1 } })),
      'a context that it cuts short': () =>
        cheating((request) => ({ ...request, promptTokens: request.promptTokens.slice(4) })),
    }

    it.each(Object.keys(cheats))('always differs with %s', async (name) => {
      let long = 0
      for (const [i, text] of stories.entries()) {
        const answer = await write({
          ...{ engine: cheats[name]!(), promptTokens: promptOf(text), seed: seedOf(i + 10) },
          sampler: { temperature: 1, topP: 1 },
        })
        if (answer.proven.tokens.length < 64) continue
        long++
        expect((await check(answer)).outcome).toBe('differs')
      }
      expect(long).toBeGreaterThanOrEqual(3)
    })

    it('never differs without one', async () => {
      for (const [i, text] of stories.entries())
        for (const sampler of [usual, { temperature: 1, topP: 1 }, { temperature: 0, topP: 1 }]) {
          const answer = await write({ promptTokens: promptOf(text), seed: seedOf(i + 10), sampler })
          expect((await check(answer)).outcome).not.toBe('differs')
        }
    })
  })
})
