import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MINUTE_MS, epochMillis } from '../../base/units.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { Engine } from '../../engine/engine.ts'
import { makePeer, type TestPeer } from '../../testing/peers.ts'
import { playedCheck } from '../../testing/played-check.ts'
import { signedAnswer, type SignedAnswer } from '../../testing/signed-answer.ts'
import { readTinyModel, wasmComponents } from '../../testing/tiny-model.ts'
import { envelopeFor } from '../calibration/envelope-for.ts'
import { decodeEvidence, encodeEvidence, MAX_EVIDENCE_BYTES, type Evidence } from './evidence.ts'
import { verifyEvidence, type EvidenceTools } from './verify-evidence.ts'

const envelope = envelopeFor('fp32')
const seed = new Uint8Array(32).fill(4)

describe('a file of evidence', () => {
  let engine: Engine
  let verifier: TestPeer
  let answer: SignedAnswer
  let evidence: Evidence
  let file: Uint8Array
  let tools: EvidenceTools

  beforeAll(async () => {
    const { files, manifest, tokenizer } = await readTinyModel('fp32')
    engine = await createEngine(await wasmComponents(files), { manifest })
    verifier = await makePeer()
    const promptTokens = tokenizer.encodeChat([
      { role: 'user', content: 'Tell me a story about a fox and a lantern.' },
    ])
    const sampler = { temperature: 0.8, topP: 0.95 }
    answer = await signedAnswer({
      engine,
      model: engine.info.model,
      promptTokens,
      sampler,
      seed,
      maxTokens: 200,
    })
    evidence = await playedCheck(engine, answer, envelope, { verifier })
    file = encodeEvidence(evidence)
    tools = { envelopeOf: () => envelope, engineOf: () => Promise.resolve(engine) }
  })
  afterAll(() => engine.close())

  const refusal = (reason: string) =>
    expect.objectContaining({ code: 'verify.bad-evidence', facts: { reason } }) as Error
  const verifying = (changes: Partial<Evidence>) =>
    verifyEvidence(encodeEvidence({ ...evidence, ...changes }), tools)

  it('is what it was when it comes back', () => {
    expect(decodeEvidence(file)).toEqual(evidence)
    expect(file.length).toBeLessThan(64 * 1024)
  })

  it('proves its verdict, and one’s own reading confirms it', async () => {
    const { verdict, own, isConfirmed } = await verifyEvidence(file, tools)
    expect(verdict).toMatchObject({ outcome: 'agrees', provider: answer.provider.name })
    expect(own?.outcome).toBe('agrees')
    expect(isConfirmed).toBe(true)
    const unread = await verifyEvidence(file, { envelopeOf: () => envelope })
    expect(unread).toMatchObject({ own: undefined, isConfirmed: false })
  })

  it.each([-7, 7])('does not ask whose clock is right: %d minutes', async (minutes) => {
    const at = epochMillis(Date.now() + minutes * MINUTE_MS)
    const late = await playedCheck(engine, answer, envelope, { verifier, changes: { at } })
    expect((await verifyEvidence(encodeEvidence(late), tools)).isConfirmed).toBe(true)
  })

  it('is not confirmed where its verifier accused an honest answer, nor where it agreed with a cheat', async () => {
    // A verifier that read with noise of its own, and says so truly.
    const noisy: Pick<Engine, 'score'> = {
      score: async (request) =>
        (await engine.score(request)).map((score) => ({ ...score, margin: 1, sketch: score.sketch })),
    }
    const accused = await playedCheck(noisy, answer, envelope, { verifier })
    const read = await verifyEvidence(encodeEvidence(accused), tools)
    expect(read.verdict.outcome).toBe('differs')
    expect([read.own?.outcome, read.isConfirmed]).toEqual(['agrees', false])

    const { model } = engine.info
    const greedy: Pick<Engine, 'generate'> = {
      generate: (request) => engine.generate({ ...request, sampler: { temperature: 0, topP: 1 } }),
    }
    const { promptTokens } = answer.proven.question!
    const sampler = { temperature: 0.8, topP: 0.95 }
    const cheat = await signedAnswer({ engine: greedy, model, promptTokens, sampler, seed, maxTokens: 200 })
    const blind: Pick<Engine, 'score'> = {
      score: async (request) => (await engine.score(request)).map((score) => ({ ...score, margin: 0 })),
    }
    const agreed = await playedCheck(blind, cheat, envelope, { verifier })
    const found = await verifyEvidence(encodeEvidence(agreed), tools)
    expect(found.verdict.outcome).toBe('agrees')
    expect([found.own?.outcome, found.isConfirmed]).toEqual(['differs', false])
  })

  it.each<[string, string, () => Partial<Evidence> | Promise<Partial<Evidence>>]>([
    ['a chunk with a bit changed', 'transcript', () => ({ transcript: chunkChanged() })],
    [
      'a chunk left out',
      'transcript',
      () => ({ transcript: { ...evidence.transcript, chunks: evidence.transcript.chunks.toSpliced(1, 1) } }),
    ],
    [
      'its last chunk left out',
      'chain',
      () => ({
        transcript: { ...evidence.transcript, chunks: evidence.transcript.chunks.slice(0, -1) },
        openings: evidence.openings!.slice(0, -1),
      }),
    ],
    ['the question kept back', 'question', () => ({ transcript: withoutQuestion() })],
    ['another verifier’s name', 'verdict', async () => ({ verifier: (await makePeer()).name })],
    [
      'a verdict with a bit changed',
      'verdict',
      () => ({ verdict: { ...evidence.verdict, body: flipped(evidence.verdict.body, 99) } }),
    ],
    ['an opening with a bit changed', 'openings', () => ({ openings: openingChanged() })],
    ['openings in another order', 'openings', () => ({ openings: evidence.openings!.toReversed() })],
    ['an opening left out', 'numbers', () => ({ openings: evidence.openings!.slice(1) })],
    ['no openings', 'numbers', () => ({ openings: undefined })],
    ['another sketch of its verifier', 'commitment', () => ({ own: evidence.own.with(3, 0x7bff) })],
    ['fewer sketches of its verifier', 'sketches', () => ({ own: evidence.own.subarray(16) })],
    ['another salt', 'commitment', () => ({ salt: new Uint8Array(32) })],
  ])('is refused with %s', async (_, reason, make) => {
    await expect(verifying(await make())).rejects.toEqual(refusal(reason))
  })

  it('is refused by other limits than it was judged by, and for a model that nobody knows', async () => {
    const other = { ...envelope, agrees: { ...envelope.agrees, off: 0 } }
    await expect(verifyEvidence(file, { envelopeOf: () => other })).rejects.toEqual(refusal('envelope'))
    await expect(verifyEvidence(file, { envelopeOf: () => undefined })).rejects.toEqual(refusal('model'))
  })

  it('is refused when it is cut short, too long, or something else', () => {
    for (const odd of [
      file.subarray(0, -1),
      file.subarray(1),
      new Uint8Array(),
      new Uint8Array(MAX_EVIDENCE_BYTES + 1),
    ])
      expect(() => decodeEvidence(odd)).toThrow(refusal('form'))
  })

  it('is refused, or proves the same, whatever byte is changed', async () => {
    const signed = { envelopeOf: () => envelope }
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = file.with(at, (file[at] ?? 0) ^ by)
        const read = await verifyEvidence(changed, signed).catch((thrown: unknown) => {
          expect(thrown).toMatchObject({ code: 'verify.bad-evidence' })
        })
        if (read) expect(read.proven.tokens).toEqual(answer.proven.tokens)
      }),
      { numRuns: 60 },
    )
  })

  const flipped = (bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(bytes.with(at, (bytes[at] ?? 0) ^ 1))
  const chunkChanged = (): Evidence['transcript'] => ({
    ...evidence.transcript,
    chunks: evidence.transcript.chunks.map(({ body, signature }, i) => ({
      body: i === 1 ? flipped(body, body.length - 40) : body,
      signature,
    })),
  })
  const withoutQuestion = (): Evidence['transcript'] => {
    const { question, ...shown } = evidence.transcript.shown
    return { ...evidence.transcript, shown: question ? shown : {} }
  }
  const openingChanged = (): Evidence['openings'] =>
    evidence.openings!.map((opening) => ({
      ...opening,
      leaves: opening.leaves.map((leaf, i) =>
        i === 2 ? { ...leaf, sketch: flipped(leaf.sketch, 0) } : leaf,
      ),
    }))
})
