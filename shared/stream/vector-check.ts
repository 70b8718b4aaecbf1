import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes } from '../base/bytes.ts'
import { tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode } from '../wire/codec.ts'
import type { Signed } from '../wire/signed.ts'
import type { JobTally } from './credit.ts'
import { tokensOf } from './embed-question.ts'
import { hashAgreed, type Agreed } from './first-link.ts'
import type { Frame, JobCheck, Opened } from './job-check.ts'
import { creditTermsOf } from './job-terms.ts'
import { embedQuestionOf, type EmbedJob } from './job.ts'
import { acceptedSchema } from './messages.ts'
import { transcriptOf, type Transcript } from './transcript.ts'
import { VectorVerifier, type VectorChunk } from './vector-chunk.ts'

/** The check of a job that turns texts into vectors. */
export class VectorCheck implements JobCheck {
  readonly #job: EmbedJob
  readonly #verifier: VectorVerifier
  #agreed: Agreed | undefined

  constructor(job: EmbedJob) {
    this.#job = job
    const { jobId, quote, provider } = job
    const terms = creditTermsOf(embedQuestionOf(job), { jobId, quote, consumer: quote.consumer })
    this.#verifier = new VectorVerifier(terms, provider, job)
  }

  get received(): Tokens {
    return this.#verifier.received
  }

  get signedTokens(): Tokens {
    return this.#verifier.signedTokens
  }

  get chunks(): number {
    return this.#verifier.chunks
  }

  get due(): BaseUnits {
    return this.#verifier.due
  }

  get position(): number {
    return this.#verifier.position
  }

  get tally(): JobTally {
    const { signedTokens: promptTokens, due, head } = this.#verifier
    return { promptTokens, outputTokens: tokens(0), due, head }
  }

  transcript(receipt: Transcript['receipt']): Transcript | undefined {
    const { signed } = this.#verifier
    return this.#agreed && signed.length > 0
      ? { ...transcriptOf(this.#job, this.#agreed, [...signed], receipt), task: 'feature-extraction' }
      : undefined
  }

  async accepted(
    { body, chunk }: Frame<'accepted'>,
    { question, credit }: Opened,
  ): Promise<{ seed: Uint8Array; chunk: undefined }> {
    const { quote, quoteSigned } = this.#job
    const { nonce } = decode(acceptedSchema, body)
    if (!equalBytes(sha256(nonce), quote.nonceHash))
      throw new InfernetError('stream.bad-chunk', { reason: 'nonce' })
    // Texts are never paid for before they are read.
    if (chunk) throw new InfernetError('stream.bad-chunk', { reason: 'prefill' })
    this.#agreed = {
      ...{ quote: quoteSigned.body, question, accepted: body },
      credit: credit ?? new Uint8Array(),
    }
    this.#verifier.begin(hashAgreed(this.#agreed))
    return { seed: new Uint8Array(), chunk: undefined }
  }

  streamed(frame: Frame<'tokens'> | Frame<'vectors'>): void {
    if (frame.type === 'tokens') throw new InfernetError('wire.unexpected', { got: 'tokens' })
    this.#verifier.streamed(frame.position, frame.vectors)
  }

  signed(chunk: Signed): Promise<VectorChunk> {
    return this.#verifier.accept(chunk)
  }

  done({ outputTokens, promptTokens }: Frame<'done'>): { isUsageDisputed: boolean } {
    if (!this.#verifier.isComplete) throw new InfernetError('stream.bad-chunk', { reason: 'unsigned' })
    return { isUsageDisputed: outputTokens !== 0 || promptTokens !== tokensOf(this.#job.texts) }
  }
}
