import { tokenId, type TokenId } from '../base/ids.ts'
import { raceSignal } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import { readJson } from '../models/model-files.ts'
import { checkRequest } from './check-request.ts'
import {
  createOnnxDecoder,
  type Decoder,
  type DecoderComponents,
  type Sequence,
} from './decoder/onnx-decoder.ts'
import { nameFailure } from './engine-failure.ts'
import { createEngineQueue } from './engine-queue.ts'
import type { Engine, EngineInfo, FinishReason, GenerateRequest, TokenBatch } from './engine.ts'
import { eosTokens } from './eos-tokens.ts'
import { goldenPath, parseGolden } from './golden.ts'
import { createSampler } from './sampler/sampler.ts'
import { runSelfTest, type SelfTest } from './self-test.ts'
import { stoppable } from './stoppable.ts'

export interface EngineComponents extends DecoderComponents {
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export interface EngineInit {
  readonly manifest: Manifest
  /** @default 8 */
  readonly maxWaiting?: number | undefined
  /** Tokens that are ready within this many milliseconds go out in one batch. @default 16, one frame of a screen */
  readonly batchMs?: number | undefined
  /** Called when the weights are in and the graph is compiled, before the self-test. */
  readonly onTesting?: (() => void) | undefined
}

/** An engine that has passed its self-test. */
export interface TestedEngine extends Engine {
  readonly selfTest: SelfTest
}

/**
 * Loads a model's graph, tests it and gives it as an {@link Engine}.
 *
 * One request runs at a time, the others wait in one first-in-first-out queue; the place is taken at the first pull and
 * given back when the answer ends, fails, or the iterator returns. Nothing runs between two pulls.
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
  const { manifest } = init
  const decoder = await createOnnxDecoder(components, manifest, { signal })
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
    }
    const engine = createRunner(components, init, decoder, eos, untested)
    const selfTest = await runSelfTest(engine, golden, now, { signal })
    const { prefillTokensPerSecond, decodeTokensPerSecond } = selfTest
    return { ...engine, selfTest, info: { ...untested, prefillTokensPerSecond, decodeTokensPerSecond } }
  } catch (error) {
    await decoder.close().catch(() => undefined)
    throw error
  }
}

function createRunner(
  { gpu, now }: EngineComponents,
  init: EngineInit,
  decoder: Decoder,
  eos: ReadonlySet<number>,
  info: EngineInfo,
): Engine {
  const { maxWaiting = 8, batchMs = 16 } = init
  const queue = createEngineQueue(maxWaiting)
  const dying = new AbortController()
  const open = new Set<Sequence>()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()
  let stepping: Promise<unknown> = Promise.resolve()

  function die(error: Error): void {
    if (dying.signal.aborted) return
    dying.abort(error)
    reportLost(error)
  }
  if (gpu) watchDevice(gpu.device, die)

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    checkRequest(request, info)
    const { promptTokens, priorTokens, maxTokens } = request
    // The engine before us wrote the end already and was lost before it could say so.
    if (eos.has(priorTokens.at(-1) ?? -1)) return yield { tokens: [], finish: 'stop' }
    const leave = await queue.enter(signal)
    const sequence = decoder.open()
    open.add(sequence)
    const free = (): void => {
      open.delete(sequence)
      sequence.dispose()
      leave()
    }
    try {
      const sampler = createSampler(request.sampler, request.seed, {
        promptTokens,
        priorTokens,
        vocabSize: info.vocabSize,
        eosTokens: eos,
      })
      if (sampler.isOver) {
        free()
        return yield { tokens: [], finish: 'stop' }
      }
      let unread: readonly number[] = [...promptTokens, ...priorTokens]
      let produced = 0
      const next = async (): Promise<TokenId> => {
        const step = sequence.feed(unread, signal)
        stepping = step.catch(() => undefined)
        // A lost device may leave run() hanging for ever; every other end waits for the step.
        const logits = await raceSignal(step, dying.signal)
        const token = sampler.pick({ ids: undefined, values: logits })
        unread = [token]
        produced++
        return token
      }
      const finishOf = (token: number): FinishReason | undefined => {
        if (eos.has(token) || sampler.isOver) return 'stop'
        return produced === maxTokens || sequence.length + 1 >= info.contextLength ? 'length' : undefined
      }
      for (let finish: FinishReason | undefined; !finish;) {
        const tokens: TokenId[] = []
        const begun = now()
        const first = produced === 0
        do {
          const token = await next()
          tokens.push(tokenId(token))
          finish = finishOf(token)
          // The first token goes out alone: somebody is looking at an empty page.
        } while (!finish && !first && now() - begun < batchMs)
        // A consumer that has read the end need not pull again, so the place is given back before it.
        if (finish) free()
        yield { tokens, finish }
      }
    } catch (thrown) {
      const error = nameFailure(thrown, signal)
      if (error instanceof InfernetError && error.code === 'engine.device-lost') die(error)
      // A trap leaves the wasm heap in an unknown state: nothing after it can be trusted.
      if (thrown instanceof WebAssembly.RuntimeError) die(error)
      throw error
    } finally {
      free()
    }
  }

  return {
    info,
    lost,
    generate(request, { signal } = {}) {
      const stop = new AbortController()
      const signals = [stop.signal, dying.signal, ...(signal ? [signal] : [])]
      return stoppable(run(request, AbortSignal.any(signals)), stop)
    },
    async close() {
      if (dying.signal.aborted) return
      dying.abort(new InfernetError('engine.closed'))
      await stepping
      for (const sequence of open) sequence.dispose()
      open.clear()
      await decoder.close()
    },
  }
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
