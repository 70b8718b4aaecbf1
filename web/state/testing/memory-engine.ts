import type { Clock } from '#shared/base/clock.ts'
import { tokenId, type ModelHash } from '#shared/base/ids.ts'
import { millis, type EpochMillis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import type { Backend, GenerateRequest, TokenBatch } from '#shared/engine/engine.ts'
import type { StandingState } from '#shared/engine/engine-keeper.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** How many tokens an answer of this tab's own has. */
const LOCAL_TOKENS = 40

/** An engine whose death and return a test orders. */
export class MemoryEngine implements StandingEngine {
  readonly info: StandingEngine['info']
  readonly selfTest = { right: 32, total: 32, prefillTokensPerSecond: 900, decodeTokensPerSecond: 112 }
  readonly lost = new Promise<Error>(() => undefined)
  /** What it was told of its share, in order. */
  readonly shares: number[] = []
  state: StandingState = { stage: 'up' }
  testedAt: EpochMillis
  closed = false
  readonly #listeners = new Set<() => void>()

  readonly #clock: Clock

  constructor(model: ModelHash, backend: Backend, clock: Clock) {
    this.#clock = clock
    this.testedAt = clock.now()
    this.info = {
      task: 'text-generation',
      model,
      backend,
      adapter: backend === 'wasm' ? 'cpu' : 'apple metal-3',
      contextLength: 1024,
      vocabSize: 1024,
      prefillTokensPerSecond: 900,
      decodeTokensPerSecond: 112,
      batchTokensPerSecond: 112,
      streams: 1,
    }
  }
  /** What it was asked, and the tokens that it gives. */
  readonly asked: GenerateRequest[] = []
  async *generate(
    request: GenerateRequest,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<TokenBatch, void, void> {
    this.asked.push(request)
    for (let at = request.priorTokens.length; at < LOCAL_TOKENS; at++) {
      await sleep(this.#clock, millis(10), { signal })
      yield { tokens: [tokenId(at)], finish: at === LOCAL_TOKENS - 1 ? 'stop' : undefined }
    }
  }
  async score(): Promise<never[]> {
    return []
  }
  async embed(): Promise<never> {
    throw new InfernetError('engine.other-task', { task: 'text-generation' })
  }
  /** Passes. */
  async testAgain(): Promise<void> {
    this.enter({ stage: 'up' })
  }
  async close(): Promise<void> {
    this.closed = true
  }
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }
  enter(state: StandingState): void {
    this.state = state
    if (state.stage === 'up') this.testedAt = this.#clock.now()
    for (const listener of this.#listeners) listener()
  }
}
