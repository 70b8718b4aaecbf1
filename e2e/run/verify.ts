import { open, readFile } from 'node:fs/promises'
import { createEngine } from '#shared/engine/create-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { readTinyModel, wasmComponents } from '#shared/testing/tiny-model.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import { MAX_EVIDENCE_BYTES } from '#shared/verify/evidence/evidence.ts'
import { verifyEvidence } from '#shared/verify/evidence/verify-evidence.ts'

/**
 * `npm run verify -- FILE`: checks an exported verdict again, offline. Ends with 0 where the answer agrees and our own
 * reading says so too, else with 1.
 */
const [path] = process.argv.slice(2)
process.exitCode = path === undefined ? usage() : await verify(path)

function usage(): number {
  process.stderr.write('npm run verify -- FILE, a file that the page exported with a check\n')
  return 1
}

async function verify(file: string): Promise<number> {
  try {
    const models = await Promise.all((['fp32', 'q4'] as const).map((dtype) => readTinyModel(dtype)))
    const modelOf = (hash: string) => models.find(({ manifest }) => hashManifest(manifest) === hash)
    const { verdict, proven, own, isConfirmed } = await verifyEvidence(await readBounded(file), {
      envelopeOf: (hash) => {
        const model = modelOf(hash)
        return model && envelopeFor(model.manifest.dtype)
      },
      engineOf: async (hash) => {
        const model = modelOf(hash)
        if (!model) throw new InfernetError('verify.bad-evidence', { reason: 'model' })
        return createEngine(await wasmComponents(model.files), { manifest: model.manifest })
      },
    })
    const { largestMargin, sketchDistance } = own?.findings ?? verdict.findings
    say({
      ...{
        verified: verdict.outcome,
        difference: verdict.difference,
        own: own?.outcome,
        isConfirmed,
        provider: proven.provider,
      },
      ...{
        job: proven.jobId,
        tokens: proven.tokens.length,
        largestMargin,
        sketchDistance,
        class: verdict.class,
      },
    })
    return verdict.outcome === 'agrees' && isConfirmed ? 0 : 1
  } catch (thrown) {
    const { code, message, facts } = InfernetError.from(thrown)
    say({ refused: code, reason: facts.reason, message })
    return 1
  }
}

/** Reads no more of a file than evidence can have. */
async function readBounded(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  const { size } = await handle.stat()
  await handle.close()
  if (size > MAX_EVIDENCE_BYTES) throw new InfernetError('verify.bad-evidence', { reason: 'form' })
  return new Uint8Array(await readFile(file))
}

function say(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
