import { tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import type { FinishReason, TokenBatch } from '../engine/engine.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import type { Signed } from '../wire/signed.ts'
import { amountDue, ChunkSigner } from './chunk.ts'
import {
  ACK_WINDOW_TOKENS,
  CHUNK_TOKENS,
  CREDIT_WINDOW_CHUNKS,
  MAX_FRAME_TOKENS,
  WIDE_CREDIT_WINDOW_CHUNKS,
} from './constants.ts'
import type { JobTally } from './credit.ts'
import type { JobWork, WorkInit, WorkLine } from './job-work.ts'
import type { OpenAnswer } from './open-job.ts'
import { deriveSeed } from './seed.ts'

/**
 * Writes an answer: pulls tokens from the engine, streams and signs them, never more than {@link ACK_WINDOW_TOKENS} ahead
 * of what the consumer acknowledged, nor further ahead of its payment than {@link CREDIT_WINDOW_CHUNKS}.
 */
export class AnswerWork implements JobWork {
  readonly #open: OpenAnswer
  readonly #nonce: Uint8Array
  readonly #init: WorkInit
  readonly #signer: ChunkSigner
  /** Undefined where nothing is committed to. */
  readonly #secret: Uint8Array | undefined
  #written = 0
  #isKept = false

  /** @param nonce the provider's half of the seed */
  constructor(open: OpenAnswer, nonce: Uint8Array, init: WorkInit) {
    this.#open = open
    this.#nonce = nonce
    this.#init = init
    this.#secret = open.wantsSketches ? init.sketches?.secret() : undefined
    this.#signer = new ChunkSigner(init.terms, init.agreed, init.key, this.#secret)
  }

  get count(): Tokens {
    return tokens(this.#written)
  }

  get position(): number {
    return this.#open.priorTokens.length + this.#written
  }

  get chunks(): number {
    return this.#signer.count
  }

  get due(): BaseUnits {
    return this.#signer.due
  }

  get tally(): JobTally {
    const { head, due } = this.#signer
    return { promptTokens: this.#init.terms.prefillTokens, outputTokens: this.count, due, head }
  }

  get usage(): JobWork['usage'] {
    return { promptTokens: this.#init.terms.prefillTokens, outputTokens: this.#written }
  }

  begin(): Promise<Signed> {
    return this.#signer.begin()
  }

  async run(line: WorkLine): Promise<FinishReason> {
    const { promptTokens, priorTokens, sampler, maxTokens, jobId, consumerNonce, seed } = this.#open
    const request = {
      promptTokens,
      priorTokens,
      sampler,
      maxTokens,
      client: this.#init.consumer,
      seed: seed ?? deriveSeed(jobId, consumerNonce, this.#nonce),
      sketches: this.#secret !== undefined,
    }
    const batches = this.#init.engine.generate(request, { signal: line.signal })
    try {
      // One batch is computed while the one before is sent: the network costs the engine nothing.
      let next = batches.next()
      for (;;) {
        const { value: batch, done } = await next
        if (done) return 'length'
        if (!batch.finish) next = preparePull(batches)
        await this.#send(batch, line)
        if (batch.finish) {
          const last = await this.#signer.finish()
          this.#keepSketches() // who has the last chunk may ask for them at once
          await line.sendChunks(last)
          return batch.finish
        }
        await line.acknowledged(this.position - ACK_WINDOW_TOKENS + 1)
      }
    } finally {
      this.#keepSketches()
      await batches.return().catch(() => undefined)
    }
  }

  #keepSketches(): void {
    if (!this.#secret || this.#isKept) return
    this.#isKept = true
    const { jobId, body: question, credit, priorTokens } = this.#open
    const { secret, link, sketches } = { secret: this.#secret, ...this.#signer.committed }
    this.#init.sketches?.keep({ jobId, link, question, credit, from: priorTokens.length, secret, sketches })
  }

  async #send(batch: TokenBatch, line: WorkLine): Promise<void> {
    for (let i = 0; i < batch.tokens.length;) {
      const part = batch.tokens.slice(i, i + this.#partSize(line))
      const sketches = batch.sketches?.subarray(i * SKETCH_SIZE, (i + part.length) * SKETCH_SIZE)
      const due = amountDue(this.#init.terms, tokens(this.#written + part.length))
      await line.creditCovers(due, this.#windowTokens(line))
      await line.send({ type: 'tokens', position: this.position, tokens: part })
      this.#written += part.length
      i += part.length
      await line.sendChunks(await this.#signer.add(part, sketches))
      line.progressed()
    }
  }

  /** Of a paid job no frame reaches over the end of a chunk: the next one may have to wait. */
  #partSize({ isPaid }: WorkLine): number {
    if (!isPaid) return MAX_FRAME_TOKENS
    return Math.min(MAX_FRAME_TOKENS, CHUNK_TOKENS - (this.#written % CHUNK_TOKENS))
  }

  #windowTokens({ elapsedMs, rttMs = 0 as WorkLine['elapsedMs'] }: WorkLine): number {
    const chunkMs = (elapsedMs * CHUNK_TOKENS) / Math.max(1, this.#written)
    return CHUNK_TOKENS * (rttMs > chunkMs ? WIDE_CREDIT_WINDOW_CHUNKS : CREDIT_WINDOW_CHUNKS)
  }
}

/** Starts a pull whose failure is looked at later, so that it is not reported as unhandled meanwhile. */
function preparePull(
  batches: AsyncGenerator<TokenBatch, void, void>,
): Promise<IteratorResult<TokenBatch, void>> {
  const pull = batches.next()
  pull.catch(() => undefined)
  return pull
}
