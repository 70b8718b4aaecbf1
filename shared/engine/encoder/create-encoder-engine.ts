import { InfernetError } from '../../errors/infernet-error.ts'
import { goldenPath, hashManifest } from '../../models/manifest.ts'
import { checkEmbedRequest } from '../check-request.ts'
import type { EngineComponents, EngineInit, ProvenEngine } from '../create-engine.ts'
import { nameStartFailure } from '../engine-failure.ts'
import type { Engine, EngineInfo } from '../engine.ts'
import { refuseWriting } from '../other-task.ts'
import { watchDevice } from '../watch-device.ts'
import type { Encoder } from './encoder.ts'
import { parseGoldenVectors } from './golden-vectors.ts'
import { loadEncoder } from './load-encoder.ts'
import { testEncoder } from './test-encoder.ts'
import { TextBatcher } from './text-batcher.ts'

/** Requests whose texts share steps. Each job of the network brings one block of texts at a time. */
const STREAMS = 4

/**
 * Loads an encoder's graph, tests it against its golden vectors and gives it as an {@link Engine} whose `embed` works.
 *
 * @throws InfernetError as `createEngine`
 *
 * @example
 * const engine = await createEncoderEngine({ ort, files, gpu: undefined, now, breathe }, { manifest })
 * const vectors = await engine.embed({ texts: [tokens] })
 */
export async function createEncoderEngine(
  components: EngineComponents,
  init: EngineInit,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProvenEngine> {
  const { files, gpu, now } = components
  const { manifest, maxStreams = STREAMS } = init
  const encoder = await loadEncoder(components, manifest, { signal })
  try {
    const backend = gpu ? 'webgpu' : 'wasm'
    const path = goldenPath(manifest.dtype)
    const golden = files.paths.includes(path)
      ? parseGoldenVectors(await files.read(path, { signal }), path)
      : undefined
    init.onTesting?.()
    const { vocabSize } = manifest
    const selfTest = await testEncoder(encoder, golden, { backend, vocabSize, now, signal })
    const { prefillTokensPerSecond, decodeTokensPerSecond } = selfTest
    const info: EngineInfo = {
      task: manifest.task,
      model: hashManifest(manifest),
      backend,
      adapter: gpu?.label ?? 'cpu',
      contextLength: manifest.contextLength,
      dimensions: encoder.dimensions,
      vocabSize,
      prefillTokensPerSecond,
      decodeTokensPerSecond,
      batchTokensPerSecond: decodeTokensPerSecond,
      streams: Math.min(maxStreams, STREAMS),
    }
    const measure = { rows: info.streams, gain: 1, prefillTokensPerSecond, decodeTokensPerSecond }
    return { ...runEncoder(components, encoder, info, init), selfTest, measure }
  } catch (error) {
    await encoder.close().catch(() => undefined)
    throw nameStartFailure(error)
  }
}

function runEncoder(
  { gpu, now, breathe, pace }: EngineComponents,
  encoder: Encoder,
  info: EngineInfo,
  { maxWaiting = 8 }: EngineInit,
): Engine {
  /** Aborted when requests end, for whatever reason. */
  const ending = new AbortController()
  /** Aborted when the device is gone: a step may then hang for ever. */
  const dying = new AbortController()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()

  function die(error: Error): void {
    if (ending.signal.aborted) return
    dying.abort(error)
    ending.abort(error)
    reportLost(error)
  }
  const batcher = new TextBatcher(
    { encoder, now, breathe, pace },
    { maxRequests: info.streams + maxWaiting, onBroken: die, dying: dying.signal },
  )
  if (gpu) watchDevice(gpu.device, die)
  return {
    info,
    lost,
    ...refuseWriting(info),
    async embed(request, { signal } = {}) {
      checkEmbedRequest(request, info)
      return batcher.embed(request, AbortSignal.any([ending.signal, ...(signal ? [signal] : [])]))
    },
    async close() {
      if (ending.signal.aborted) return
      ending.abort(new InfernetError('engine.closed'))
      await batcher.close()
      await encoder.close()
    },
  }
}
