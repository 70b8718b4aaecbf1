import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGrammar, type GrammarVocabulary } from './grammar.ts'
import { createTokenTrie } from './token-trie.ts'

/** Token v is the byte v; 256 ends. */
const END = 256
const bytes: GrammarVocabulary = {
  trie: createTokenTrie([...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)), '']),
  eosTokens: new Set([END]),
}

const compile = (schema: unknown) => compileGrammar({ kind: 'json-schema', schema: JSON.stringify(schema) })

function accepts(schema: unknown, text: string): boolean {
  const matcher = compile(schema).match(bytes)
  const allows = (token: number): boolean =>
    ((matcher.allowed()[token >>> 5] ?? 0) >>> (token & 31)) % 2 !== 0
  for (const byte of new TextEncoder().encode(text)) {
    if (!allows(byte)) return false
    matcher.accept(byte)
  }
  return allows(END)
}

/** What fits, and what does not. */
function judges(schema: unknown, good: readonly string[], bad: readonly string[]): void {
  for (const text of good) expect(accepts(schema, text), `${JSON.stringify(schema)} ${text}`).toBe(true)
  for (const text of bad) expect(accepts(schema, text), `${JSON.stringify(schema)} ${text}`).toBe(false)
}

const string = { type: 'string' }
const integer = { type: 'integer' }

describe('references', () => {
  it('go through lists, and stand beside other keywords', () => {
    judges(
      { type: 'object', properties: { a: { anyOf: [string, { $ref: '#/properties/a/anyOf/0' }] } } },
      ['{"a":"x"}'],
      ['{"a":1}'],
    )
    judges(
      { $ref: '#/$defs/a%2Fb/prefixItems/1', $defs: { 'a/b': { prefixItems: [true, integer] } } },
      [],
      [],
    )
  })

  it('are put together with what stands beside them', () => {
    const schema = { $ref: '#/$defs/n', maximum: 5, $defs: { n: { type: 'integer', minimum: 3 } } }
    judges(schema, ['3', '5'], ['2', '6'])
    judges({ $ref: '#/$defs/n', description: 'x', $defs: { n: string } }, ['"x"'], ['1'])
  })
})

describe('choices', () => {
  it('hold for each what stands beside them', () => {
    judges({ minLength: 2, anyOf: [string, { type: 'null' }] }, ['"ab"', 'null'], ['"a"'])
    const nullable = {
      type: 'object',
      required: ['a'],
      anyOf: [{ properties: { a: string } }, { properties: { a: integer } }],
    }
    judges(nullable, ['{"a":"x"}', '{"a":1}'], ['{}', '{"a":null}'])
  })

  it.each<[string, unknown[], string[], string[]]>([
    ['types', [string, { type: 'null' }], ['"x"', 'null'], ['1']],
    ['values', [{ const: 'a' }, { enum: ['b', 'c'] }], ['"a"', '"c"'], ['"d"']],
    [
      'ranges',
      [
        { type: 'integer', maximum: 3 },
        { type: 'integer', minimum: 5 },
      ],
      ['3', '5'],
      ['4'],
    ],
    [
      'a property',
      [
        {
          type: 'object',
          properties: { kind: { const: 'cat' }, lives: integer },
          required: ['kind', 'lives'],
        },
        { type: 'object', properties: { kind: { const: 'dog' } }, required: ['kind'] },
      ],
      ['{"kind":"cat","lives":9}', '{"kind":"dog"}'],
      ['{"kind":"dog","lives":9}', '{"kind":"cow"}'],
    ],
    [
      'names',
      [
        { type: 'object', properties: { a: string }, required: ['a'], additionalProperties: false },
        { type: 'object', properties: { b: string }, required: ['b'], additionalProperties: false },
      ],
      ['{"a":"x"}', '{"b":"x"}'],
      ['{"a":"x","b":"x"}'],
    ],
  ])('of which exactly one may fit are told apart by %s', (_, oneOf, good, bad) => {
    judges({ oneOf }, good, bad)
  })

  it.each<[unknown[]]>([
    [[string, { type: 'string', maxLength: 3 }]],
    [[{ type: 'integer' }, { type: 'number' }]],
    [
      [
        { type: 'object', properties: { a: string } },
        { type: 'object', properties: { b: string } },
      ],
    ],
    [[string, string]],
  ])('are refused where both may fit: %j', (oneOf) => {
    expect(() => compile({ oneOf })).toThrow(expect.objectContaining({ facts: { reason: 'keyword-oneOf' } }))
  })
})

