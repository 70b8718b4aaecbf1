import { beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { forgedCheck, playedCheck } from '#shared/testing/played-check.ts'
import { signedAnswer } from '#shared/testing/signed-answer.ts'
import { readTinyModel, wasmComponents } from '#shared/testing/tiny-model.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import { encodeEvidence } from '#shared/verify/evidence/evidence.ts'
import { runVerify, withOneTokenChanged } from '../fixtures/run-verify.ts'

describe('npm run verify', () => {
  let file: Uint8Array
  let tokens: readonly number[]
  /** Of an answer whose provider opened what it did not sign. */
  let forgedFile: (isSigned: boolean) => Promise<Uint8Array>

  beforeAll(async () => {
    const { files, manifest, tokenizer } = await readTinyModel('fp32')
    const engine = await createEngine(await wasmComponents(files), { manifest })
    const promptTokens = tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a dog.' }])
    const sampler = { temperature: 0.7, topP: 0.9 }
    const seed = new Uint8Array(32).fill(6)
    const answer = await signedAnswer({
      engine,
      model: engine.info.model,
      promptTokens,
      sampler,
      seed,
      maxTokens: 200,
    })
    tokens = answer.proven.tokens
    file = encodeEvidence(
      await playedCheck(engine, answer, envelopeFor('fp32'), { verifier: await makePeer() }),
    )
    const forged = await forgedCheck(engine, answer, envelopeFor('fp32'), { verifier: await makePeer() })
    forgedFile = async (isSigned) => encodeEvidence(isSigned ? forged : { ...forged, forgery: undefined })
    await engine.close()
  })

  it('confirms that a provider forged what it opened, and refuses that without its own word', async () => {
    const said = await runVerify(await forgedFile(true))
    expect(said).toMatchObject({
      status: 1,
      said: { verified: 'differs', difference: 'openings', own: 'differs', isConfirmed: true },
    })
    expect(await runVerify(await forgedFile(false))).toMatchObject({
      status: 1,
      said: { refused: 'verify.bad-evidence', reason: 'openings' },
    })
  })

  it('confirms a file by its own reading, and refuses it after one token was changed', async () => {
    const right = await runVerify(file)
    expect(right).toMatchObject({
      status: 0,
      said: { verified: 'agrees', own: 'agrees', isConfirmed: true, tokens: tokens.length },
    })
    const changed = withOneTokenChanged(file, tokens)
    expect(await runVerify(changed)).toMatchObject({
      status: 1,
      said: { refused: 'verify.bad-evidence', reason: 'transcript' },
    })
    expect(await runVerify(file.subarray(0, 100))).toMatchObject({ status: 1, said: { reason: 'form' } })
  })
})
