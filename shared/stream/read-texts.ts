import { tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import type { FinishReason } from '../engine/engine.ts'
import type { Signed } from '../wire/signed.ts'
import { blocksOf, encodeVectors, type Block } from './blocks.ts'
import { amountDue } from './chunk.ts'
import type { JobTally } from './credit.ts'
import { tokensOf } from './embed-question.ts'
import type { JobWork, WorkInit, WorkLine } from './job-work.ts'
import type { OpenEmbedding } from './open-job.ts'
import { VectorSigner } from './vector-chunk.ts'

/**
 * Reads texts block by block: computes the vectors of one, streams and signs them. A block is computed while the one
 * before is sent. Of a paid job no more than one block is sent unpaid, two where the way there and back takes longer than
 * computing one; and none before the last but one was acknowledged.
 */
export class EmbeddingWork implements JobWork {
  readonly #blocks: readonly Block[]
  readonly #init: WorkInit
  readonly #signer: VectorSigner
  /** Texts whose vectors were sent, and tokens of them. */
  #sent = 0
  #read = 0

  constructor({ texts, dimensions }: OpenEmbedding, init: WorkInit) {
    this.#init = init
    this.#blocks = blocksOf(texts, dimensions)
    this.#signer = new VectorSigner(init.terms, init.agreed, init.key)
  }

  get count(): Tokens {
    return tokens(this.#read)
  }

  get position(): number {
    return this.#sent
  }

  get chunks(): number {
    return this.#signer.count
  }

  get due(): BaseUnits {
    return this.#signer.due
  }

  get tally(): JobTally {
    const { head, due, read } = this.#signer
    return { promptTokens: read, outputTokens: tokens(0), due, head }
  }

  get usage(): JobWork['usage'] {
    return { promptTokens: this.#read, outputTokens: 0 }
  }

  /** Each block is paid for by itself, so nothing is paid before. */
  async begin(): Promise<Signed> {
    throw new Error('texts are never prepaid')
  }

  async run(line: WorkLine): Promise<FinishReason> {
    const ending = new AbortController()
    const signal = AbortSignal.any([line.signal, ending.signal])
    try {
      let next = this.#compute(0, signal)
      for (const [index, block] of this.#blocks.entries()) {
        const vectors = await next
        next = this.#compute(index + 1, signal)
        await this.#send(index, block, vectors, line)
      }
      return 'stop'
    } finally {
      ending.abort() // what was computed ahead for a consumer that has gone
    }
  }

  /** A failure is looked at later, so that it is not reported as unhandled meanwhile. */
  #compute(index: number, signal: AbortSignal): Promise<Float32Array> {
    const { engine, consumer } = this.#init
    const block = this.#blocks[index]
    if (!block) return Promise.resolve(new Float32Array())
    const vectors = engine.embed({ texts: block.texts, client: consumer }, { signal })
    vectors.catch(() => undefined)
    return vectors
  }

  async #send(index: number, block: Block, vectors: Float32Array, line: WorkLine): Promise<void> {
    const bytes = encodeVectors(vectors)
    const own = tokensOf(block.texts)
    await line.creditCovers(
      amountDue(this.#init.terms, tokens(this.#read + own)),
      own + this.#spareTokens(index, line),
    )
    await line.acknowledged(this.#blocks[index - 1]?.position ?? 0)
    await line.send({ type: 'vectors', position: block.position, vectors: bytes })
    this.#sent += block.texts.length
    this.#read += own
    await line.sendChunks([await this.#signer.sign(block, bytes)])
    line.progressed()
  }

  /** The block before may be unpaid where its payment is on a way that is longer than the work. */
  #spareTokens(index: number, { elapsedMs, rttMs = 0 as WorkLine['elapsedMs'] }: WorkLine): number {
    const isFar = rttMs > elapsedMs / Math.max(1, index)
    return isFar ? tokensOf(this.#blocks[index - 1]?.texts ?? []) : 0
  }
}
