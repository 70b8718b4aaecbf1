import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { someModel } from '../testing/peers.ts'
import { encode } from '../wire/codec.ts'
import { MAX_QUESTION_BYTES, MAX_TOKEN_ID } from '../wire/limits.ts'
import { decodeQuestion, encodeQuestion, questionOf, type Question } from './question.ts'

const question: Question = {
  ...{ task: 'text-generation', model: someModel(), promptTokens: [5, 6], priorTokens: [7] },
  ...{ sampler: { temperature: 0.7, topP: 0.9 }, maxTokens: 30, seed: null },
  ...{ consumerNonce: new Uint8Array(32).fill(1), salt: new Uint8Array(16).fill(2) },
}
const plain = { ...question, model: fromHex(question.model) }

describe('a question', () => {
  it('comes back as it went, in one encoding', () => {
    expect(decodeQuestion(encodeQuestion(question))).toEqual(question)
    const turned = Object.fromEntries(Object.entries(question).toReversed()) as unknown as Question
    expect(encodeQuestion(turned)).toEqual(encodeQuestion(question))
  })

  it('asks for what is left after the tokens that another provider wrote', () => {
    const { task, model, promptTokens, sampler } = question
    const prompt = { task, model, promptTokens, sampler, maxTokens: 31, maxOutputPrice: undefined }
    const { consumerNonce, salt, priorTokens } = question
    expect(questionOf({ prompt, priorTokens, consumerNonce, salt, seed: undefined })).toEqual(question)
  })

  it('fits its frame with the longest text, wherever it is cut, and the largest sampler', () => {
    const ids = (length: number): number[] => Array.from({ length }, () => MAX_TOKEN_ID)
    const sampler = {
      ...{ temperature: 0.123456789, topP: 0.123456789, topK: 1024, minP: 0.123456789 },
      ...{ repetitionPenalty: 1.23456789, presencePenalty: 1.23456789, frequencyPenalty: 1.23456789 },
      logitBias: Array.from({ length: 300 }, () => [MAX_TOKEN_ID, 1.23456789] as const),
      stop: Array.from({ length: 8 }, () => ids(16)),
      grammar: { kind: 'gbnf' as const, grammar: '本'.repeat(16_384) },
    }
    for (const written of [1, 8192]) {
      const longest = { ...question, sampler, promptTokens: ids(32_768 - written), priorTokens: ids(written) }
      const bytes = encodeQuestion(longest)
      expect(bytes.length).toBeLessThanOrEqual(MAX_QUESTION_BYTES)
      expect(decodeQuestion(bytes).priorTokens).toHaveLength(written)
    }
    const tooLong = { ...question, promptTokens: ids(32_767), priorTokens: ids(2) }
    expect(() => decodeQuestion(encodeQuestion(tooLong))).toThrow(
      expect.objectContaining({ code: 'wire.malformed' }),
    )
  })

  it.each<[string, object]>([
    ['a field that is not known', { mood: 'good' }],
    ['a map of optional fields, because it is hashed', { optional: {} }],
    ['another task', { task: 'painting' }],
    ['no prompt', { promptTokens: [] }],
    ['a short salt', { salt: new Uint8Array(15) }],
    ['a short nonce', { consumerNonce: new Uint8Array(31) }],
    ['no tokens wanted', { maxTokens: 0 }],
    ['a sampler out of bounds', { sampler: { temperature: 3, topP: 1 } }],
  ])('is refused with %s', (_, changes) => {
    expect(() => decodeQuestion(encode({ ...plain, ...changes }))).toThrow(
      expect.objectContaining({ code: 'wire.malformed' }) as Error,
    )
  })

  it('is read or refused by its name, whatever the bytes are', () => {
    const bytes = encodeQuestion(question)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const changed = bytes.slice(0, length)
        if (at < length) changed[at] = value
        try {
          expect(decodeQuestion(changed)).toMatchObject({ task: 'text-generation' })
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InfernetError)
          expect(thrown).toMatchObject({ code: 'wire.malformed' })
        }
      }),
      { numRuns: 300 },
    )
  })
})
