import { describe, expect, it } from 'vitest'
import { tokenId } from '../base/ids.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import type { EmbedEvent, EmbedRequest, EmbedSummary } from '../peer/peer.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { embedTexts, readTextTokenizer } from './embed-texts.ts'

const tiny = await readTinyModel('fp32')
const manifest: Manifest = {
  ...{ ...tiny.manifest, task: 'feature-extraction', contextLength: 16 },
  encoder: { dimensions: 2 },
}
/** A token for each letter. */
const tokenizer = { encode: (text: string) => [...text].map((letter) => tokenId(letter.charCodeAt(0))) }

/** A network that answers each text with its length. */
function answering() {
  const asked: EmbedRequest[] = []
  const summary = { segments: [], promptTokens: 0, due: 0n, paid: 0n, totalMs: 1 } as unknown as EmbedSummary
  return {
    asked,
    async *embed(request: EmbedRequest): AsyncGenerator<EmbedEvent, EmbedSummary, void> {
      asked.push(request)
      const vectors = request.texts.map(({ length }) => Float32Array.of(length, 1))
      yield { type: 'vectors', position: 0, vectors: vectors.slice(0, 1) }
      if (vectors.length > 1) yield { type: 'vectors', position: 1, vectors: vectors.slice(1) }
      yield { type: 'done', summary }
      return summary
    },
  }
}

describe('embedTexts', () => {
  it('asks for the tokens of each text and gives the vectors in their order', async () => {
    const peer = answering()
    const events: string[] = []
    const got = await embedTexts({ peer, tokenizer }, manifest, ['one', 'three'], {
      onEvent: ({ type }) => events.push(type),
    })
    expect(got.vectors).toEqual([Float32Array.of(3, 1), Float32Array.of(5, 1)])
    expect(got.tokens).toEqual([3, 5])
    expect(peer.asked).toMatchObject([
      { model: hashManifest(manifest), dimensions: 2, texts: [[111, 110, 101], {}] },
    ])
    expect(events).toEqual(['vectors', 'vectors', 'done'])
  })

  it.each([
    [
      'a text that is too long',
      ['a', 'b'.repeat(17)],
      'prompt.too-long',
      { tokens: 17, maxTokens: 16, text: 1 },
    ],
    [
      'one that is so long that it is not looked at',
      ['c'.repeat(5000)],
      'prompt.too-long',
      { tokens: 20, text: 0 },
    ],
    ['an empty text', ['a', ''], 'prompt.bad-parameters', { parameter: 'texts[1]' }],
    [
      'too many texts',
      Array.from({ length: 2049 }, () => 'a'),
      'prompt.bad-parameters',
      { parameter: 'texts' },
    ],
  ])('refuses %s before anybody is asked', async (_, texts, code, facts) => {
    const peer = answering()
    await expect(embedTexts({ peer, tokenizer }, manifest, texts)).rejects.toMatchObject({ code, facts })
    expect(peer.asked).toEqual([])
  })

  it('refuses a model that writes', async () => {
    const asking = embedTexts({ peer: answering(), tokenizer }, tiny.manifest, ['a'])
    await expect(asking).rejects.toMatchObject({ code: 'engine.other-task' })
  })

  it('reads texts as the model’s own library does', async () => {
    const text = 'What is 3 plus 4?'
    const tokens = (await readTextTokenizer(tiny.files)).encode(text)
    expect(tokens.length).toBeGreaterThan(3)
    expect(tiny.tokenizer.decode(tokens)).toBe(text)
  })
})
