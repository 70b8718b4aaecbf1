import { SplitPreTokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REAL_REGEXES } from '../../../testing/real-regexes.ts'
import { TextBudget } from '../text-budget.ts'
import { compileRegex } from './compile-regex.ts'
import { parseRegex } from './parse-regex.ts'
import { RegexRun } from './run-regex.ts'
import { SteppedRegExp } from './stepped-regexp.ts'

/** As the library compiles what a tokenizer.json says. */
function browserOwn(regex: string): RegExp {
  const { pattern } = new SplitPreTokenizer({
    type: 'Split',
    pattern: { Regex: regex },
    invert: false,
  } as never) as unknown as { readonly pattern: RegExp }
  return pattern
}

function stepped(
  regex: RegExp,
  text: string,
): { readonly regex: SteppedRegExp; readonly spent: () => number } {
  const budget = new TextBudget()
  budget.restart(text.length)
  const all = budget.steps
  return { regex: new SteppedRegExp(regex, regex.flags, budget), spent: () => all - budget.steps }
}

/** Everything that the library does with a pattern. */
function uses(regex: RegExp, text: string): unknown {
  return {
    match: text.match(regex),
    places: [...text.matchAll(regex)].map((found) => [found.index, found[0]]),
    split: regex.source.includes('(') ? undefined : text.split(regex),
    replaced: text.replaceAll(regex, '▁'),
  }
}

const SAMPLE =
  "I'LL say: it's 1234567 things, don't you?\r\n\r\n  \tOne Two THREE fourFive  \n" +
  'größe 日本語カタカナ 한국어 ПРИВЕТ مرحبا हिन्दी é é 😀👍🏽 \ud83d \u3000 #include <x.h>\n\n\n' +
  '`a/b//c`\t\t100,000.00 IMGIMGABCZ a b c d e f.  \u{10400}𞤀 '

const letters = "aAé日ª1 \n\r\t!'/.(-s😀\ud83d\ude00\u0301\u3000tTlLdDIMGZ"
const textArb = fc.oneof(
  fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 60 }),
  fc
    .array(fc.tuple(fc.constantFrom(...letters.split('')), fc.nat(20)), { maxLength: 6 })
    .map((runs) => runs.map(([letter, count]) => letter.repeat(count)).join('')),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

describe('the regexes of real models', () => {
  it.each(Object.entries(REAL_REGEXES))('%s: finds what the browser finds', (_, regex) => {
    const own = browserOwn(regex)
    expect(uses(stepped(own, SAMPLE).regex, SAMPLE)).toEqual(uses(own, SAMPLE))
    fc.assert(
      fc.property(textArb, (text) => {
        expect(uses(stepped(own, text).regex, text)).toEqual(uses(own, text))
      }),
    )
  })

  it.each(Object.entries(REAL_REGEXES))('%s: a long text costs as much as its length', (_, regex) => {
    const own = browserOwn(regex)
    for (const text of [
      SAMPLE.repeat(100),
      'a'.repeat(20_000),
      '1'.repeat(20_000),
      ' '.repeat(20_000) + 'a',
    ]) {
      const { regex: counted, spent } = stepped(own, text)
      text.match(counted)
      expect(spent()).toBeLessThan(256 * text.length)
    }
  })
})

describe('regexes that the browser itself might never be done with', () => {
  it.each([
    ['(a+)+$', 'a'.repeat(20_000) + '!'],
    ['(a|a)*b', 'a'.repeat(20_000)],
    ['(a|aa)+$', 'a'.repeat(20_000) + '!'],
    ['a*a*a*a*a*b', 'a'.repeat(20_000)],
    ['(?:a?){30}a{30}', 'a'.repeat(29)],
    ['(?=(?:\\w+\\s?)+$)x', 'ab '.repeat(7_000) + '!'],
    ['(?!(?:a|a)*c)b', 'a'.repeat(20_000)],
    ['(?:(?=(?:a|a)*c)a)*b', 'a'.repeat(20_000)],
    ['(.+)*x', 'a'.repeat(20_000)],
    ['(?:[^\\n]+?)+?$', 'a'.repeat(20_000) + '\n'],
  ])('%s ends in steps that grow as the text does', (source, text) => {
    const { regex, spent } = stepped(browserOwn(source), text)
    text.match(regex)
    expect(spent()).toBeLessThan(4096 + 400 * text.length)
  })

  it('ends by name where even those are too many: a large regex and a long text', () => {
    const text = 'ab'.repeat(10_000)
    const regex = `(?:${'(?:a|b)?'.repeat(700)}c)+`
    const { regex: counted } = stepped(browserOwn(regex), text)
    expect(() => text.match(counted)).toThrow(
      expect.objectContaining({
        code: 'models.unsupported',
        facts: { reason: 'its tokenizer takes too much time or memory' },
      }),
    )
  })
})

describe('any regex', () => {
  const setArb = fc.constantFrom('a', 'b', '[ab]', '[^a]', '\\s', '\\p{L}', '.', '日', '(?!a)b')
  const regexArb = fc.letrec<{ regex: string }>((tie) => ({
    regex: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      setArb,
      fc.tuple(tie('regex'), tie('regex')).map(([a, b]) => a + b),
      fc.tuple(tie('regex'), tie('regex')).map(([a, b]) => `(?:${a}|${b})`),
      fc
        .tuple(setArb, fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{2,}?'))
        .map(([a, sign]) => `(?:${a})${sign}`),
      fc
        .tuple(setArb, tie('regex'), fc.constantFrom('+', '*', '{0,2}', '+?', '*?'))
        .map(([set, a, sign]) => `(?:${set}${a})${sign}`),
      fc.tuple(fc.constantFrom('=', '!'), tie('regex')).map(([look, a]) => `(?${look}${a})`),
      fc.constantFrom('^', '$', '\\b', '(?<=a)', '(?<!\\s)'),
    ),
  })).regex
  // No emoji: V8 finds what is empty between their halves too. Those of real models are above. And short: its own work
  // may double with each character.
  const shortArb = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '日'), maxLength: 8 })

  it('finds what the browser finds, whether places are remembered or not', () => {
    fc.assert(
      fc.property(regexArb, shortArb, (source, text) => {
        const own = browserOwn(source)
        const program = compileRegex(parseRegex(own.source).part)
        const sticky = new RegExp(own.source, 'uy')
        const starts = Array.from({ length: text.length + 1 }, (_, start) => start)
        const expected = starts.map((start) => {
          sticky.lastIndex = start
          return sticky.test(text) ? sticky.lastIndex : -1
        })
        for (const run of [new RegexRun(program, text), new RegexRun(program, text, 0)])
          expect(starts.map((start) => run.matchAt(start, 1e6))).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it.each(['(a)\\1', '(?s:a)', '(?<=a*)b', '(?:a*)*', '(?:^)*a', `${'('.repeat(70)}a${')'.repeat(70)}`])(
    'is refused where it is not run here: %s',
    (source) => {
      expect(() => stepped(new RegExp(source, 'gu'), '')).toThrow(/regex/)
    },
  )
})
