import { InfernetError } from '../errors/infernet-error.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import { readJson } from '../models/model-files.ts'
import { Batcher, type BatcherComponents } from './batch/batcher.ts'
import { measureWidth } from './batch/measure-width.ts'
import { ScoreTask } from './batch/score-task.ts'
import { AnswerTask } from './batch/task.ts'
import { checkRequest, checkScoreRequest } from './check-request.ts'
import type { Decoder } from './decoder/decoder.ts'
import { loadDecoder, type DecoderComponents } from './decoder/load-decoder.ts'
import type { Engine, EngineInfo, GenerateRequest, TokenBatch } from './engine.ts'
import { eosTokens } from './eos-tokens.ts'
import { goldenPath, parseGolden } from './golden.ts'
import { createSampler } from './sampler/sampler.ts'
import { runSelfTest, type SelfTest } from './self-test.ts'
import { explainFailure } from './self-test/explain-failure.ts'
import { stoppable } from './stoppable.ts'

export interface EngineComponents
  extends DecoderComponents, Pick<BatcherComponents, 'now' | 'breathe' | 'pace'> {}

export interface EngineInit {
  readonly manifest: Manifest
  /** Requests that run at once, at most. @default as many as are measured to be worth while */
  readonly maxStreams?: number | undefined
  /** Requests that wait beyond those. @default 8 */
  readonly maxWaiting?: number | undefined
  /** What the KV caches may take together, in bytes. @default 256 MiB */
  readonly cacheBytes?: number | undefined
  /** Tokens that are ready within this many milliseconds go out in one batch. @default 16, one frame of a screen */
  readonly batchMs?: number | undefined
  /** Called when the weights are in and the graph is compiled, before the self-test. */
  readonly onTesting?: (() => void) | undefined
}

const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024

/** An engine that has passed its self-test. */
export interface TestedEngine extends Engine {
  readonly selfTest: SelfTest
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
): Promise<TestedEngine> {
  const { files, now, gpu } = components
  const { manifest, maxStreams } = init
  const decoder = await loadDecoder(components, manifest, { signal })
  try {
    const generation = files.paths.includes('generation_config.json')
      ? await readJson(files, 'generation_config.json', { signal })
      : {}
    const eos = eosTokens(generation, await readJson(files, 'config.json', { signal }))
    const path = goldenPath(manifest.dtype)
    const golden = files.paths.includes(path)
      ? parseGolden(await files.read(path, { signal }), path)
      : undefined
    init.onTesting?.()
    const untested: EngineInfo = {
      model: hashManifest(manifest),
      backend: gpu ? 'webgpu' : 'wasm',
      adapter: gpu?.label ?? 'cpu',
      contextLength: manifest.contextLength,
      vocabSize: manifest.vocabSize,
      prefillTokensPerSecond: 0,
      decodeTokensPerSecond: 0,
      batchTokensPerSecond: 0,
      streams: 1,
    }
    const runner = createRunner(components, init, decoder, eos, untested)
    const selfTest = await runSelfTest(runner.engine, golden, now, { signal }).catch(
      async (error: unknown) => {
        throw await explainFailure(error, components, { signal })
      },
    )
    const width = await measureWidth(decoder, now)
    signal?.throwIfAborted()
    const streams = Math.min(maxStreams ?? Infinity, width.rows)
    runner.setStreams(streams)
    const { prefillTokensPerSecond, decodeTokensPerSecond } = selfTest
    const gain = streams === width.rows ? width.gain : 1
    const batchTokensPerSecond = Math.round(decodeTokensPerSecond * gain * 10) / 10
    const speeds = { prefillTokensPerSecond, decodeTokensPerSecond, batchTokensPerSecond }
    const info = { ...untested, ...speeds, streams }
    return { ...runner.engine, selfTest, info }
  } catch (error) {
    await decoder.close().catch(() => undefined)
    throw error
  }
}

interface Runner {
  readonly engine: Engine
  setStreams(streams: number): void
}

function createRunner(
  { gpu, now, breathe, pace }: EngineComponents,
  init: EngineInit,
  decoder: Decoder,
  eos: ReadonlySet<number>,
  info: EngineInfo,
): Runner {
  const { maxWaiting = 8, batchMs = 16, cacheBytes = DEFAULT_CACHE_BYTES } = init
  /** Aborted when requests end, for whatever reason. */
  const ending = new AbortController()
  /** Aborted when the device is gone: a step may then hang for ever, while every other end waits for it. */
  const dying = new AbortController()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()

  function die(error: Error): void {
    if (ending.signal.aborted) return
    dying.abort(error)
    ending.abort(error)
    reportLost(error)
  }
  const batcher = new Batcher(
    { decoder, now, breathe, pace },
    { maxWaiting, cacheBytes, onBroken: die, dying: dying.signal },
  )
  if (gpu) watchDevice(gpu.device, die)
  const wake = (): void => batcher.wake()

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    checkRequest(request, info)
    const { promptTokens, priorTokens, sampler: params, seed } = request
    signal.throwIfAborted()
    const context = { promptTokens, priorTokens, vocabSize: info.vocabSize, eosTokens: eos }
    const sampler = createSampler(params, seed, context)
    // The engine before us wrote the end already and was lost before it could say so.
    if (sampler.isOver) return yield { tokens: [], finish: 'stop' }
    const { contextLength } = info
    const task = new AnswerTask({ request, sampler, eos, contextLength, now, batchMs, wake })
    const giveUp = (): void => task.fail(signal.reason as Error)
    signal.addEventListener('abort', giveUp)
    try {
      batcher.add(task)
      for (let isOver = false; !isOver;) {
        const batch = await task.pull()
        isOver = batch.finish !== undefined
        yield batch
      }
    } finally {
      signal.removeEventListener('abort', giveUp)
      task.fail(new InfernetError('stream.cancelled'))
    }
  }

  const engine: Engine = {
    info,
    lost,
    generate(request, { signal } = {}) {
      const stop = new AbortController()
      const signals = [stop.signal, ending.signal, ...(signal ? [signal] : [])]
      return stoppable(run(request, AbortSignal.any(signals)), stop)
    },
    async score(request, { signal } = {}) {
      checkScoreRequest(request, info)
      const { promptTokens, sampler: params, seed } = request
      const either = AbortSignal.any([ending.signal, ...(signal ? [signal] : [])])
      either.throwIfAborted()
      const context = { promptTokens, priorTokens: [], vocabSize: info.vocabSize, eosTokens: eos }
      const task = new ScoreTask(request, createSampler(params, seed, context), wake)
      const giveUp = (): void => task.fail(either.reason as Error)
      either.addEventListener('abort', giveUp)
      try {
        batcher.add(task)
        return await task.done
      } finally {
        either.removeEventListener('abort', giveUp)
      }
    },
    async close() {
      if (ending.signal.aborted) return
      ending.abort(new InfernetError('engine.closed'))
      await batcher.close()
      await decoder.close()
    },
  }
  return { engine, setStreams: (streams) => batcher.setWidth(streams) }
}

/**
 * Calls back when the device is lost, or when a command of it failed: nobody awaits those errors, and what is computed
 * after one is garbage that looks like an answer.
 */
function watchDevice(device: GPUDevice, die: (error: Error) => void): void {
  void device.lost.then(({ message }) =>
    die(new InfernetError('engine.device-lost', {}, { cause: new Error(message) })),
  )
  device.addEventListener('uncapturederror', ({ error }) => {
    const code =
      error.constructor.name === 'GPUOutOfMemoryError' ? 'engine.out-of-memory' : 'engine.device-lost'
    die(new InfernetError(code, {}, { cause: error }))
  })
}
