import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkParams } from '../../../engine/sampler/params.ts'
import { TRAFFIC } from '../../../testing/traffic.ts'
import { CORPUS_KINDS } from './kinds.ts'
import { CORPUS_PROMPTS, makeCorpus } from './make-corpus.ts'

const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const corpus = makeCorpus(seedOf(1))
const firsts = corpus.map(({ turns }) => turns[0] ?? '')

/** What our own pages and documents propose to ask. */
const PROPOSED = [
  ...readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8').matchAll(
    /demo -- .*?"([^"]+)"/g,
  ),
  ...readFileSync(new URL('../../../client/model-defaults.ts', import.meta.url), 'utf8').matchAll(
    /'([A-Z][^']+[.?])'/g,
  ),
].map(([, text = '']) => text)

describe('a corpus of prompts', () => {
  it('holds as many as wanted, at least two thousand, all different', () => {
    expect(CORPUS_PROMPTS).toBeGreaterThanOrEqual(2000)
    expect(corpus).toHaveLength(CORPUS_PROMPTS)
    expect(new Set(corpus.map(({ turns }) => turns.join('\n'))).size).toBe(CORPUS_PROMPTS)
    expect(makeCorpus(seedOf(1), 10)).toHaveLength(10)
  })

  it('is the same for the same seed, and shares little with that of another', () => {
    expect(makeCorpus(seedOf(1))).toEqual(corpus)
    const others = new Set(makeCorpus(seedOf(2)).map(({ turns }) => turns.join('\n')))
    const shared = corpus.filter(({ turns }) => others.has(turns.join('\n')))
    expect(shared.length).toBeLessThan(0.2 * CORPUS_PROMPTS)
  })

  it('has all kinds, and chats that go on', () => {
    for (const kind of CORPUS_KINDS)
      expect(corpus.filter((prompt) => prompt.kind === kind).length).toBeGreaterThan(20)
    const goingOn = corpus.filter(({ turns }) => turns.length > 1).length / corpus.length
    expect(goingOn).toBeGreaterThan(0.15)
    expect(goingOn).toBeLessThan(0.3)
    for (const { turns } of corpus) for (const turn of turns) expect(turn.trim()).not.toBe('')
  })

  it('is of many lengths: a word, a line, a page', () => {
    const lengths = firsts.map(({ length }) => length).sort((a, b) => a - b)
    const at = (part: number): number => lengths[Math.floor(part * lengths.length)] ?? 0
    expect(at(0.02)).toBeLessThan(20)
    expect(at(0.5)).toBeLessThan(80)
    expect(at(0.98)).toBeGreaterThan(250)
  })

  it('leaves most samplers and limits to the model, as most people do, and others are usual and valid', () => {
    const own = corpus.flatMap(({ sampler }) => sampler ?? [])
    expect(own.length / corpus.length).toBeGreaterThan(0.1)
    expect(own.length / corpus.length).toBeLessThan(0.3)
    for (const sampler of own) checkParams(sampler, new Uint8Array(32))
    expect(new Set(own.map(({ temperature }) => temperature)).size).toBeGreaterThan(5)
    expect(own.some(({ temperature }) => temperature === 0)).toBe(true)
    const limits = corpus.flatMap(({ maxTokens }) => maxTokens ?? [])
    expect(limits.length / corpus.length).toBeLessThan(0.3)
    expect(new Set(limits).size).toBeGreaterThan(5)
  })
})

const wordOf = (text: string): string => /[a-z]+/.exec(text.toLowerCase())?.[0] ?? ''
const bucketOf = (text: string): number => Math.floor(2 * Math.log2(text.length + 1))

/** Naive Bayes over the first word and the length: positive for a text that looks more like the first class. */
function classifier(first: readonly string[], second: readonly string[]): (text: string) => number {
  const features = [wordOf, bucketOf]
  const counts = [first, second].map((texts) =>
    features.map((feature) => {
      const seen = new Map<string | number, number>()
      for (const text of texts) seen.set(feature(text), (seen.get(feature(text)) ?? 0) + 1)
      return seen
    }),
  )
  const sizes = [first.length, second.length]
  return (text) => {
    const likely = (of: number): number =>
      features.reduce((sum, feature, i) => {
        const count = counts[of]?.[i]?.get(feature(text)) ?? 0
        return sum + Math.log((count + 0.5) / ((sizes[of] ?? 0) + 20))
      }, 0)
    return likely(0) - likely(1)
  }
}

describe('the corpus beside what people ask', () => {
  const people = [...PROPOSED, ...TRAFFIC]

  it('has what our own pages propose in its midst: first word and length', () => {
    expect(PROPOSED.length).toBeGreaterThanOrEqual(7)
    const words = new Set(firsts.map(wordOf))
    const lengths = firsts.map(({ length }) => length).sort((a, b) => a - b)
    const [low = 0, high = 0] = [0.05, 0.95].map((part) => lengths[Math.floor(part * lengths.length)])
    for (const text of PROPOSED.filter((each) => each !== 'Hello')) {
      expect(words).toContain(wordOf(text))
      expect(text.length).toBeGreaterThanOrEqual(low - 5)
      expect(text.length).toBeLessThanOrEqual(high)
    }
  })

  it('is not told from them by length alone', () => {
    const share = (texts: readonly string[], limit: number): number =>
      texts.filter(({ length }) => length <= limit).length / texts.length
    const best = Math.max(
      ...Array.from({ length: 400 }, (_, limit) => Math.abs(share(people, limit) - share(firsts, limit))),
    )
    // Balanced accuracy of the best threshold is half of one more than this.
    expect((1 + best) / 2).toBeLessThan(0.7)
  })

  it('is not told from them by first word and length together', () => {
    const known = firsts.filter((_, at) => at % 2 === 0)
    const unknown = firsts.filter((_, at) => at % 2 === 1)
    const judge = classifier(people, known)
    const probesFound = unknown.filter((text) => judge(text) < 0).length / unknown.length
    const peopleFound =
      people.filter(
        (text) =>
          classifier(
            people.filter((each) => each !== text),
            known,
          )(text) > 0,
      ).length / people.length
    expect((probesFound + peopleFound) / 2).toBeLessThan(0.75)
    // The same judge does tell a corpus that is made of one sentence.
    const dull = Array.from({ length: 400 }, (_, n) => `Probe number ${n}, please answer me now.`)
    const sharp = classifier(people, dull)
    expect(dull.filter((text) => sharp(text) < 0).length / dull.length).toBeGreaterThan(0.95)
    expect(people.filter((text) => sharp(text) > 0).length / people.length).toBeGreaterThan(0.9)
  })
})
