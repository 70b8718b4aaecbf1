import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTinyModel } from '../../testing/tiny-model.ts'
import type { GrammarSource, SamplerParams } from '../engine.ts'
import { createSampler, MARGIN_FILTERED } from '../sampler/sampler.ts'
import {
  compileGrammar,
  createGrammarVocabulary,
  type Grammar,
  type GrammarMatcher,
  type GrammarVocabulary,
} from './grammar.ts'
import { fits, schemaArb, type TestSchema } from '../../testing/schema-arbitrary.ts'
import { createTokenTrie } from './token-trie.ts'

const tokenizerFile = new URL('../../../web/public/models/infernet-tiny/tokenizer.json', import.meta.url)
const tokenizerJson = JSON.parse(readFileSync(tokenizerFile, 'utf8')) as Record<string, unknown>
const { tokenizer } = await readTinyModel('fp32')
const tinyEos = tokenizer.eosTokens
const tiny = createGrammarVocabulary(tokenizerJson, 1024, tinyEos)

/** Token v is the byte v; 256 ends. */
const BYTE_EOS = 256
const byteVocabulary: GrammarVocabulary = {
  trie: createTokenTrie([...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)), '']),
  eosTokens: new Set([BYTE_EOS]),
}

function has(mask: Uint32Array, token: number): boolean {
  return (((mask[token >>> 5] ?? 0) >>> (token & 31)) & 1) === 1
}

/** Whether a whole text fits, judged byte by byte, each of which must have been allowed. */
function accepts(source: GrammarSource, text: string | Uint8Array): boolean {
  const matcher = compileGrammar(source).match(byteVocabulary)
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (const byte of bytes) {
    if (!has(matcher.allowed(), byte)) return false
    matcher.accept(byte)
  }
  return has(matcher.allowed(), BYTE_EOS)
}

const json: GrammarSource = { kind: 'json' }
const schema = (value: unknown): GrammarSource => ({ kind: 'json-schema', schema: JSON.stringify(value) })
const gbnf = (grammar: string): GrammarSource => ({ kind: 'gbnf', grammar })

describe('any JSON', () => {
  const valueArb = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string({ unit: 'binary' }),
      fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
      fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 64),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value

  it('fits, compact or indented', () => {
    fc.assert(
      fc.property(valueArb, fc.constantFrom(undefined, 2, 4), (value, indent) => {
        expect(accepts(json, JSON.stringify(value, null, indent))).toBe(true)
      }),
    )
  })

  it.each(['1e5', '-0.5E-7', '"\\u00e9\\ud83d\\ude00"', '{"a": [1, {"b": null}]}', '[ ]', '""'])(
    'fits: %s',
    (text) => {
      expect(JSON.parse(text)).not.toBeUndefined()
      expect(accepts(json, text)).toBe(true)
    },
  )

  it.each([
    ...[
      '',
      ' 1',
      '1 ',
      '01',
      '+1',
      '.5',
      '1.',
      '1e999',
      '-',
      'nul',
      "'a'",
      '"a',
      '"\n"',
      '"\\x"',
      '"\\ud83d"',
      '[1,]',
    ],
    ...['{"a"}', '{a:1}', '[1 2]', '{"a":1,}', '1 2', '[]]', '{"a" : 1}'],
  ])('does not fit: %s', (text) => {
    expect(accepts(json, text)).toBe(false)
  })

  it('holds no bytes that are not UTF-8', () => {
    const quoted = (...bytes: number[]): Uint8Array => Uint8Array.of(0x22, ...bytes, 0x22)
    expect(accepts(json, quoted(0xc3, 0xa9))).toBe(true)
    expect(accepts(json, quoted(0xf0, 0x9f, 0x98, 0x80))).toBe(true)
    for (const bad of [[0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xff]])
      expect(accepts(json, quoted(...bad))).toBe(false)
  })

  it('nests 64 levels and no deeper, and can always be finished', () => {
    const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    // The outermost value is at level 0, so 65 brackets open 64 levels.
    expect(accepts(json, nest(65))).toBe(true)
    expect(accepts(json, nest(66))).toBe(false)
    expect(accepts(json, `${'['.repeat(64)}["a"]${']'.repeat(64)}`)).toBe(false)
  })
})

