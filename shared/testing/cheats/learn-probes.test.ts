import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Auditor, type ProbeAnswer } from '../../verify/audit/auditor.ts'
import { makeCorpus, type CorpusPrompt } from '../../verify/audit/corpus/make-corpus.ts'
import type { Random } from '../../base/random.ts'
import { MINUTE_MS } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FakeClock } from '../fake-clock.ts'
import { makePeer, someModel } from '../peers.ts'
import { TRAFFIC } from '../traffic.ts'
import { learnProbes, looksMade } from './learn-probes.ts'

/** One that it did not guess. */
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 201 - 3 * i)
const HOURS = 3

/** Chance that is the same in each run, and even. */
function hashed(): Random {
  let drawn = 0
  return {
    bytes: (length) => new Uint8Array(createHash('sha256').update(`${drawn++}`).digest()).slice(0, length),
  }
}

describe('a cheat that has learnt the public generator', () => {
  let shareOf: (text: string) => number
  beforeAll(() => {
    shareOf = learnProbes()
  })
  const recognised = (prompts: readonly (readonly string[])[]): number =>
    prompts.filter((turns) => looksMade(shareOf, turns)).length / prompts.length
  const people = TRAFFIC.map((text) => [text])

  it('recognises most of what the generator makes by a secret seed, and little of what people write', () => {
    const made = recognised(makeCorpus(SECRET).map(({ turns }) => turns))
    const written = recognised(people)
    console.error(
      `recognised: ${Math.round(100 * made)} % of generated probes, ${Math.round(100 * written)} % of what people write`,
    )
    // This is why an auditor has prompts of its own. Were it near chance, nobody would need them.
    expect(made).toBeGreaterThan(0.8)
    expect(written).toBeLessThan(0.2)
  })

  let auditor: Auditor | undefined
  afterEach(() => auditor?.stop())
  /** What an auditor asks in some hours. */
  async function askedBy(prompts: readonly string[], examples: readonly string[]): Promise<CorpusPrompt[]> {
    const clock = new FakeClock()
    const asked: CorpusPrompt[] = []
    const target = { provider: (await makePeer()).name, model: someModel(), examples }
    const ports = {
      targets: async () => [target],
      ask: async (prompt: CorpusPrompt): Promise<ProbeAnswer> => {
        asked.push(prompt)
        throw new InfernetError('schedule.no-provider')
      },
      check: () => Promise.reject(new InfernetError('internal')),
      publish: async () => 0,
    }
    auditor = new Auditor({ clock, random: hashed(), ports }, { probesPerHour: 300, prompts })
    auditor.start()
    await clock.advance(HOURS * 60 * MINUTE_MS)
    return asked
  }

  it('does no better than chance on prompts of the auditor’s own', async () => {
    const own = TRAFFIC.filter((_, n) => n % 2 === 0)
    const others = TRAFFIC.filter((_, n) => n % 2 > 0)
    const asked = await askedBy(own, [])
    // Some words, as a greeting, the generator may write as well.
    const firsts = new Map(asked.toReversed().map((prompt) => [prompt.turns[0] ?? '', prompt]))
    const secret = own.flatMap((text) => firsts.get(text) ?? [])
    expect(secret).toHaveLength(own.length)
    // As often as it takes a person for an auditor: what it gains is nothing.
    const gain = recognised(secret.map(({ turns }) => turns)) - recognised(others.map((text) => [text]))
    expect(Math.abs(gain)).toBeLessThan(0.15)
  }, 60_000)

  it('cannot tell a probe from a visitor where both ask what the page proposes', async () => {
    const examples = [
      'Tell me a story about a fox and a lantern.',
      'What does a relay do?',
      'What is 7 plus 5?',
    ]
    const asked = await askedBy([], examples)
    const proposed = asked.filter(({ turns }) => examples.includes(turns[0] ?? ''))
    expect(proposed.length / asked.length).toBeGreaterThan(0.2)
    expect(proposed.length / asked.length).toBeLessThan(0.4)
    for (const { turns, system, maxTokens, sampler } of proposed)
      expect([turns.length, system, maxTokens, sampler]).toEqual([1, undefined, undefined, undefined])
    expect(new Set(proposed.map(({ turns }) => turns[0]))).toEqual(new Set(examples))
  }, 60_000)
})
