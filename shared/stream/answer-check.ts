import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes } from '../base/bytes.ts'
import { tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode } from '../wire/codec.ts'
import type { Signed } from '../wire/signed.ts'
import { ChunkVerifier, type Chunk } from './chunk.ts'
import { isPrepaid, type JobTally } from './credit.ts'
import { hashAgreed, type Agreed } from './first-link.ts'
import type { Frame, JobCheck, Opened } from './job-check.ts'
import { acceptedSchema } from './messages.ts'
import type { Job } from './job.ts'
import { deriveSeed } from './seed.ts'
import { transcriptOf, type Transcript } from './transcript.ts'

/** The check of a job that writes an answer. */
export class AnswerCheck implements JobCheck {
  readonly #job: Job
  readonly #verifier: ChunkVerifier
  #agreed: Agreed | undefined
  #received = 0

  constructor(job: Job) {
    this.#job = job
    this.#verifier = new ChunkVerifier(
      {
        jobId: job.jobId,
        price: job.quote.price,
        prefillTokens: this.prefillTokens,
        from: job.priorTokens.length,
      },
      job.provider,
    )
  }

  get received(): Tokens {
    return tokens(this.#received)
  }

  get signedTokens(): Tokens {
    return this.#verifier.signedTokens
  }

  get chunks(): number {
    return this.#verifier.chunks
  }

  /** What is owed: signed and chained chunks, nothing else. */
  get due(): BaseUnits {
    return this.#verifier.due
  }

  /** Tokens that are read before the first one is written. */
  get prefillTokens(): Tokens {
    return tokens(this.#job.prompt.promptTokens.length + this.#job.priorTokens.length)
  }

  /** The position of the next token, those of before this job included. */
  get position(): number {
    return this.#job.priorTokens.length + this.#received
  }

  get tally(): JobTally {
    const { signedTokens: outputTokens, due, head } = this.#verifier
    return { promptTokens: this.prefillTokens, outputTokens, due, head }
  }

  /** What proves the answer up to the last signed chunk; undefined while there is none. */
  transcript(receipt: Transcript['receipt']): Transcript | undefined {
    const { signed } = this.#verifier
    return this.#agreed && signed.length > 0
      ? transcriptOf(this.#job, this.#agreed, [...signed], receipt)
      : undefined
  }

  /** Gives the seed, and chunk 0 of a prompt that was prepaid. */
  async accepted(
    { body, chunk: signed }: Frame<'accepted'>,
    { question, credit }: Opened,
  ): Promise<{ seed: Uint8Array; chunk: Chunk | undefined }> {
    const { quote, quoteSigned, jobId, consumerNonce, seed } = this.#job
    const { nonce } = decode(acceptedSchema, body)
    if (!equalBytes(sha256(nonce), quote.nonceHash))
      throw new InfernetError('stream.bad-chunk', { reason: 'nonce' })
    this.#agreed = {
      ...{ quote: quoteSigned.body, question, accepted: body },
      credit: credit ?? new Uint8Array(),
    }
    this.#verifier.begin(hashAgreed(this.#agreed))
    const isOwed = credit !== undefined && isPrepaid({ prefillTokens: this.prefillTokens })
    if (isOwed !== (signed !== undefined)) throw new InfernetError('stream.bad-chunk', { reason: 'prefill' })
    const chunk = signed && (await this.#verifier.accept(signed))
    return { seed: seed ?? deriveSeed(jobId, consumerNonce, nonce), chunk }
  }

  streamed(frame: Frame<'tokens'> | Frame<'vectors'>): void {
    if (frame.type === 'vectors') throw new InfernetError('wire.unexpected', { got: 'vectors' })
    const { position, tokens: part } = frame
    if (position !== this.position) throw new InfernetError('stream.bad-chunk', { reason: 'position' })
    if (position + part.length > this.#job.prompt.maxTokens)
      throw new InfernetError('stream.bad-chunk', { reason: 'too many' })
    this.#received += part.length
    this.#verifier.streamed(part)
  }

  signed(chunk: Signed): Promise<Chunk> {
    return this.#verifier.accept(chunk)
  }

  /** Gives whether the provider counts otherwise. */
  done({ outputTokens, promptTokens }: Frame<'done'>): { isUsageDisputed: boolean } {
    if (this.#verifier.signedTokens !== this.#received)
      throw new InfernetError('stream.bad-chunk', { reason: 'unsigned' })
    return { isUsageDisputed: outputTokens !== this.#received || promptTokens !== this.prefillTokens }
  }
}
