import { beforeEach, describe, expect, it } from 'vitest'
import { defaultsOf } from './model-defaults.ts'
import { peerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { hashManifest } from '../models/manifest.ts'
import type { AnswerEvent, Peer } from '../peer/peer.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { Transcript } from '../stream/transcript.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import type { CorpusPrompt } from '../verify/audit/corpus/make-corpus.ts'
import { askProbe, type ProbeAsker } from './ask-probe.ts'

const { manifest, tokenizer } = await readTinyModel('fp32')
const target = peerName('target')
const { signal } = new AbortController()

describe('askProbe', () => {
  let asked: Prompt[]
  let eventsOf: (prompt: Prompt) => readonly AnswerEvent[]
  let asker: ProbeAsker

  const proofOf = (provider = target, n = asked.length): AnswerEvent => ({
    type: 'proof',
    transcript: { provider, n } as unknown as Transcript,
  })
  const tokensOf = (text: string): AnswerEvent => ({
    type: 'tokens',
    tokens: tokenizer.encodeChat([{ role: 'user', content: text }]).slice(2, -3),
  })
  beforeEach(() => {
    asked = []
    eventsOf = () => [tokensOf('a fox'), proofOf()]
    const peer = {
      async *ask(prompt: Prompt) {
        asked.push(prompt)
        yield* eventsOf(prompt)
      },
    } as unknown as Pick<Peer, 'ask'>
    const { contextLength = 512, ...rest } = defaultsOf(manifest)
    asker = { peer, tokenizer, choice: { model: hashManifest(manifest), contextLength, ...rest } }
  })
  const probe = (changes: Partial<CorpusPrompt> = {}): Promise<Transcript> =>
    askProbe(
      asker,
      {
        ...{ kind: 'story', turns: ['Tell me a story about a fox.'] },
        ...{ system: undefined, maxTokens: undefined, sampler: undefined },
        ...changes,
      },
      target,
      { signal },
    )

  it('asks as a page does: with the model’s own sampler and limit', async () => {
    const proof = await probe()
    expect(proof).toMatchObject({ provider: target, n: 1 })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ maxTokens: 128, sampler: { temperature: 0.2, topP: 0.9 } })
    expect(tokenizer.decode(asked[0]?.promptTokens ?? [])).toContain('Tell me a story about a fox.')
  })

  it('goes on with the answers that came, and gives the proof of the last', async () => {
    const proof = await probe({ turns: ['Tell me a story about a fox.', 'And then?', 'why'] })
    expect(proof).toMatchObject({ n: 3 })
    expect(asked).toHaveLength(3)
    const last = tokenizer.decode(asked[2]?.promptTokens ?? [])
    expect(last).toMatch(/story about a fox.*And then\?.*why/s)
    expect(asked[2]?.promptTokens.length).toBeGreaterThan(asked[1]?.promptTokens.length ?? 0)
  })

  it('takes wishes as far as the model has room', async () => {
    const sampler = { temperature: 1, topP: 1 }
    await probe({ sampler, maxTokens: 64 })
    await probe({ maxTokens: 512 })
    await probe({ maxTokens: 256, turns: ['a long story about a fox and a dog '.repeat(30)] })
    expect(asked.map(({ maxTokens }) => maxTokens)).toEqual([64, 256, 128])
    expect(asked[0]?.sampler).toEqual(sampler)
  })

  it('says by name what cannot be asked, and who did not answer', async () => {
    await expect(probe({ turns: ['a fox '.repeat(2000)] })).rejects.toMatchObject({ code: 'prompt.too-long' })
    eventsOf = () => [tokensOf('a'), proofOf(peerName('another'))]
    await expect(probe()).rejects.toMatchObject({ code: 'schedule.no-provider' })
    eventsOf = () => [{ type: 'waiting', reason: new InfernetError('stream.busy', { running: 1 }) }]
    await expect(probe()).rejects.toMatchObject({ code: 'stream.busy' })
  })
})
