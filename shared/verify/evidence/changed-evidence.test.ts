import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { equalBytes } from '../../base/bytes.ts'
import { createEngine } from '../../engine/create-engine.ts'
import { decodeTranscripts, seedOf } from '../../stream/transcript.ts'
import { mutationsOf } from '../../testing/mutations.ts'
import { makePeer } from '../../testing/peers.ts'
import { forgedCheck, playedCheck } from '../../testing/played-check.ts'
import { signedAnswer } from '../../testing/signed-answer.ts'
import { readTinyModel, wasmComponents } from '../../testing/tiny-model.ts'
import { decode as decodeCbor } from 'cborg'
import { encode } from '../../wire/codec.ts'
import { envelopeFor } from '../calibration/envelope-for.ts'
import { decodeEvidence, encodeEvidence } from './evidence.ts'
import { verifyEvidence, type EvidenceTools } from './verify-evidence.ts'

const envelope = envelopeFor('fp32')
const tools: EvidenceTools = { envelopeOf: () => envelope }

describe('a file of evidence in which one thing was changed', () => {
  const files: Record<'right' | 'forged' | 'other', Uint8Array> = {
    right: new Uint8Array(),
    forged: new Uint8Array(),
    other: new Uint8Array(),
  }

  beforeAll(async () => {
    const { files: parts, manifest, tokenizer } = await readTinyModel('fp32')
    const engine = await createEngine(await wasmComponents(parts), { manifest })
    const [provider, verifier] = [await makePeer(), await makePeer()]
    const answer = (content: string) =>
      signedAnswer({
        ...{ engine, provider, model: engine.info.model, sampler: { temperature: 0.8, topP: 0.95 } },
        promptTokens: tokenizer.encodeChat([{ role: 'user', content }]),
        ...{ seed: new Uint8Array(32).fill(4), maxTokens: 60 },
      })
    const [story, dog] = [await answer('Tell me a story about a fox.'), await answer('Tell me about a dog.')]
    files.right = encodeEvidence(await playedCheck(engine, story, envelope, { verifier }))
    files.other = encodeEvidence(await playedCheck(engine, dog, envelope, { verifier }))
    files.forged = encodeEvidence(await forgedCheck(engine, story, envelope, { verifier }))
    await engine.close()
  })

  /** All that a file says: whose verdict on which answer, and what it rests on. A quote may be kept back. */
  const meaningOf = async (file: Uint8Array): Promise<unknown> => {
    const { verdict, proven } = await verifyEvidence(file, tools)
    const { quote: _, nonce: _nonce, ...answer } = proven
    const { verifier, own, salt } = decodeEvidence(file)
    return { verifier, verdict, answer, seed: seedOf(proven), own, salt }
  }
  const expectRefusedOrSame = async (
    changed: Uint8Array,
    meaning: unknown,
    what: string,
  ): Promise<boolean> => {
    const read = await meaningOf(changed).catch((thrown: unknown) => {
      expect(thrown, what).toMatchObject({ code: 'verify.bad-evidence' })
    })
    if (read !== undefined) expect(read, what).toEqual(meaning)
    return read === undefined
  }

  it.each(['right', 'forged'] as const)('is refused or says the same: %s', async (name) => {
    const file = files[name]
    const meaning = await meaningOf(file)
    let [refused, tried] = [0, 0]
    for (const { path, changed } of mutationsOf(file)) {
      tried++
      if (await expectRefusedOrSame(encode(changed), meaning, path)) refused++
    }
    expect(tried).toBeGreaterThan(100)
    // The rest says the same: a list of one turned around.
    expect(tried - refused).toBeLessThan(tried / 10)
  })

  it.each(['right', 'forged'] as const)(
    'is refused or says the same where it is in the transcript: %s',
    async (name) => {
      const evidence = decodeCbor(files[name]) as { transcript: Uint8Array }
      const meaning = await meaningOf(files[name])
      let [refused, tried] = [0, 0]
      for (const { path, changed } of mutationsOf(evidence.transcript)) {
        tried++
        const file = encode({ ...evidence, transcript: encode(changed) })
        if (await expectRefusedOrSame(file, meaning, path)) refused++
      }
      expect(tried).toBeGreaterThan(100)
      // The rest says the same: the quote kept back, a receipt of something.
      expect(tried - refused).toBeLessThan(tried / 10)
      expect(decodeTranscripts(evidence.transcript)).toHaveLength(1)
    },
  )

  it('is refused where any part is that of another check', async () => {
    const [right, other] = [files.right, files.other].map(
      (file) => decodeCbor(file) as Record<string, unknown>,
    )
    for (const name of Object.keys(right!)) {
      const file = encode({ ...right, [name]: other![name] })
      if (equalBytes(file, files.right)) continue // the same in both
      await expect(verifyEvidence(file, tools), name).rejects.toMatchObject({ code: 'verify.bad-evidence' })
    }
  })

  it('is refused by name, whatever bytes it is', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.jsonValue({ maxDepth: 3 }).map((value) => encode(value)),
      fc.nat(files.right.length).map((end) => files.right.slice(0, end)),
    )
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          decodeEvidence(bytes)
          expect(bytes).toEqual(files.right)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'verify.bad-evidence', facts: { reason: 'form' } })
        }
      }),
      { numRuns: 100 },
    )
  })
})