describe('a JSON schema', () => {
  const person = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      name: { type: 'string' },
      age: { type: 'integer' },
      tags: { type: 'array', items: { enum: ['a', 'ab', 'b"'] } },
    },
    required: ['name'],
    additionalProperties: false,
  }
  it.each<[unknown, string, boolean]>([
    [person, '{"name":"x"}', true],
    [person, '{ "name": "x", "age": -3 }', true],
    [person, '{"name":"x","tags":["ab","a","b\\""]}', true],
    [person, '{"age":3}', false],
    [person, '{"age":3,"name":"x"}', false],
    [person, '{"name":"x","age":3.5}', false],
    [person, '{"name":"x","other":1}', false],
    [person, '{"name":"x","tags":["c"]}', false],
    [true, '[1]', true],
    [{}, '"x"', true],
    [{ type: 'object' }, '{"x":[1]}', true],
    [{ type: 'object', additionalProperties: { type: 'null' } }, '{"x":null}', true],
    [{ type: 'object', additionalProperties: { type: 'null' } }, '{"x":1}', false],
    [{ type: 'object', additionalProperties: false }, '{}', true],
    [{ type: 'object', required: ['z'] }, '{"z":1}', true],
    [{ type: ['string', 'null'] }, 'null', true],
    [{ type: ['string', 'null'] }, '1', false],
    [{ anyOf: [{ const: 5 }, { type: 'boolean' }] }, '5', true],
    [{ anyOf: [{ const: 5 }, { type: 'boolean' }] }, 'false', true],
    [{ anyOf: [{ const: 5 }, { type: 'boolean' }] }, '55', false],
    [{ enum: [1, 10, 'x', [1, { a: 2 }]], type: ['integer', 'array'] }, '10', true],
    [{ enum: [1, 10, 'x', [1, { a: 2 }]], type: ['integer', 'array'] }, '[1,{"a":2}]', true],
    [{ enum: [1, 10, 'x', [1, { a: 2 }]], type: ['integer', 'array'] }, '"x"', false],
    [{ type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 3 }, '[1]', false],
    [{ type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 3 }, '[1,2]', true],
    [{ type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 3 }, '[1,2,3]', true],
    [{ type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 3 }, '[1,2,3,4]', false],
    [{ type: 'array', maxItems: 0 }, '[]', true],
    [{ type: 'array', maxItems: 0 }, '[1]', false],
    [{ type: 'string', minLength: 2, maxLength: 3 }, '"é"', false],
    [{ type: 'string', minLength: 2, maxLength: 3 }, '"é\\n😀"', true],
    [{ type: 'string', minLength: 2, maxLength: 3 }, '"abcd"', false],
    [{ type: 'integer' }, '123456789012345', true],
    [{ type: 'integer' }, '1234567890123456', false],
  ])('takes what fits (%#)', (value, text, isFitting) => {
    expect(accepts(schema(value), text), text).toBe(isFitting)
  })

  it('may refer to itself', () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { left: { $ref: '#/$defs/node' } } } },
    }
    expect(accepts(schema(tree), '{"left":{"left":{}}}')).toBe(true)
    expect(accepts(schema(tree), '{"left":1}')).toBe(false)
  })

  it.each<[string, unknown]>([
    ['syntax', '{'],
    ['syntax', 5],
    ['syntax', { type: 'strange' }],
    ['syntax', { type: 'array', minItems: -1 }],
    ['syntax', { $ref: '#/$defs/missing' }],
    ['keyword-ref', { $ref: 'https://example.com/schema' }],
    ['keyword', { 'https://example.com/x y': 3 }],
    ['nothing-fits', false],
    ['nothing-fits', { type: 'string', enum: [1] }],
    ['nothing-fits', { type: 'array', minItems: 2, maxItems: 1 }],
    ['nothing-fits', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }],
    ['left-recursive', { $ref: '#' }],
    ['left-recursive', { anyOf: [{ type: 'null' }, { $ref: '#' }] }],
    ['too-large', { anyOf: Array.from({ length: 300 }, () => ({ type: 'string', maxLength: 1024 })) }],
    ['too-deep', JSON.parse(`${'{"type":"array","items":'.repeat(40)}{}${'}'.repeat(40)}`)],
  ])('is refused with the word %s (%#)', (reason, value) => {
    const source: GrammarSource =
      typeof value === 'string' ? { kind: 'json-schema', schema: value } : schema(value)
    expect(() => compileGrammar(source)).toThrow(
      expect.objectContaining({ code: 'engine.bad-grammar', facts: { reason } }),
    )
  })
})

