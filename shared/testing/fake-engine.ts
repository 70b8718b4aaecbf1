import type { Clock } from '../base/clock.ts'
import { modelHash, tokenId, type TokenId } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { checkEmbedRequest, checkRequest, checkScoreRequest } from '../engine/check-request.ts'
import { createEngineQueue } from './engine-queue.ts'
import type { Engine, EngineInfo, FinishReason, GenerateRequest, TokenBatch } from '../engine/engine.ts'
import { floatToHalf } from '../engine/score/half.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { stoppable } from '../engine/stoppable.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { ENCODING } from '../models/task.ts'

export interface FakeEngineInit {
  readonly clock: Clock
  /** @default no pause at all */
  readonly tokensPerSecond?: number | undefined
  /** The whole answer, whatever the prompt. @default tokens hashed from prompt, position and seed */
  readonly answer?: readonly number[] | undefined
  /** How long a hashed answer is, its end token included. @default 40 */
  readonly answerLength?: number | undefined
  /** @default 8 */
  readonly maxWaiting?: number | undefined
  readonly info?: Partial<EngineInfo> | undefined
}

/** A fake that a test can break on purpose. */
export interface FakeEngine extends Engine {
  /** Ends every running request with `error`, as a lost device does. */
  breakDown(error: Error): void
  /** Requests that are running or waiting. */
  readonly active: number
}

/** The token that ends a fake answer. */
export const FAKE_EOS = 2

/**
 * An engine without a model, deterministic to the token.
 *
 * Token t of an answer depends on the prompt, the seed and t alone, not on who wrote the tokens before: two fakes give
 * the same answer and the same sketches, and one that goes on where another stopped must fit, which is what failover
 * tests look at. One whose
 * `info` says that it is an encoder gives the vectors of `fakeVector`.
 */
export function createFakeEngine(init: FakeEngineInit): FakeEngine {
  const { clock, tokensPerSecond, answerLength = 40, maxWaiting = 8 } = init
  const info: EngineInfo = {
    task: 'text-generation',
    model: modelHash('f'.repeat(64)),
    backend: 'wasm',
    adapter: 'fake',
    dtype: 'fp32',
    contextLength: 1024,
    vocabSize: 1024,
    prefillTokensPerSecond: 1000,
    decodeTokensPerSecond: tokensPerSecond ?? 1000,
    batchTokensPerSecond: tokensPerSecond ?? 1000,
    streams: 1,
    ...init.info,
  }
  const queue = createEngineQueue(maxWaiting)
  const dying = new AbortController()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()
  let active = 0

  function tokenAt(request: GenerateRequest, position: number): TokenId {
    if (init.answer) return tokenId(init.answer[position] ?? FAKE_EOS)
    if (position >= answerLength - 1) return tokenId(FAKE_EOS)
    const greedy = request.sampler.temperature === 0
    const hash = hashOf([...request.promptTokens, ...(greedy ? [] : request.seed), position])
    return tokenId(FAKE_EOS + 1 + (hash % (info.vocabSize - FAKE_EOS - 1)))
  }

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    checkRequest(request, info)
    const { priorTokens, maxTokens } = request
    if (priorTokens.at(-1) === FAKE_EOS) return yield { tokens: [], finish: 'stop' }
    active++
    let leave = (): void => {}
    try {
      leave = await queue.enter(signal)
      for (let produced = 1, finish: FinishReason | undefined; !finish; produced++) {
        if (tokensPerSecond) await sleep(clock, millis(1000 / tokensPerSecond), { signal })
        signal.throwIfAborted()
        const position = priorTokens.length + produced - 1
        const token = tokenAt(request, position)
        const total = request.promptTokens.length + position + 1
        if (token === FAKE_EOS) finish = 'stop'
        else if (produced === maxTokens || total >= info.contextLength) finish = 'length'
        if (finish) leave()
        const sketches = request.sketches && { sketches: fakeSketch(request, position) }
        yield { tokens: [token], ...sketches, finish }
      }
    } finally {
      leave()
      active--
    }
  }

  return {
    info,
    lost,
    get active() {
      return active
    },
    generate(request, { signal } = {}) {
      const stop = new AbortController()
      const signals = [stop.signal, dying.signal, ...(signal ? [signal] : [])]
      return stoppable(run(request, AbortSignal.any(signals)), stop)
    },
    async score(request, { signal } = {}) {
      checkScoreRequest(request, info)
      AbortSignal.any([dying.signal, ...(signal ? [signal] : [])]).throwIfAborted()
      const asked = { ...request, priorTokens: request.priorTokens ?? [], maxTokens: 1 }
      return request.outputTokens.map((token, i) => {
        const position = asked.priorTokens.length + i
        const margin = token === tokenAt(asked, position) ? 0 : 1
        return { margin, sketch: fakeSketch(request, position) }
      })
    },
    async embed(request, { signal } = {}) {
      if (info.task !== ENCODING) throw new InfernetError('engine.other-task', { task: info.task })
      checkEmbedRequest(request, info)
      const either = AbortSignal.any([dying.signal, ...(signal ? [signal] : [])])
      active++
      let leave = (): void => {}
      try {
        leave = await queue.enter(either)
        const tokens = request.texts.reduce((sum, { length }) => sum + length, 0)
        if (tokensPerSecond) await sleep(clock, millis((1000 * tokens) / tokensPerSecond), { signal: either })
        either.throwIfAborted()
        return Float32Array.from(request.texts.flatMap((text) => fakeVector(text, info.dimensions ?? 0)))
      } finally {
        leave()
        active--
      }
    },
    breakDown(error) {
      dying.abort(error)
      reportLost(error)
    },
    async close() {
      dying.abort(new InfernetError('engine.closed'))
    },
  }
}

/** What a fake encoder makes of a text: the same numbers at every provider. */
export function fakeVector(text: readonly number[], dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, i) => Math.fround(hashOf([...text, i]) / 2 ** 32))
}

/** What a fake engine sketches of a position: 16 numbers from -8 to 8 by the prompt, the seed and the position. */
function fakeSketch(
  { promptTokens, seed }: Pick<GenerateRequest, 'promptTokens' | 'seed'>,
  position: number,
): Uint16Array {
  const hash = hashOf([...promptTokens, ...seed, position])
  return Uint16Array.from({ length: SKETCH_SIZE }, (_, i) => floatToHalf(hashOf([hash, i]) / 2 ** 28 - 8))
}

/** FNV-1a over 32-bit words. */
function hashOf(words: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) >>> 0
  return (hash ^ (hash >>> 15)) >>> 0
}
