import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine, TokenScore } from '../../engine/engine.ts'
import { answerOf, judgePart, readAgain, type Answer } from '../../testing/cheats/checked-answer.ts'
import { CHEATS, cheatNamed } from '../../testing/cheats/cheats.ts'
import { loadTinyParts, type TinyParts } from '../../testing/cheats/tiny-parts.ts'
import { envelopeFor } from '../calibration/envelope-for.ts'
import type { Judgement } from './judge.ts'

const TOKENS = 128
const envelope = envelopeFor('fp32')

describe('a check of an answer', () => {
  let parts: TinyParts
  /** Answers whose verdict somebody published, with what that verifier showed. */
  const published = new Map<string, readonly TokenScore[]>()

  beforeAll(async () => {
    parts = await loadTinyParts({
      isProbe: (promptTokens) => promptTokens.join() === encode('What does a relay do?').join(),
      published: ({ outputTokens }) => published.get(outputTokens.join()),
    })
  })
  afterAll(() => parts.close())

  const encode = (content: string): readonly number[] =>
    parts.model.tokenizer.encodeChat([{ role: 'user', content }])

  /** As the page asks this model; its end tokens are out of reach, so that there are enough tokens. */
  const ask = (provider: Engine, content = 'Tell me a story about a fox and a lantern.'): Promise<Answer> =>
    answerOf(
      provider,
      {
        promptTokens: encode(content),
        sampler: {
          temperature: 0.2,
          topP: 0.9,
          logitBias: [...parts.model.tokenizer.eosTokens].map((token) => [token, -100]),
        },
        seed: Uint8Array.from({ length: 32 }, (_, i) => i),
      },
      TOKENS,
    )

  const check = async (answer: Answer, verifier: Engine = parts.honest): Promise<Judgement> =>
    judgePart(answer, await readAgain(verifier, answer), { envelope })

  const wrapped = (name: string): Engine => cheatNamed(name).wrap(parts)

  it('agrees with an honest provider', async () => {
    const { outcome, findings } = await check(await ask(parts.honest))
    expect([outcome, findings.tokens, findings.opened]).toEqual(['agrees', TOKENS, TOKENS])
  })

  it.each(CHEATS.filter(({ caughtBy }) => caughtBy === 'check').map(({ name }) => name))(
    'differs from a provider with %s',
    async (name) => {
      const answer = await ask(wrapped(name))
      expect(answer.tokens).toHaveLength(TOKENS)
      expect((await check(answer)).outcome).toBe('differs')
    },
  )

  it.each([
    ['other-seed', 'tokens'],
    ['right-sketches-wrong-tokens', 'tokens'],
    ['ignored-sampler', 'tokens'],
    ['wrong-sketches', 'sketches'],
  ])('sees %s in the %s', async (name, difference) => {
    expect((await check(await ask(wrapped(name)))).difference).toBe(difference)
  })

  it('has nothing against an answer that stops early: it has no end token', async () => {
    const { finish, tokens, ...rest } = await ask(wrapped('early-stop'))
    expect([finish, tokens.length]).toEqual(['stop', TOKENS / 4])
    expect(parts.model.tokenizer.eosTokens.has(tokens.at(-1) ?? 0)).toBe(false)
    expect((await check({ finish, tokens, ...rest })).outcome).toBe('agrees')
  })

  it('agrees with a recogniser of probes as long as it sees probes', async () => {
    const provider = wrapped('probe-recogniser')
    expect((await check(await ask(provider, 'What does a relay do?'))).outcome).toBe('agrees')
    expect((await check(await ask(provider))).outcome).toBe('differs')
  })

  it('agrees with an accomplice, if its verifier is one; another verifier does not', async () => {
    const answer = await ask(wrapped('smaller-model'))
    expect((await check(answer, wrapped('always-agrees'))).outcome).toBe('agrees')
    expect((await check(answer)).outcome).toBe('differs')
    // Of any other answer it has nothing that fits.
    expect((await check(await ask(parts.honest), wrapped('always-agrees'))).outcome).toBe('differs')
  })

  it.each(['always-accuses', 'lying-auditor'])(
    'accuses the honest where the verifier does: %s',
    async (name) => {
      expect((await check(await ask(parts.honest), wrapped(name))).outcome).toBe('differs')
    },
  )

  it('can be copied from another, and from nobody', async () => {
    const answer = await ask(parts.honest)
    const copier = wrapped('copied-verdict')
    expect((await check(answer, copier)).outcome).toBe('differs')
    published.set(answer.tokens.join(), await readAgain(parts.honest, answer))
    expect((await check(answer, copier)).outcome).toBe('agrees')
  })
})
