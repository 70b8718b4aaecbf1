import { fileURLToPath } from 'node:url'
import type { Backend, Engine, GenerateRequest } from '#shared/engine/engine.ts'
import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import { CHUNK_TOKENS } from '#shared/stream/constants.ts'
import { sketchRoot } from '#shared/stream/sketch-tree.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { createNodeEngine } from '../../../relay/provide/node-engine.ts'
import { median } from '../../fixtures/median.ts'

/** What sketches cost a provider. */
export interface SketchShare {
  /** CPU time of decoding with sketches and their roots over that without: the median of the pairs. */
  readonly share: number
  /** The 95 % interval of the median. */
  readonly low: number
  readonly high: number
  readonly pairs: number
  readonly adapter: string
}

export interface SketchShareInit {
  readonly backend: Backend
  /** @default 24 */
  readonly pairs?: number
  /** Answers of each half of a pair. @default 4 */
  readonly answers?: number
  /** Tokens of each answer: more than a chunk. @default 64 */
  readonly tokens?: number
}

const MODEL_FOLDER = fileURLToPath(new URL('../../../web/public/models/infernet-tiny/', import.meta.url))
const TALES = ['cat', 'dog', 'bird', 'fox', 'owl', 'bear', 'lion', 'frog']

/**
 * Decodes the same answers of Infernet Tiny with sketches and without, in turn, and compares the CPU time of the whole
 * process: the engine in its thread, the GPU's software adapter where it is one, and the tree of each chunk.
 *
 * @throws InfernetError `engine.no-webgpu` or `engine.no-adapter` where this machine has no such backend
 */
export async function measureSketchShare({
  backend,
  pairs = 24,
  answers = 4,
  tokens = 2 * CHUNK_TOKENS,
}: SketchShareInit): Promise<SketchShare> {
  const { manifest, tokenizer } = await readTinyModel('fp32')
  const engine = await createNodeEngine({ manifest, modelFolder: MODEL_FOLDER, backend, maxStreams: 1 })
  const requestOf = (number: number, sketches: boolean): GenerateRequest => ({
    promptTokens: tokenizer.encodeChat([
      { role: 'user', content: `Tell me a story about a ${TALES[number % TALES.length] ?? ''}.` },
    ]),
    ...{ priorTokens: [], sampler: { temperature: 0.9, topP: 1 }, maxTokens: tokens, sketches },
    seed: new Uint8Array(32).fill(number),
  })
  const half = async (first: number, sketches: boolean): Promise<number> => {
    let micros = 0
    for (let i = 0; i < answers; i++) micros += await decode(engine, requestOf(first + i, sketches))
    return micros
  }
  try {
    // The first answers compile kernels and code.
    for (const sketches of [true, false, true, false]) await half(0, sketches)
    const ratios: number[] = []
    for (let pair = 0; pair < pairs; pair++) {
      // Which half comes first changes, so that a drift of the machine favours neither.
      const order = pair % 2 === 0 ? [true, false] : [false, true]
      const spent = new Map<boolean, number>()
      for (const sketches of order) spent.set(sketches, await half(pair * answers, sketches))
      ratios.push((spent.get(true) ?? 0) / (spent.get(false) ?? 1))
    }
    return { share: median(ratios), ...medianInterval(ratios), pairs, adapter: engine.info.adapter }
  } finally {
    await engine.close()
  }
}

/** Microseconds of all processors from the first token of an answer to its last, the tree of its chunks included. */
async function decode(engine: Engine, request: GenerateRequest): Promise<number> {
  const sketches: number[] = []
  let begun: NodeJS.CpuUsage | undefined
  for await (const batch of engine.generate(request)) {
    begun ??= process.cpuUsage()
    sketches.push(...(batch.sketches ?? []))
    const wanted = CHUNK_TOKENS * SKETCH_SIZE
    while (sketches.length >= wanted)
      sketchRoot(new Uint8Array(32), Uint16Array.from(sketches.splice(0, wanted)), 0)
  }
  const { user, system } = process.cpuUsage(begun)
  return user + system
}

/** By order statistics: the ranks around the middle between which the true median lies in 95 % of samples. */
function medianInterval(values: readonly number[]): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const away = 0.98 * Math.sqrt(values.length)
  const low = Math.max(0, Math.floor((values.length - 1) / 2 - away))
  const high = Math.min(values.length - 1, Math.ceil((values.length - 1) / 2 + away))
  return { low: sorted[low] ?? NaN, high: sorted[high] ?? NaN }
}
