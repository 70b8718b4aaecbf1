import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import { jobId } from '../base/ids.ts'
import { millis, tokens } from '../base/units.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { decode, encode } from '../wire/codec.ts'
import { sign, type Signed } from '../wire/signed.ts'
import { ChunkSigner } from './chunk.ts'
import { hashAgreed, type Agreed } from './first-link.ts'
import { chunkSchema } from './messages.ts'
import { encodeQuestion, type Question } from './question.ts'
import { deriveSeed } from './seed.ts'
import { sketchRoot } from './sketch-tree.ts'
import {
  decodeTranscripts,
  encodeTranscripts,
  seedOf,
  transcriptOf,
  verifyTranscript,
  withoutPromptAndPayment,
  type Transcript,
} from './transcript.ts'

const JOB = jobId('ab'.repeat(16))
const written = Array.from({ length: 70 }, (_, i) => 100 + i)
const none = new Uint8Array()

describe('a transcript', () => {
  let provider: TestPeer
  let question: Question
  let agreed: Agreed
  let chunks: Signed[]
  let whole: Transcript

  beforeAll(async () => {
    provider = await makePeer()
    const consumer = await makePeer()
    const terms = {
      ...{ price: pricePerToken(3n, 20n), queueMs: millis(0), contextLength: 1024, isDraining: false },
      ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 50 },
    }
    const desk = new QuoteDesk({
      ...{ key: provider.key, clock: realClock, random: realRandom },
      termsOf: () => terms,
    })
    const asked = { type: 'quote', model: someModel(), promptTokens: 4, maxTokens: 100 } as const
    const quote = await desk.quote(consumer.name, asked)
    const { quoteId } = await openQuote(quote, { provider: provider.name, consumer: consumer.name })
    question = {
      ...{ task: 'text-generation', model: someModel(), promptTokens: [5, 6, 7, 8], priorTokens: [1, 2] },
      ...{ sampler: { temperature: 0.7, topP: 0.9 }, maxTokens: 100, seed: new Uint8Array(32).fill(4) },
      ...{ consumerNonce: new Uint8Array(32).fill(3), salt: new Uint8Array(16).fill(9) },
    }
    const { nonce } = desk.redeem(consumer.name, quoteId)
    agreed = {
      ...{ quote: quote.body, question: encodeQuestion(question) },
      ...{ credit: Uint8Array.of(7, 7), accepted: encode({ nonce }) },
    }
    chunks = await signChunks(agreed)
    const receipt = { consumer: Uint8Array.of(1), provider: Uint8Array.of(2) }
    whole = transcriptOf({ jobId: JOB, provider: provider.name }, agreed, chunks, receipt)
  })

  const secret = new Uint8Array(32).fill(6)
  const sketches = Uint16Array.from({ length: written.length * SKETCH_SIZE }, (_, i) => i)
  /** As a provider of today signs for a consumer of today, or as one of them is from before sketches. */
  const signChunks = async (parts: Agreed, prefill = 6, isOld = false): Promise<Signed[]> => {
    const terms = { jobId: JOB, price: pricePerToken(3n, 20n), prefillTokens: tokens(prefill), from: 2 }
    const signer = new ChunkSigner(terms, hashAgreed(parts), provider.key, isOld ? undefined : secret)
    return [...(await signer.add(written, sketches)), ...(await signer.finish())]
  }
  /** The same with other parts whose hashes say so, as who made it up would write it. */
  const claiming = (changes: Partial<Agreed>): Transcript => {
    const parts = { ...agreed, ...changes }
    return { ...whole, hashes: hashAgreed(parts), shown: parts }
  }
  const asking = (changes: Partial<Question>): Transcript =>
    claiming({ question: encodeQuestion({ ...question, ...changes }) })
  /** The provider itself signs something else in place of one chunk. */
  const signing = async (at: number, changes: object): Promise<Transcript> => {
    const body = decode(chunkSchema, chunks[at]!.body)
    const plain = { ...body, jobId: fromHex(body.jobId), due: amountToBytes(body.due) }
    const signed = await sign('chunk', { ...plain, ...changes }, provider.key)
    return { ...whole, chunks: chunks.map((each, i) => (i === at ? signed : each)) }
  }
  const refusal = (reason: string) =>
    expect.objectContaining({ code: 'stream.bad-transcript', facts: { reason } }) as Error

  it('proves what was asked and written, also after it was a file', async () => {
    const [read] = decodeTranscripts(encodeTranscripts([whole]))
    expect(read).toEqual(whole)
    const proven = await verifyTranscript(read!)
    expect(proven).toMatchObject({ from: 2, tokens: written, due: 6n * 3n + 70n * 20n })
    expect(proven.question).toEqual(question)
  })

  it('says what each chunk commits to, and of which seed the draws were', async () => {
    const proven = await verifyTranscript(whole)
    expect(proven.roots).toEqual([
      { from: 2, count: 32, root: sketchRoot(secret, sketches.slice(0, 32 * SKETCH_SIZE), 2) },
      {
        ...{ from: 34, count: 32 },
        root: sketchRoot(secret, sketches.slice(32 * SKETCH_SIZE, 64 * SKETCH_SIZE), 34),
      },
      { from: 66, count: 6, root: sketchRoot(secret, sketches.slice(64 * SKETCH_SIZE), 66) },
    ])
    expect(seedOf(proven)).toEqual(question.seed)
    const first = { ...question, seed: null }
    const { consumerNonce } = first
    expect(seedOf({ ...proven, question: first })).toEqual(deriveSeed(JOB, consumerNonce, proven.nonce!))
    expect(seedOf({ ...proven, question: first, nonce: undefined })).toBeUndefined()
    expect(seedOf(await verifyTranscript(withoutPromptAndPayment(whole)))).toBeUndefined()
  })

  it('is read as ever where the chunks commit to nothing', async () => {
    const old = { ...whole, chunks: await signChunks(agreed, 6, true) }
    const [read] = decodeTranscripts(encodeTranscripts([old]))
    const proven = await verifyTranscript(read!)
    expect(proven).toMatchObject({ tokens: written, due: 6n * 3n + 70n * 20n })
    expect(proven.roots).toEqual([
      { from: 2, count: 32, root: undefined },
      { from: 34, count: 32, root: undefined },
      { from: 66, count: 6, root: undefined },
    ])
  })

  it('proves the answer and its price without prompt, seeds and payment', async () => {
    const shown = withoutPromptAndPayment(whole)
    const file = encodeTranscripts([shown])
    const [read] = decodeTranscripts(file)
    expect(read?.shown).toEqual({ quote: agreed.quote, accepted: agreed.accepted })
    expect(read?.receipt).toEqual({ consumer: none, provider: none })
    const proven = await verifyTranscript(read!)
    expect(proven).toMatchObject({ tokens: written, question: undefined, due: 6n * 3n + 70n * 20n })
    const text = Buffer.from(file).toString('latin1')
    for (const secret of [question.salt, question.consumerNonce, question.seed!])
      expect(text).not.toContain(Buffer.from(secret).toString('latin1'))
  })

  it('hashes a question so that it cannot be guessed without its salt', () => {
    const other = encodeQuestion({ ...question, salt: new Uint8Array(16) })
    expect(hashAgreed({ ...agreed, question: other }).question).not.toEqual(whole.hashes.question)
  })

  it.each<[string, Partial<Question>]>([
    ['prompt', { promptTokens: [5, 6, 7, 9] }],
    ['seed', { seed: new Uint8Array(32).fill(5) }],
    ['beginning without a seed', { seed: null }],
    ['sampler', { sampler: { temperature: 0.8, topP: 0.9 } }],
    ['prior token', { priorTokens: [1, 3] }],
    ['limit', { maxTokens: 99 }],
    ['nonce', { consumerNonce: new Uint8Array(32).fill(2) }],
    ['model', { model: someModel('b') }],
    ['salt', { salt: new Uint8Array(16).fill(8) }],
  ])('is broken by another %s', async (_, changes) => {
    await expect(verifyTranscript(asking(changes))).rejects.toEqual(refusal('chain'))
  })

  it.each<[string, string, () => Transcript | Promise<Transcript>]>([
    [
      'a question that is not what its hash says',
      'question',
      () => ({ ...whole, shown: { ...agreed, question: agreed.quote } }),
    ],
    [
      'a quote that is not what its hash says',
      'quote',
      () => ({ ...whole, shown: { ...agreed, quote: none } }),
    ],
    [
      'credit that is not what its hash says',
      'credit',
      () => ({ ...whole, shown: { ...agreed, credit: none } }),
    ],
    [
      'an acceptance that is not what its hash says',
      'accepted',
      () => ({ ...whole, shown: { ...agreed, accepted: none } }),
    ],
    ['a hash of another payment', 'chain', () => claiming({ credit: Uint8Array.of(8) })],
    ['another job', 'job', () => ({ ...whole, jobId: jobId('cd'.repeat(16)) })],
    ['a chunk with a token changed', 'signature', () => flipped(1)],
    ['another signer', 'signature', async () => ({ ...whole, provider: (await makePeer()).name })],
    ['a chunk left out', 'index', () => ({ ...whole, chunks: whole.chunks.toSpliced(1, 1) })],
    [
      'two chunks in the other order',
      'index',
      () => ({ ...whole, chunks: [chunks[0]!, chunks[2]!, chunks[1]!, chunks[3]!] }),
    ],
    ['the beginning left out', 'index', () => ({ ...whole, chunks: whole.chunks.slice(1) })],
    [
      'tokens that were signed after another chunk',
      'chain',
      () => signing(2, { previous: new Uint8Array(32) }),
    ],
    ['tokens at another place', 'position', () => signing(2, { position: 35 })],
    ['a chunk of nothing', 'length', () => signing(2, { tokens: [] })],
    ['a beginning that commits to sketches', 'root', () => signing(0, { root: new Uint8Array(32) })],
    ['a root of another length', 'signature', () => signing(1, { root: new Uint8Array(31) })],
    ['an amount above the price', 'amount', () => signing(3, { due: amountToBytes(99_999n) })],
    ['an amount that falls', 'amount', () => signing(3, { due: amountToBytes(1n) })],
  ])('is refused with %s', async (_, reason, make) => {
    await expect(verifyTranscript(await make())).rejects.toEqual(refusal(reason))
  })

  /** One bit of a signed body. */
  const flipped = (at: number): Transcript => ({
    ...whole,
    chunks: chunks.map(({ body, signature }, i) => ({
      body: i === at ? body.map((byte, j) => (j === body.length - 1 ? byte ^ 1 : byte)) : body,
      signature,
    })),
  })

  it.each<[string, string, () => Promise<Transcript>]>([
    ['the question names another model than the quote', 'model', () => made({ model: someModel('c') })],
    ['it begins elsewhere than the question', 'from', () => made({ priorTokens: [1] }, 5)],
    ['it has more tokens than were asked for', 'too many', () => made({ maxTokens: 69 })],
    ['it does not charge for the prompt that was asked', 'amount', () => made({ promptTokens: [5] })],
    [
      'the nonce is not the one of the quote',
      'nonce',
      () => made({}, 6, { accepted: encode({ nonce: new Uint8Array(32) }) }),
    ],
    ['what was accepted cannot be read', 'accepted', () => made({}, 6, { accepted: Uint8Array.of(1) })],
    ['the question cannot be read', 'question', () => made({}, 6, { question: Uint8Array.of(1) })],
  ])('is refused when a provider signed it so that %s', async (_, reason, make) => {
    await expect(verifyTranscript(await make())).rejects.toEqual(refusal(reason))
  })

  /** What a provider signs for parts of its own choice. */
  const made = async (
    changes: Partial<Question>,
    prefill = 6,
    parts: Partial<Agreed> = {},
  ): Promise<Transcript> => {
    const own = { ...agreed, question: encodeQuestion({ ...question, ...changes }), ...parts }
    return transcriptOf({ jobId: JOB, provider: provider.name }, own, await signChunks(own, prefill), {
      consumer: none,
      provider: none,
    })
  }

  it('is refused or proves the same, whatever bit of the file is changed', async () => {
    const file = encodeTranscripts([whole])
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length * 8 - 1), async (bit) => {
        const changed = file.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
        const proven = await Promise.resolve()
          .then(() => verifyTranscript(decodeTranscripts(changed)[0]!))
          .catch((thrown: unknown) => {
            expect(thrown).toMatchObject({ code: 'stream.bad-transcript' })
          })
        // Of all bits only those of the receipts are under no chunk; their signatures are looked at elsewhere.
        if (proven) expect(proven).toMatchObject({ tokens: written, question })
      }),
      { numRuns: 300 },
    )
  })

  it('is no file of any other form, and none without bounds', () => {
    for (const file of [
      none,
      encode({}),
      encode({ format: 'infernet/transcript/9', jobs: [] }),
      encode(whole),
    ])
      expect(() => decodeTranscripts(file)).toThrow(refusal('form'))
    expect(() => decodeTranscripts(encodeTranscripts([]))).toThrow(refusal('form'))
    expect(() => decodeTranscripts(encodeTranscripts(Array.from({ length: 17 }, () => whole)))).toThrow(
      refusal('form'),
    )
  })
})
