import { goldenPath, hashManifest, type Manifest } from '../models/manifest.ts'
import { textLimit, USUAL_CACHE_BYTES } from '../models/text-limit.ts'
import { parseJson, readJson, readJsonIfAny, type ModelFiles } from '../models/model-files.ts'
import type { BatcherComponents } from './batch/batcher.ts'
import { measureWidth } from './batch/measure-width.ts'
import { proveBatch } from './batch/prove-batch.ts'
import type { Decoder } from './decoder/decoder.ts'
import { loadDecoder, type DecoderComponents } from './decoder/load-decoder.ts'
import type { Engine, EngineInfo } from './engine.ts'
import { createRunner, type Runner } from './engine-runner.ts'
import type { EngineMeasure } from './engine-measure.ts'
import { nameStartFailure } from './engine-failure.ts'
import { eosTokens } from '../models/eos-tokens.ts'
import { parseGolden, type Golden } from './golden.ts'
import { runSelfTest, type SelfTest } from './self-test.ts'
import { explainFailure, proveSubgroups } from './self-test/explain-failure.ts'

export interface EngineComponents
  extends DecoderComponents, Pick<BatcherComponents, 'now' | 'breathe' | 'pace'> {}

export interface EngineInit {
  readonly manifest: Manifest
  /** Requests that run at once, at most. @default as many as are measured to be worth while */
  readonly maxStreams?: number | undefined
  /** Requests that wait beyond those. @default 8 */
  readonly maxWaiting?: number | undefined
  /** What the KV caches may take together, in bytes; no text may be longer than it holds. @default 256 MiB */
  readonly cacheBytes?: number | undefined
  /** Tokens that are ready within this many milliseconds go out in one batch. @default 16, one frame of a screen */
  readonly batchMs?: number | undefined
  /**
   * What an earlier start on this very device found out. The golden prompts are run all the same, at once where it runs
   * several; what is known is neither searched for nor proved again, unless they come out wrong. @default nothing
   */
  readonly known?: EngineMeasure | undefined
  /** Called when the weights are in and the graph is compiled, before the self-test. */
  readonly onTesting?: (() => void) | undefined
}

const TOKENIZER_PATH = 'tokenizer.json'

/** An engine that has passed its self-test. */
export interface TestedEngine extends Engine {
  readonly selfTest: SelfTest
}

/** An engine that passed its self-test, with what the next start may be told. */
export interface ProvenEngine extends TestedEngine {
  readonly measure: EngineMeasure
}

/**
 * Loads a model's graph, tests it, measures how many streams it should run at once, and gives it as an {@link Engine}.
 *
 * A request takes a place at its first pull and gives it back when the answer ends, fails, or the iterator returns.
 *
 * @throws InfernetError `models.unsupported`, `engine.load-failed`, `engine.self-test-failed`, `engine.device-lost`,
 *   `engine.out-of-memory`, what the files throw, or the signal's reason
 *
 * @example
 * const engine = await createEngine({ ort, files, gpu: undefined, now, breathe }, { manifest })
 * for await (const { tokens } of engine.generate(request)) console.log(tokens)
 */
