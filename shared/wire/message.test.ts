import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { decode, encode } from './codec.ts'
import { integer } from './fields.ts'
import { MAX_OPTIONAL_FIELDS, MAX_OPTIONAL_NAME, MAX_OPTIONAL_VALUE, message } from './message.ts'

const schema = v.variant('type', [
  message({ type: v.literal('ask'), limit: integer(1, 9) }, { queue: v.exactOptional(integer(0, 100)) }),
  message({ type: v.literal('stop') }),
])
const read = (value: unknown) => decode(schema, encode(value))
const malformed = (field: string) =>
  expect.objectContaining({ code: 'wire.malformed', facts: { field } }) as Error

describe('a message', () => {
  it('is read without any optional field, and with those that are known', () => {
    expect(read({ type: 'ask', limit: 3 })).toEqual({ type: 'ask', limit: 3 })
    expect(read({ type: 'ask', limit: 3, optional: { queue: 7 } })).toEqual({
      type: 'ask',
      limit: 3,
      optional: { queue: 7 },
    })
  })

  it('drops an optional field that it does not know, whatever a later version puts there', () => {
    const value = fc.oneof(
      fc.string({ maxLength: MAX_OPTIONAL_VALUE }),
      fc.boolean(),
      fc.integer(),
      fc.uint8Array({ maxLength: MAX_OPTIONAL_VALUE }),
    )
    const name = fc.string({ minLength: 1, maxLength: MAX_OPTIONAL_NAME }).filter((each) => each !== 'queue')
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: MAX_OPTIONAL_FIELDS }), (optional) => {
        expect(read({ type: 'stop', optional })).toEqual({ type: 'stop', optional: {} })
        expect(read({ type: 'ask', limit: 1, optional: { ...optional } })).toMatchObject({ limit: 1 })
      }),
    )
  })

  it('wants none of the optional fields that it knows: an older peer says fewer, a newer one others', () => {
    const answer = message({ type: v.literal('yes') }, { queue: integer(0, 9), mood: integer(0, 9) })
    for (const optional of [{}, { queue: 1 }, { mood: 2 }, { queue: 1, mood: 2 }])
      expect(decode(answer, encode({ type: 'yes', optional }))).toEqual({ type: 'yes', optional })
  })

  it('refuses every other unknown field by its name', () => {
    expect(() => read({ type: 'ask', limit: 3, colour: 'red' })).toThrow(malformed('colour'))
    expect(() => read({ type: 'stop', limit: 3 })).toThrow(malformed('limit'))
  })

  it('checks an optional field that it knows', () => {
    expect(() => read({ type: 'ask', limit: 3, optional: { queue: 101 } })).toThrow(
      malformed('optional.queue'),
    )
  })

  it('bounds what it skips', () => {
    const many = Object.fromEntries(Array.from({ length: MAX_OPTIONAL_FIELDS + 1 }, (_, i) => [`f${i}`, 1]))
    expect(() => read({ type: 'stop', optional: many })).toThrow(malformed('optional'))
    const long = { x: 'a'.repeat(MAX_OPTIONAL_VALUE + 1) }
    expect(() => read({ type: 'stop', optional: long })).toThrow(malformed('optional.x'))
    expect(() => read({ type: 'stop', optional: { ['n'.repeat(MAX_OPTIONAL_NAME + 1)]: 1 } })).toThrow(
      expect.objectContaining({ code: 'wire.malformed' }) as Error,
    )
    expect(() => read({ type: 'stop', optional: { x: [1] } })).toThrow(malformed('optional.x'))
  })
})
