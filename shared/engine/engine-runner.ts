import { InfernetError } from '../errors/infernet-error.ts'
import { USUAL_CACHE_BYTES } from '../models/text-limit.ts'
import { Batcher, type BatcherComponents } from './batch/batcher.ts'
import { ScoreTask } from './batch/score-task.ts'
import { AnswerTask } from './batch/task.ts'
import { checkRequest, checkScoreRequest } from './check-request.ts'
import type { Engine, EngineInfo, GenerateRequest, TokenBatch } from './engine.ts'
import { createGrammarLoader } from './grammar/load-grammar.ts'
import type { Gpu } from './ort-runtime.ts'
import { createSampler, type Sampler } from './sampler/sampler.ts'
import { createSketcher } from './score/sketch.ts'
import { refuseEmbedding } from './other-task.ts'
import { stoppable } from './stoppable.ts'
import { watchDevice } from './watch-device.ts'

export interface RunnerComponents extends Pick<BatcherComponents, 'decoder' | 'now' | 'breathe' | 'pace'> {
  readonly gpu: Gpu | undefined
  /** The tokens that end an answer. */
  readonly eos: ReadonlySet<number>
  /** tokenizer.json, for answers that must have a form. */
  readonly readTokenizer: () => Promise<Readonly<Record<string, unknown>>>
}

export interface RunnerInit {
  readonly maxWaiting?: number | undefined
  readonly cacheBytes?: number | undefined
  readonly batchMs?: number | undefined
}

/** An engine, before anybody knows whether it is right. */
export interface Runner {
  readonly engine: Engine
  setStreams(streams: number): void
}

/** Puts a decoder, a batcher and samplers together. One request runs at a time until `setStreams` says more. */
export function createRunner(
  { decoder, gpu, now, breathe, pace, eos, readTokenizer }: RunnerComponents,
  init: RunnerInit,
  info: EngineInfo,
): Runner {
  const { vocabSize, contextLength } = info
  const { maxWaiting = 8, batchMs = 16, cacheBytes = USUAL_CACHE_BYTES } = init
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
  const loadGrammar = createGrammarLoader({ readTokenizer, vocabSize, eosTokens: eos })

  async function samplerOf(
    { promptTokens, sampler, seed }: Pick<GenerateRequest, 'promptTokens' | 'sampler' | 'seed'>,
    priorTokens: readonly number[],
  ): Promise<Sampler> {
    const grammar = sampler.grammar && (await loadGrammar(sampler.grammar))
    return createSampler(sampler, seed, { promptTokens, priorTokens, vocabSize, eosTokens: eos, grammar })
  }

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    checkRequest(request, info)
    signal.throwIfAborted()
    const sampler = await samplerOf(request, request.priorTokens)
    signal.throwIfAborted()
    // The engine before us wrote the end already and was lost before it could say so.
    if (sampler.isOver) return yield { tokens: [], finish: 'stop' }
    const { sketches, seed } = request
    const sketcher = sketches ? createSketcher(seed, vocabSize) : undefined
    const task = new AnswerTask({ request, sampler, sketcher, eos, contextLength, now, batchMs, wake })
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
      const either = AbortSignal.any([ending.signal, ...(signal ? [signal] : [])])
      either.throwIfAborted()
      const sampler = await samplerOf(request, request.priorTokens ?? [])
      either.throwIfAborted()
      const task = new ScoreTask(request, {
        sampler,
        sketcher: createSketcher(request.seed, vocabSize),
        wake,
      })
      const giveUp = (): void => task.fail(either.reason as Error)
      either.addEventListener('abort', giveUp)
      try {
        batcher.add(task)
        return await task.done
      } finally {
        either.removeEventListener('abort', giveUp)
      }
    },
    embed: refuseEmbedding(info),
    async close() {
      if (ending.signal.aborted) return
      ending.abort(new InfernetError('engine.closed'))
      await batcher.close()
      await decoder.close()
    },
  }
  return { engine, setStreams: (streams) => batcher.setWidth(streams) }
}
