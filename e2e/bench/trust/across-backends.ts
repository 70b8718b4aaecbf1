import { fileURLToPath } from 'node:url'
import { createNodeEngine } from '../../../relay/provide/node-engine.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { readTinyModel, type TinyModel } from '#shared/testing/tiny-model.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import type { BenchOptions } from '../figure.ts'
import { checkLengths } from './check-lengths.ts'
import { printHonest } from './false-differs.ts'
import { questionOf } from './questions.ts'
import { sumTallies, type Tally } from './tally.ts'

const MODEL = fileURLToPath(new URL('../../../web/public/models/infernet-tiny/', import.meta.url))

/** Answers that one engine writes and the other reads; a software GPU writes forty times slower than wasm. */
const ANSWERS = { wasmFirst: 64, webgpuFirst: 8 }
const QUICK_ANSWERS = { wasmFirst: 8, webgpuFirst: 2 }
const AT_ONCE = 8

/**
 * Honest pairs of which one side runs on WebGPU, through Dawn in this Node. Skipped with a word where it is not
 * installed or finds no adapter.
 */
export async function measureAcrossBackends({ quick, print }: BenchOptions): Promise<void> {
  const model = await readTinyModel('fp32')
  const start = (backend: Engine['info']['backend']): Promise<Engine> =>
    createNodeEngine({ manifest: model.manifest, modelFolder: MODEL, backend, maxWaiting: 4 * AT_ONCE })
  const webgpu = await start('webgpu').catch((thrown: unknown) => {
    if (thrown instanceof InfernetError && thrown.code.startsWith('engine.no-')) return thrown
    throw thrown
  })
  if (webgpu instanceof InfernetError)
    return console.error(`trust: wasm × webgpu is skipped: ${webgpu.message}`)
  const wasm = await start('wasm')
  try {
    const answers = quick ? QUICK_ANSWERS : ANSWERS
    const { adapter } = webgpu.info
    const forth = await checkHonest(wasm, webgpu, { model, count: answers.wasmFirst })
    printHonest(forth, { pair: 'wasm × webgpu', adapter, print })
    const back = await checkHonest(webgpu, wasm, { model, count: answers.webgpuFirst })
    printHonest(back, { pair: 'webgpu × wasm', adapter, print })
  } finally {
    await wasm.close()
    await webgpu.close()
  }
}

async function checkHonest(
  provider: Engine,
  verifier: Engine,
  { model, count }: { readonly model: TinyModel; readonly count: number },
): Promise<Tally> {
  const pair = { provider, verifier, envelope: envelopeFor('fp32') }
  const tallies: Tally[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) tallies.push(await checkLengths(pair, questionOf(next++, model)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return sumTallies(tallies)
}
