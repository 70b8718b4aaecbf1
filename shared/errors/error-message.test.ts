import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPlainLine } from '../base/text-bounds.ts'
import { CODE_TABLE, type ErrorCode } from './code-table.ts'
import {
  errorFromMessage,
  errorFromPeer,
  errorToMessage,
  MAX_FACT_CHARACTERS,
  MAX_FACTS,
  type ErrorMessage,
} from './error-message.ts'
import { InfernetError } from './infernet-error.ts'

const CODES = Object.keys(CODE_TABLE) as ErrorCode[]
const code = fc.oneof(fc.constantFrom(...CODES), fc.string({ unit: 'binary', maxLength: 80 }))
const facts = fc.dictionary(
  fc.oneof(fc.constantFrom('reason', 'tokens', 'path', 'field', '__proto__'), fc.string({ unit: 'binary' })),
  fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.double(), fc.boolean()),
  { maxKeys: 20 },
)

describe('a failure that crosses a border', () => {
  it.each(CODES)('%s comes back as itself', (name) => {
    const error = new InfernetError(name, { tokens: 7, reason: 'nonce', isNew: true })
    const message = structuredClone(errorToMessage(error))
    for (const back of [errorFromMessage(message), errorFromPeer(message)]) {
      expect(back).toMatchObject({ code: name, facts: { tokens: 7, reason: 'nonce', isNew: true } })
      expect(back.message).toBe(error.message)
    }
  })

  it('takes no sentence, no stack and no cause along', () => {
    const thrown = new Error('secret path /home/me')
    expect(errorToMessage(thrown)).toEqual({ code: 'internal', facts: {} })
    const named = new InfernetError('engine.load-failed', { reason: 'no file' }, { cause: thrown })
    expect(errorToMessage(named)).toEqual({ code: 'engine.load-failed', facts: { reason: 'no file' } })
  })

  it('drops facts that are too many, too long, or no facts', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`f${'abcdefghijklmnopqrst'[i]}`, i]),
    )
    expect(Object.keys(errorToMessage(new InfernetError('internal', many)).facts)).toHaveLength(MAX_FACTS)
    const odd = { long: 'x'.repeat(500), bad: Number.NaN, far: Infinity, none: undefined, 'a b': 1, ok: 1 }
    const message = errorToMessage(new InfernetError('internal', odd))
    expect(message.facts).toEqual({ long: 'x'.repeat(MAX_FACT_CHARACTERS), ok: 1 })
  })

  it('becomes "refused" under a code that this version does not know', () => {
    const back = errorFromPeer({ code: 'stream.too-clever', facts: { reason: 'x' } })
    expect(back).toMatchObject({ code: 'peer.refused', facts: { code: 'stream.too-clever' } })
    for (const odd of [
      '<b>give up</b>',
      'toString',
      '__proto__',
      'Visit us',
      'x'.repeat(60),
      '\u202eevil',
      '',
    ])
      expect(errorFromPeer({ code: odd, facts: {} }).message).toBe(new InfernetError('peer.refused').message)
    expect(errorFromPeer({ code: '<b>give up</b>', facts: {} }).facts).toEqual({})
  })
})

describe('what a stranger writes', () => {
  it.each([
    '<img src=x onerror=alert(1)>',
    '<b>bold</b>',
    'https://evil.example/fix',
    'evil.example',
    'Please send your key to us',
    'a\u202egnp.exe',
    'a\u200bb',
    'line\nbreak',
    '"quoted"',
    "it's",
    '&lt;',
    'x'.repeat(65),
  ])('never stands in our sentence: %j', (text) => {
    for (const name of CODES) {
      const back = errorFromPeer({ code: name, facts: { reason: text, path: text, field: text, has: text } })
      expect(back.message).toBe(new InfernetError(name).message)
      expect(Object.values(back.facts)).toEqual([])
    }
  })

  it('gives an error of ours with words and numbers only, whatever it is', () => {
    fc.assert(
      fc.property(code, facts, (name, given) => {
        const back = errorFromPeer({ code: name, facts: given })
        expect(CODES).toContain(back.code)
        expect(back.message).not.toMatch(/[<>&\u202a-\u202e\u2066-\u2069]/)
        for (const [key, value] of Object.entries(back.facts)) {
          expect(key).toMatch(/^[a-zA-Z]{1,24}$/)
          if (typeof value === 'string') expect(value).toMatch(/^[\w.-]{1,62}$/)
          if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true)
        }
        expect(Object.keys(back.facts).length).toBeLessThanOrEqual(MAX_FACTS)
      }),
    )
  })

  it('stays one plain line even when our own worker says it', () => {
    fc.assert(
      fc.property(code, facts, (name, given) => {
        const back = errorFromMessage({ code: name, facts: given } satisfies ErrorMessage)
        expect(isPlainLine(back.message)).toBe(true)
        expect(back.message.length).toBeLessThan(400)
      }),
    )
  })
})