describe('GBNF', () => {
  const sums = gbnf(`
    # sums with parentheses
    root ::= term ( [-+*/] term )*   # a comment
    term ::= number | "(" root ")"
    number ::= [0-9]{1,3} ("." [0-9]+)?
  `)
  it.each(['1', '12+3', '(1+2)*3.25', '((7))'])('fits: %s', (text) => expect(accepts(sums, text)).toBe(true))
  it.each(['', '1234', '1+', '(1', '1.', '01a'])('does not fit: %s', (text) =>
    expect(accepts(sums, text)).toBe(false),
  )

  it('knows classes, escapes and characters beyond ASCII', () => {
    const words = gbnf('root ::= [^ \\n\\]"]+ ("\\n" | "\\x41\\u00e9" | .)?')
    for (const text of ['größe', '日本\n', 'xAé', 'a😀', 'a]']) expect(accepts(words, text)).toBe(true)
    for (const text of ['', ' ', ']', 'a\n\n']) expect(accepts(words, text)).toBe(false)
    const range = gbnf('root ::= [а-яё]{2,} | [😀-😂]{2}')
    for (const text of ['привет', '😀😂', 'ёж']) expect(accepts(range, text)).toBe(true)
    for (const text of ['a', 'п', '😃😀', '😀']) expect(accepts(range, text)).toBe(false)
  })

  it('matches every range of code points exactly', () => {
    const point = fc.nat(0x10ffff).filter((code) => code < 0xd800 || code > 0xdfff)
    fc.assert(
      fc.property(point, point, point, (a, b, tried) => {
        const hex = (code: number): string => `\\U${code.toString(16).padStart(8, '0')}`
        const [first, last] = [Math.min(a, b), Math.max(a, b)]
        const text = String.fromCodePoint(tried)
        expect(accepts(gbnf(`root ::= [${hex(first)}-${hex(last)}]`), text)).toBe(
          first <= tried && tried <= last,
        )
        expect(accepts(gbnf(`root ::= [^${hex(first)}-${hex(last)}]`), text)).toBe(
          tried < first || last < tried,
        )
      }),
    )
  })

  it.each([
    ['missing-rule', 'root ::= other'],
    ['missing-rule', 'start ::= "a"'],
    ['missing-rule', ''],
    ['syntax', 'root ::= "a'],
    ['syntax', 'root = "a"'],
    ['syntax', 'root ::= ("a"'],
    ['syntax', 'root ::= [b-a]'],
    ['syntax', 'root ::= "\\q"'],
    ['syntax', 'root ::= "\\ud800"'],
    ['syntax', 'root ::= "a"{3,1}'],
    ['syntax', 'root ::= "a"\nroot ::= "b"'],
    ['left-recursive', 'root ::= root "a" | "b"'],
    ['left-recursive', 'root ::= a\na ::= ("x"?) root "y"'],
    ['left-recursive', 'root ::= ("a"*)*'],
    ['nothing-fits', 'root ::= "a" root'],
    ['too-large', 'root ::= "a"{2000}'],
    ['too-large', `root ::= ${'"a"{1024} '.repeat(40)}`],
    ['too-deep', `root ::= ${'('.repeat(100)}"a"${')'.repeat(100)}`],
  ])('is refused with the word %s: %s', (reason, grammar) => {
    expect(() => compileGrammar(gbnf(grammar))).toThrow(
      expect.objectContaining({ code: 'engine.bad-grammar', facts: { reason } }),
    )
  })

  it('never fails without a name, whatever is sent', () => {
    const junk = fc.oneof(
      fc.string(),
      fc
        .array(
          fc.constantFrom('root', '::=', '"a"', '[', ']', '(', ')', '*', '|', '{2}', '\n', ' ', '[a-z]', '"'),
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(junk, fc.constantFrom('gbnf', 'json-schema'), (text, kind) => {
        try {
          const source =
            kind === 'gbnf' ? gbnf(`root ::= ${text}`) : ({ kind: 'json-schema', schema: text } as const)
          compileGrammar(source).match(byteVocabulary).allowed()
        } catch (error) {
          expect(error).toMatchObject({ code: 'engine.bad-grammar' })
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('tokens and grammars', () => {
  it('knows what each token writes', () => {
    for (const [token, bytes] of tiny.trie.bytes.entries()) {
      if (tinyEos.has(token) || bytes === '') continue
      const text = new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)))
      // The decoder drops nothing but what it takes for the space before a first word.
      expect(tokenizer.decode([token])).toBe(text)
    }
  })

  it('reads vocabularies in the manner of SentencePiece, added tokens as they stand, control tokens not at all', () => {
    const pieces = {
      model: { type: 'BPE', vocab: { '<unk>': 0, '<s>': 1, '▁a': 2, '<0xE9>': 3, é: 4, '▁▁': 5 } },
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Replace' }, { type: 'ByteFallback' }, { type: 'Fuse' }],
      },
      added_tokens: [
        { id: 0, content: '<unk>', special: true },
        { id: 1, content: '<s>', special: true },
        { id: 6, content: '<|tool|>', special: false },
      ],
    }
    const { trie } = createGrammarVocabulary(pieces, 8, new Set([1]))
    expect(trie.bytes).toEqual(['', '', ' a', '\u00e9', '\u00c3\u00a9', '  ', '<|tool|>', ''])
    expect(() => createGrammarVocabulary({ model: { type: 'WordPiece', vocab: {} } }, 8, new Set())).toThrow(
      expect.objectContaining({ code: 'models.unsupported' }),
    )
  })

  it('allows a token exactly when each of its bytes is', () => {
    for (const prefix of ['', '{', '{"', '{"a', '{"a\\', '{"a\\u0', '[1', '[-', '{"a":1.5e', '[[true,"é'])
      for (const grammar of [compileGrammar(json), compileGrammar(gbnf('root ::= ([^x]{0,9} "}")+'))]) {
        const whole = followedBy(grammar, tiny, byTokens(prefix))
        const allowed = whole.allowed().slice()
        for (let token = 0; token < 1021; token += 2) {
          const bytes = followedBy(grammar, byteVocabulary, bytesOf(prefix))
          const isFitting = [...(tiny.trie.bytes[token] ?? '')].every((character) => {
            const byte = character.charCodeAt(0)
            const isAllowed = has(bytes.allowed(), byte)
            bytes.accept(byte)
            return isAllowed
          })
          expect(has(allowed, token), `${prefix} ${token}`).toBe(
            isFitting && (tiny.trie.bytes[token] ?? '') !== '',
          )
        }
      }
  })

  it('is over when nothing but an end token can follow', () => {
    const open = followedBy(compileGrammar(json), byteVocabulary, bytesOf('12'))
    expect(open.isOver).toBe(false)
    open.accept(BYTE_EOS)
    expect(open.isOver).toBe(true)
    expect(open.allowed().every((word) => word === 0)).toBe(true)
    expect(followedBy(compileGrammar(json), byteVocabulary, bytesOf('{}')).isOver).toBe(true)
    const early = followedBy(compileGrammar(json), byteVocabulary, bytesOf('{'))
    early.accept(BYTE_EOS)
    expect(early.isOver).toBe(false)
    expect(early.allowed().every((word) => word === 0)).toBe(true)
  })

  it('gives the same masks when states are forgotten on the way', () => {
    const long = gbnf('root ::= ("(" root ")" | [a-z]{1,9} ("," [a-z]{1,9})*)')
    const text = `${'('.repeat(3000)}${'abc,de,'.repeat(3000)}z${')'.repeat(3000)}`
    expect(accepts(long, text)).toBe(true)
    expect(accepts(long, text.slice(0, -1))).toBe(false)
  })

  it.each([
    ['too-ambiguous', `root ::= ${Array<string>(600).fill('"a" "b"').join(' | ')}`],
    [
      'too-complex',
      `root ::= ${[...'abcdefghijklmnopqrstuvwxyz'].map((letter) => `"${letter}" root "!"`).join(' | ')} | "?"`,
    ],
  ])('gives up by name on a grammar that is %s', (reason, grammar) => {
    const wide = { ...tiny, trie: createTokenTrie([...tiny.trie.bytes, ...pairsOfWords()]) }
    expect(() => compileGrammar(gbnf(grammar)).match(wide).allowed()).toThrow(
      expect.objectContaining({ code: 'engine.bad-grammar', facts: { reason } }),
    )
  })
})

describe('constrained answers', () => {
  /** Random logits, with something extra for what closes a text or a list, so that answers end. */
  function answer(
    source: GrammarSource,
    params: SamplerParams,
    start: number,
    maxTokens: number,
  ): { tokens: number[]; isOver: boolean } {
    const seed = Uint8Array.from({ length: 32 }, (_, i) => (start * (i + 3)) & 255)
    const grammar = compileGrammar(source).match(tiny)
    const context = { promptTokens: [], priorTokens: [], vocabSize: 1024, eosTokens: tinyEos, grammar }
    const sampler = createSampler({ ...params, grammar: source }, seed, context)
    const tokens: number[] = []
    let state = start + 1
    while (!sampler.isOver && tokens.length < maxTokens) {
      const values = Float32Array.from(tiny.trie.bytes, (bytes) => {
        state = (state * 48_271) % 2_147_483_647
        return state / 300_000_000 + (/["\]}]/.test(bytes) ? 2 : 0)
      })
      tokens.push(sampler.pick({ ids: undefined, values }))
    }
    return { tokens, isOver: sampler.isOver }
  }
  const textOf = (tokens: readonly number[]): string =>
    tokenizer.decode(tokens.filter((token) => !tinyEos.has(token)))
  const paramsArb = fc.constantFrom<SamplerParams>(
    { temperature: 0, topP: 1 },
    { temperature: 1, topP: 1 },
    { temperature: 2, topP: 1 },
    { temperature: 1, topP: 0.9, topK: 50 },
    { temperature: 1, topP: 1, repetitionPenalty: 1.3, logitBias: [[90, -100]] },
  )

  it('always parse and fit their schema, unless cut off by the number of tokens', () => {
    let finished = 0
    let runs = 0
    fc.assert(
      fc.property(schemaArb, paramsArb, fc.nat(1_000_000), (value: TestSchema, params, start) => {
        const { tokens, isOver } = answer(schema(value), params, start, 600)
        runs++
        if (!isOver) {
          expect(tokens).toHaveLength(600)
          return
        }
        finished++
        const parsed: unknown = JSON.parse(textOf(tokens))
        expect(fits(value, parsed), textOf(tokens)).toBe(true)
      }),
      { numRuns: 200 },
    )
    expect(finished).toBeGreaterThan(runs / 2)
  })

  it('always parse when any JSON will do', () => {
    let finished = 0
    for (let start = 0; start < 60; start++) {
      const { tokens, isOver } = answer(json, { temperature: 1.5, topP: 1 }, start, 600)
      if (!isOver) continue
      finished++
      expect(() => JSON.parse(textOf(tokens)) as unknown).not.toThrow()
    }
    expect(finished).toBeGreaterThan(30)
  })

  it('are checked with the same mask', () => {
    const source = schema({ enum: ['yes', 'no'] })
    const context = { promptTokens: [], priorTokens: [], vocabSize: 1024, eosTokens: tinyEos }
    const params: SamplerParams = { temperature: 1, topP: 1, grammar: source }
    const sampler = (priorTokens: readonly number[] = []) =>
      createSampler(params, new Uint8Array(32), {
        ...context,
        priorTokens,
        grammar: compileGrammar(source).match(tiny),
      })
    const values = new Float32Array(1024)
    const drawer = sampler()
    const tokens: number[] = []
    while (!drawer.isOver) tokens.push(drawer.pick({ ids: undefined, values }))
    const checker = sampler()
    expect(tokens.map((token) => checker.margin(values, token))).toEqual(tokens.map(() => 0))
    const cheat = sampler()
    expect(cheat.margin(values, 1023)).toBe(MARGIN_FILTERED)
    expect(cheat.margin(values, tokens[0] ?? 0)).toBe(MARGIN_FILTERED)
    expect(() => cheat.pick({ ids: undefined, values })).toThrow(
      expect.objectContaining({ code: 'engine.grammar-stuck' }),
    )
    expect(sampler(tokens).isOver).toBe(true)
    expect(sampler(tokens.slice(0, 1)).pick({ ids: undefined, values })).toBeDefined()
  })

  it('stop by name when the model has no token that fits', () => {
    const noQuote = { trie: createTokenTrie(['a', 'b', '']), eosTokens: new Set([2]) }
    const source = schema({ type: 'string' })
    const context = { promptTokens: [], priorTokens: [], vocabSize: 3, eosTokens: noQuote.eosTokens }
    const grammar = compileGrammar(source).match(noQuote)
    const sampler = createSampler({ temperature: 0, topP: 1, grammar: source }, new Uint8Array(0), {
      ...context,
      grammar,
    })
    expect(() => sampler.pick({ ids: undefined, values: new Float32Array(3) })).toThrow(
      expect.objectContaining({ code: 'engine.grammar-stuck' }),
    )
  })
})

/** Makes a vocabulary of some ten thousand tokens of one of a thousand. */
function pairsOfWords(): string[] {
  const words = tiny.trie.bytes.filter((bytes) => /^[a-z]{3,}$/.test(bytes)).slice(0, 120)
  return words.flatMap((first) => words.map((second) => first + second))
}

function followedBy(
  grammar: Grammar,
  vocabulary: GrammarVocabulary,
  tokens: readonly number[],
): GrammarMatcher {
  const matcher = grammar.match(vocabulary)
  for (const token of tokens) matcher.accept(token)
  return matcher
}

function bytesOf(text: string): readonly number[] {
  return [...new TextEncoder().encode(text)]
}

/** In the vocabulary of Infernet Tiny, token v is the byte v for the first 256. */
function byTokens(text: string): readonly number[] {
  return bytesOf(text).map((byte) => tiny.trie.bytes.indexOf(String.fromCharCode(byte)))
}