describe('schemas put together', () => {
  it('hold all of their parts', () => {
    judges(
      {
        type: 'object',
        properties: { c: { allOf: [{ $ref: '#/$defs/c' }] } },
        $defs: { c: { enum: ['a'] } },
      },
      ['{"c":"a"}', '{}'],
      ['{"c":"b"}'],
    )
    const both = {
      allOf: [
        { type: 'object', properties: { a: string }, required: ['a'] },
        { type: 'object', properties: { a: { maxLength: 1 }, b: integer }, required: ['b'] },
      ],
    }
    judges(both, ['{"a":"x","b":1}'], ['{"a":"x"}', '{"a":"xy","b":1}', '{"b":1}'])
    judges(
      { allOf: [{ type: ['integer', 'string'] }, { type: ['number', 'null'] }] },
      ['1'],
      ['1.5', '"x"', 'null'],
    )
    judges({ allOf: [{ enum: [1, 2, 3] }, { enum: [2, 3, 4] }], maximum: 2 }, ['2'], ['3', '1'])
    const closed = {
      allOf: [{ properties: { a: string }, additionalProperties: false }, { properties: { b: string } }],
    }
    judges(closed, ['{"a":"x"}', '{}'], ['{"b":"x"}'])
  })

  it('are refused where nothing fits all of them', () => {
    const facts = { reason: 'nothing-fits' }
    for (const parts of [
      [string, integer],
      [{ enum: [1] }, { enum: [2] }],
      [{ type: 'integer', minimum: 3 }, { maximum: 2 }],
    ])
      expect(() => compile({ allOf: parts })).toThrow(expect.objectContaining({ facts }))
  })
})

describe('numbers', () => {
  it('keep to their bounds', () => {
    judges({ type: 'integer', minimum: 0, maximum: 10 }, ['0', '7', '10'], ['-1', '11', '-0', '1.5', '07'])
    judges({ type: 'integer', exclusiveMinimum: -5, exclusiveMaximum: 2 }, ['-4', '0', '1'], ['-5', '2'])
    judges(
      { type: 'number', minimum: 0, maximum: 1 },
      ['0', '0.5', '1', '1.0', '1.000', '0.999'],
      ['1.01', '-0.1', '2', '1e1'],
    )
    judges({ type: 'number', exclusiveMinimum: 0 }, ['0.1', '0.01', '12.5'], ['0', '0.0', '-1'])
    judges(
      { type: 'number', minimum: -1.25, maximum: 0.5 },
      ['-1.25', '-1.2', '-1', '0', '0.5', '0.499'],
      ['-1.26', '0.51', '-2', '1'],
    )
    judges({ type: 'integer', multipleOf: 5, minimum: 0, maximum: 20 }, ['0', '15', '20'], ['3', '25'])
    judges({ minimum: 3 }, ['3', '4.5'], ['2', '"x"'])
  })

  it('are within whatever whole bounds they are given, and none is left out', () => {
    const bound = fc.integer({ min: -2000, max: 2000 })
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: -3000, max: 3000 }), (a, b, value) => {
        const [minimum, maximum] = [Math.min(a, b), Math.max(a, b)]
        const fits = value >= minimum && value <= maximum
        expect(accepts({ type: 'integer', minimum, maximum }, String(value))).toBe(fits)
      }),
      { numRuns: 60 },
    )
  })

  it.each([9.97, 8.32, 0.1, 0.000_001, 1e-7, 4.35])(
    'are below %d when that is left out, with zeros behind it too',
    (bound) => {
      const text = bound.toFixed(7)
      expect(accepts({ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: bound }, text)).toBe(false)
      expect(accepts({ type: 'number', exclusiveMinimum: bound, exclusiveMaximum: 10 }, text)).toBe(false)
      expect(accepts({ type: 'number', minimum: bound, maximum: bound }, text)).toBe(true)
    },
  )

  it('are within whatever bounds with a point they are given, open or not', () => {
    const bound = fc.integer({ min: -999, max: 999 }).map((n) => n / 100)
    fc.assert(
      fc.property(bound, bound, bound, fc.boolean(), (a, b, value, isOpen) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        fc.pre(low < high)
        const schema = isOpen
          ? { type: 'number', exclusiveMinimum: low, exclusiveMaximum: high }
          : { type: 'number', minimum: low, maximum: high }
        const fits = isOpen ? value > low && value < high : value >= low && value <= high
        const text = value.toFixed(3)
        if (!(value === 0 && text.startsWith('-'))) expect(accepts(schema, text)).toBe(fits)
      }),
      { numRuns: 80 },
    )
  })
})

