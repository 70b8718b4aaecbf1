import { pathToFileURL } from 'node:url'
import type { Engine } from '#shared/engine/engine.ts'
import type { CheatParts } from '#shared/testing/cheats/cheat.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { readModel, type TinyModel } from '#shared/testing/tiny-model.ts'
import { createNodeEngine } from '../../../relay/provide/node-engine.ts'
import { smolModel, smolWithoutLayer } from '../models.ts'

/** Each engine of 135M parameters takes 1 to 2.4 GB, and more for each answer at once. */
const STREAMS = 8
const MAX_WAITING = 64

/** What a cheat over a model of 135M parameters has, and who reads after it: an engine of its own. */
export interface LargerParts extends CheatParts, AsyncDisposable {
  readonly model: TinyModel
  readonly verifier: Engine
}

/**
 * A model of the size of SmolLM2-135M with random weights, in four engines in threads of their own: whole, whole again
 * to read, without a layer, and with 4-bit weights. Undefined without the tools that build it.
 */
export async function loadLargerParts(): Promise<LargerParts | undefined> {
  const [whole, coarse] = [smolModel('fp32'), smolModel('q4')]
  if (!whole || !coarse) return undefined
  const folders = [
    { files: whole.files, dtype: 'fp32' },
    { files: whole.files, dtype: 'fp32' },
    { files: smolWithoutLayer(whole.files), dtype: 'fp32' },
    { files: coarse.files, dtype: 'q4' },
  ] as const
  const engines: Engine[] = []
  for (const { files, dtype } of folders) {
    const { manifest } = await readModel(pathToFileURL(`${files}/`), dtype)
    engines.push(
      await createNodeEngine({ manifest, modelFolder: files, maxStreams: STREAMS, maxWaiting: MAX_WAITING }),
    )
  }
  const [honest, verifier, smaller, quantised] = engines
  if (!honest || !verifier || !smaller || !quantised) throw new Error('An engine is missing.')
  // Its texts are those of Infernet Tiny, whose tokenizer it has.
  const { cannedPrompt, filler, oldTemplate, isProbe, published, close } = await loadTinyParts()
  await close()
  return {
    ...{ model: await readModel(pathToFileURL(`${whole.files}/`), 'fp32'), verifier },
    ...{ honest, smaller, quantised, cannedPrompt, filler, oldTemplate, isProbe, published },
    async [Symbol.asyncDispose]() {
      for (const engine of engines) await engine.close()
    },
  }
}
