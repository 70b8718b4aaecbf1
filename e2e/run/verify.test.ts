import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { playedCheck } from '#shared/testing/played-check.ts'
import { signedAnswer } from '#shared/testing/signed-answer.ts'
import { readTinyModel, wasmComponents } from '#shared/testing/tiny-model.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import { encodeEvidence } from '#shared/verify/evidence/evidence.ts'
import { encode } from '#shared/wire/codec.ts'

const COMMAND = fileURLToPath(new URL('verify.ts', import.meta.url))

describe('npm run verify', () => {
  let folder: string
  let file: Uint8Array
  let tokens: readonly number[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infernet-verify-'))
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
    await engine.close()
  })
  afterAll(() => rm(folder, { recursive: true }))

  const verify = async (bytes: Uint8Array): Promise<{ status: number | null; said: unknown }> => {
    const path = join(folder, 'check.infernet')
    await writeFile(path, bytes)
    const { status, stdout } = spawnSync(process.execPath, [COMMAND, path], { encoding: 'utf8' })
    return { status, said: JSON.parse(stdout) as unknown }
  }

  it('confirms a file by its own reading, and refuses it after one token was changed', async () => {
    const right = await verify(file)
    expect(right).toMatchObject({
      status: 0,
      said: { verified: 'agrees', own: 'agrees', isConfirmed: true, tokens: tokens.length },
    })
    const changed = withOneTokenChanged(file, tokens)
    expect(await verify(changed)).toMatchObject({
      status: 1,
      said: { refused: 'verify.bad-evidence', reason: 'transcript' },
    })
    expect(await verify(file.subarray(0, 100))).toMatchObject({ status: 1, said: { reason: 'form' } })
  })
})

/** The third token of the first chunk becomes another of as many bytes. */
function withOneTokenChanged(file: Uint8Array, tokens: readonly number[]): Uint8Array {
  const chunk = encode(tokens.slice(0, 32))
  const at = Buffer.from(file).indexOf(Buffer.from(chunk))
  expect(at).toBeGreaterThan(0)
  const before = encode(tokens.slice(0, 3)).length
  // The last byte of the third token: its id changes by one.
  return file.with(at + before, (file[at + before] ?? 0) ^ 1)
}
