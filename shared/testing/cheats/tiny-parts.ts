import { tokenId } from '../../base/ids.ts'
import { createEngine, type ProvenEngine } from '../../engine/create-engine.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '../tiny-model.ts'
import type { CheatParts } from './cheat.ts'
import { cutLayer } from './cut-layer.ts'
import { learnProbes, looksMade } from './learn-probes.ts'

/** The second of four: without it the model still writes whole sentences, which is what a cheat would sell. */
const CUT_LAYER = 1

/** Infernet Tiny's `<|im_start|>` and `<|im_end|>`. */
const TURN_START = 1022
const TURN_END = 1023

/** How many requests the engines of tests and benches take at once. */
const MAX_WAITING = 64

/** What a cheat over the bundled model has: three engines in this process, on wasm. Whoever has them closes them. */
export interface TinyParts extends CheatParts {
  readonly model: TinyModel
  readonly close: () => Promise<void>
}

/**
 * @param options `isProbe`: @default what one can learn from the generator of corpora. `published`: @default nobody
 * published anything
 */
export async function loadTinyParts({
  isProbe,
  published = () => undefined,
}: Partial<Pick<CheatParts, 'isProbe' | 'published'>> = {}): Promise<TinyParts> {
  const model = await readTinyModel('fp32')
  const q4 = await readTinyModel('q4')
  const engines = [
    await start(model, model.files),
    await start(model, await withoutLayer(model)),
    await start(q4, q4.files),
  ] as const
  const [honest, smaller, quantised] = engines
  return {
    ...{ model, honest, smaller, quantised, published, oldTemplate },
    isProbe: isProbe ?? recogniser(model),
    cannedPrompt: model.tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a cat.' }]),
    filler: tokenId(TURN_START),
    async close() {
      for (const engine of engines) await engine.close()
    },
  }
}

/** Infernet Tiny with a layer less, under the manifest of the whole one; it has no golden answers to be tested by. */
async function withoutLayer({ files, manifest }: TinyModel): Promise<ModelFiles> {
  const smaller = cutLayer(await files.read(manifest.weights), CUT_LAYER)
  return {
    paths: files.paths.filter((path) => !path.startsWith('golden.')),
    read: (path, options) =>
      path === manifest.weights ? Promise.resolve(smaller) : files.read(path, options),
  }
}

async function start({ manifest }: TinyModel, files: ModelFiles): Promise<ProvenEngine> {
  return createEngine(await wasmComponents(files), { manifest, maxWaiting: MAX_WAITING })
}

/** Learns when it is first asked, which takes a second. */
function recogniser({ tokenizer }: TinyModel): CheatParts['isProbe'] {
  let shareOf: ReturnType<typeof learnProbes> | undefined
  return (promptTokens) => looksMade((shareOf ??= learnProbes()), turnsOf(promptTokens, tokenizer))
}

/** What a person typed, turn by turn. */
function turnsOf(promptTokens: readonly number[], tokenizer: TinyModel['tokenizer']): readonly string[] {
  const turns: string[] = []
  for (let at = promptTokens.indexOf(TURN_START); at >= 0; at = promptTokens.indexOf(TURN_START, at + 1)) {
    const end = promptTokens.indexOf(TURN_END, at)
    const [role, ...words] = tokenizer
      .decode(promptTokens.slice(at + 1, end < 0 ? undefined : end))
      .split('\n')
    if (role?.trim() === 'user') turns.push(words.join('\n'))
  }
  return turns
}

/** A template without the line break after each turn: a token less in each. */
function oldTemplate(promptTokens: readonly number[]): readonly number[] {
  return promptTokens.filter((_, at) => promptTokens[at - 1] !== TURN_END)
}
