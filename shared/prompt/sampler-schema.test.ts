import { describe, expect, it } from 'vitest'
import type { SamplerParams } from '../engine/engine.ts'
import { checkParams } from '../engine/sampler/params.ts'
import { decode, encode } from '../wire/codec.ts'
import { samplerSchema } from './messages.ts'

const bare: SamplerParams = { temperature: 0.7, topP: 0.9 }
const full: SamplerParams = {
  temperature: 2,
  topP: 0,
  topK: 1024,
  minP: 1,
  repetitionPenalty: 0.5,
  presencePenalty: -2,
  frequencyPenalty: 2,
  logitBias: Array.from({ length: 300 }, (_, v) => [v * 3000, v % 2 === 0 ? 100 : -99.5] as const),
  stop: Array.from({ length: 8 }, () => Array<number>(16).fill(2 ** 20 - 1)),
  grammar: { kind: 'json-schema', schema: 'x'.repeat(16_384) },
}

describe('the sampler on the wire', () => {
  it.each<[string, SamplerParams]>([
    ['nothing that may be left out', bare],
    ['everything at its bounds', full],
    ['top-k off', { ...bare, topK: -1 }],
    ['any JSON', { ...bare, grammar: { kind: 'json' } }],
    ['a grammar', { ...bare, grammar: { kind: 'gbnf', grammar: 'root ::= "a"' } }],
  ])('comes back as it was sent, with %s', (_, params) => {
    const received: SamplerParams = decode(samplerSchema, encode(params))
    expect(received).toEqual(params)
    // What the wire lets through, the engine takes.
    expect(() => checkParams(received, new Uint8Array(32), 2 ** 20)).not.toThrow()
  })

  it.each<[string, object]>([
    ['temperature', { temperature: 2.01 }],
    ['temperature', { temperature: -0.01 }],
    ['topP', { topP: -0.01 }],
    ['topP', { topP: 1.01 }],
    ['topK', { topK: -2 }],
    ['topK', { topK: 1025 }],
    ['topK', { topK: 1.5 }],
    ['minP', { minP: 1.01 }],
    ['repetitionPenalty', { repetitionPenalty: 0.4 }],
    ['repetitionPenalty', { repetitionPenalty: 2.1 }],
    ['presencePenalty', { presencePenalty: 2.1 }],
    ['frequencyPenalty', { frequencyPenalty: -2.1 }],
    ['logitBias', { logitBias: Array.from({ length: 301 }, (_, v) => [v, 0]) }],
    ['logitBias.0.0', { logitBias: [[2 ** 20, 0]] }],
    ['logitBias.0.1', { logitBias: [[1, 100.1]] }],
    ['logitBias.0.2', { logitBias: [[1, 1, 1]] }],
    ['stop', { stop: Array.from({ length: 9 }, () => [1]) }],
    ['stop.0', { stop: [[]] }],
    ['stop.0', { stop: [Array<number>(17).fill(1)] }],
    ['stop.0', { stop: [[-1]] }],
    ['grammar.schema', { grammar: { kind: 'json-schema', schema: 'x'.repeat(16_385) } }],
    ['grammar.schema', { grammar: { kind: 'json-schema' } }],
    ['grammar.kind', { grammar: { kind: 'regex', pattern: 'a' } }],
    ['grammar.more', { grammar: { kind: 'json', more: 1 } }],
    ['mirostat', { mirostat: 2 }],
  ])('is refused with %s out of bounds: case %#', (field, change) => {
    expect(() => decode(samplerSchema, encode({ ...bare, ...change }))).toThrow(
      expect.objectContaining({ code: 'wire.malformed', facts: { field } }),
    )
  })
})