export async function createEngine(
  components: EngineComponents,
  init: EngineInit,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProvenEngine> {
  const { files, gpu } = components
  const { manifest, maxStreams, cacheBytes = USUAL_CACHE_BYTES } = init
  const contextLength = textLimit(manifest, cacheBytes)
  const decoder = await loadDecoder(components, manifest, { signal, maxLength: contextLength })
  try {
    const generation = await readJsonIfAny(files, 'generation_config.json', { signal })
    const eos = eosTokens(generation, await readJson(files, 'config.json', { signal }))
    const path = goldenPath(manifest.dtype)
    const golden = files.paths.includes(path)
      ? parseGolden(await files.read(path, { signal }), path)
      : undefined
    init.onTesting?.()
    const untested: EngineInfo = {
      task: manifest.task,
      model: hashManifest(manifest),
      backend: gpu ? 'webgpu' : 'wasm',
      adapter: gpu?.label ?? 'cpu',
      dtype: manifest.dtype,
      // A manifest need not say what a token takes; the graph does.
      contextLength: textLimit({ contextLength, memory: decoder }, cacheBytes),
      vocabSize: manifest.vocabSize,
      prefillTokensPerSecond: 0,
      decodeTokensPerSecond: 0,
      batchTokensPerSecond: 0,
      streams: 1,
    }
    const readTokenizer = tokenizerReader(await readTokenizerBytes(files, signal))
    const runner = createRunner({ ...components, decoder, eos, readTokenizer }, init, untested)
    const parts = { components, decoder, runner, golden }
    const found = (init.known && (await retest(parts, init.known, signal))) ?? (await prove(parts, signal))
    const { selfTest, measure } = found
    const streams = Math.min(maxStreams ?? Infinity, measure.rows)
    runner.setStreams(streams)
    const { prefillTokensPerSecond, decodeTokensPerSecond } = measure
    const gain = streams === measure.rows ? measure.gain : 1
    const batchTokensPerSecond = Math.round(decodeTokensPerSecond * gain * 10) / 10
    const speeds = { prefillTokensPerSecond, decodeTokensPerSecond, batchTokensPerSecond }
    const info = { ...untested, ...speeds, streams }
    return { ...runner.engine, selfTest: { ...selfTest, golden }, info, measure }
  } catch (error) {
    await decoder.close().catch(() => undefined)
    throw nameStartFailure(error)
  }
}

interface ProvingParts {
  readonly components: EngineComponents
  readonly decoder: Decoder
  readonly runner: Runner
  readonly golden: Golden | undefined
}

interface Found {
  readonly selfTest: SelfTest
  readonly measure: EngineMeasure
}

/** Runs the golden prompts as they will be run: at once where several are. Undefined when they came out wrong. */
async function retest(
  { runner, golden }: ProvingParts,
  measure: EngineMeasure,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  runner.setStreams(measure.rows)
  const isRight = await proveBatch(runner.engine, golden, measure.rows, { signal })
  runner.setStreams(1)
  if (!isRight) return undefined
  const { prefillTokensPerSecond, decodeTokensPerSecond } = measure
  const total = (golden?.cases ?? []).reduce((sum, { tokens }) => sum + tokens.length, 0)
  return { measure, selfTest: { right: total, total, prefillTokensPerSecond, decodeTokensPerSecond } }
}

/** Runs the golden prompts one by one and at once, proves what must be, and measures. */
async function prove(
  { components, decoder, runner, golden }: ProvingParts,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const { now } = components
  const selfTest = await runSelfTest(runner.engine, golden, now, { signal }).catch(async (error: unknown) => {
    throw await explainFailure(error, components, { signal })
  })
  await proveSubgroups(components, { signal })
  // A device that is lost meanwhile may leave a step hanging for ever.
  const width = await Promise.race([measureWidth(decoder, now), failWith(runner.engine.lost)])
  signal?.throwIfAborted()
  runner.setStreams(width.rows)
  const isProven = width.rows === 1 || (await proveBatch(runner.engine, golden, width.rows, { signal }))
  const { rows, gain } = isProven ? width : { rows: 1, gain: 1 }
  const { prefillTokensPerSecond, decodeTokensPerSecond } = selfTest
  return { selfTest, measure: { rows, gain, prefillTokensPerSecond, decodeTokensPerSecond } }
}

async function failWith(lost: Promise<Error>): Promise<never> {
  throw await lost
}

async function readTokenizerBytes(files: ModelFiles, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return files.paths.includes(TOKENIZER_PATH) ? files.read(TOKENIZER_PATH, { signal }) : new Uint8Array()
}

/**
 * Lives as long as the engine, so it holds nothing but these bytes: a closure of `createEngine` would hold the files as
 * well, and with them the weights, which lie in the session's own memory by then.
 */
function tokenizerReader(bytes: Uint8Array): () => Promise<Readonly<Record<string, unknown>>> {
  return async () => parseJson(bytes, TOKENIZER_PATH)
}