describe('patterns', () => {
  it.each([
    ['^[a-z]+$', ['abc'], ['', 'aB', '1']],
    ['^\\d{4}-\\d{2}-\\d{2}$', ['2026-03-05'], ['2026-3-5', 'x2026-03-05']],
    ['^(cat|dog)s?$', ['cat', 'dogs'], ['cow', 'catss']],
    ['b', ['abc', 'b'], ['ac', '']],
    ['^a|b$', ['ax', 'xb'], ['xa', 'bx']],
    ['^[^a]$', ['b', 'é', '😀'], ['a', 'bb']],
    ['^.{2}$', ['ab', '日本'], ['a']],
    ['^\\$\\{x\\}$', ['${x}'], ['x']],
    ['^(?:a{2,3}|(?<n>b))+?$', ['aab', 'aaab'], ['a', '']],
  ])('%s', (pattern, good, bad) => {
    for (const text of [...good, ...bad])
      expect(new RegExp(pattern, 'u').test(text)).toBe(good.includes(text))
    const inJson = (texts: readonly string[]): string[] => texts.map((text) => JSON.stringify(text))
    judges({ type: 'string', pattern }, inJson(good), inJson(bad))
  })

  it('write what JSON escapes as JSON does', () => {
    judges({ type: 'string', pattern: '^["\\\\\\n]{3}$' }, [JSON.stringify('"\\\n')], ['"abc"'])
  })

  it('keep to lengths beside them by themselves, or are refused', () => {
    judges({ type: 'string', pattern: '^[a-z]{2,4}$', minLength: 1, maxLength: 4 }, ['"ab"'], ['"a"'])
    for (const schema of [
      { type: 'string', pattern: '^[a-z]+$', maxLength: 4 },
      { type: 'string', pattern: '(?=a)b' },
      { type: 'string', pattern: '(a)\\1' },
      { type: 'string', pattern: '\\bx' },
    ])
      expect(() => compile(schema)).toThrow(expect.objectContaining({ facts: { reason: 'keyword-pattern' } }))
  })
})

describe('lists', () => {
  it('may have a schema for each place', () => {
    const pair = { type: 'array', prefixItems: [string, integer], minItems: 2, maxItems: 2 }
    judges(pair, ['["a",1]', '[ "a", 1 ]'], ['["a"]', '["a",1,2]', '[1,"a"]', '[]'])
    judges({ prefixItems: [string], items: integer }, ['[]', '["a"]', '["a",1,2]'], ['[1]', '["a","b"]'])
    judges({ type: 'array', items: [string, integer], additionalItems: false }, ['["a",1]'], ['["a",1,2]'])
    judges({ type: 'array', items: false }, ['[]'], ['[1]'])
  })
})

describe('objects', () => {
  it('may bind the names of a map', () => {
    const map = { type: 'object', propertyNames: { pattern: '^[a-z]$' }, additionalProperties: integer }
    judges(map, ['{}', '{"a":1,"b":2}'], ['{"A":1}', '{"a":"x"}'])
    judges({ properties: { a: integer } }, ['{"a":1}', '{}'], ['{"a":"x"}', '1'])
  })
})

describe('long texts', () => {
  it.each([2000, 5000, 1_000_000])('of up to %i characters are counted', (maxLength) => {
    const schema = { type: 'string', maxLength }
    expect(accepts(schema, `"${'a'.repeat(1990)}"`)).toBe(true)
    expect(accepts(schema, `"${'a'.repeat(2001)}"`)).toBe(maxLength > 2000)
  })

  it('are counted from below too', () => {
    const schema = { type: 'string', minLength: 1500, maxLength: 3000 }
    expect([1499, 1500, 2345, 3000, 3001].map((n) => accepts(schema, `"${'a'.repeat(n)}"`))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
  })
})

it.each<[string, string | undefined, unknown]>([
  ['keyword-not', undefined, { not: {} }],
  ['keyword-if', '/properties/a', { properties: { a: { if: {} } } }],
  [
    'keyword-patternProperties',
    '/items',
    { type: 'array', items: { type: 'object', patternProperties: {} } },
  ],
  [
    'keyword-uniqueItems',
    '/$defs/s',
    { $ref: '#/$defs/s', $defs: { s: { type: 'array', uniqueItems: true } } },
  ],
  ['keyword-oneOf', '/properties/a~1b', { properties: { 'a/b': { oneOf: [{}, {}] } } }],
  ['keyword-pattern', '/anyOf/1', { anyOf: [integer, { type: 'string', pattern: '(?!a)' }] }],
  ['keyword-ref', '/properties/a', { properties: { a: { $ref: 'other.json' } } }],
  ['keyword-multipleOf', undefined, { type: 'integer', multipleOf: 7 }],
  ['keyword-minProperties', undefined, { type: 'object', minProperties: 1 }],
])('what a grammar cannot hold is refused as %s at %s', (reason, at, schema) => {
  expect(() => compile(schema)).toThrow(
    expect.objectContaining({ code: 'engine.bad-grammar', facts: at ? { reason, at } : { reason } }),
  )
})

it('a schema whose choices multiply without end is given up', () => {
  const twoWays = { anyOf: [{ minLength: 1 }, { minLength: 2 }] }
  const schema = { type: 'string', allOf: Array.from({ length: 60 }, () => twoWays) }
  expect(() => compile(schema)).toThrow(expect.objectContaining({ facts: { reason: 'too-deep' } }))
})
