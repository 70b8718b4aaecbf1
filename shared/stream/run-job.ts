import type { Stream } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes, fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { JobId, PeerName } from '../base/ids.ts'
import { baseUnits, millis, tokens, type BaseUnits, type Millis, type Tokens } from '../base/units.ts'
import type { FinishReason } from '../engine/engine.ts'
import { errorFromPeer } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Quote } from '../prompt/prompt.ts'
import { decode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import type { Signed } from '../wire/signed.ts'
import { ChunkVerifier, type Chunk } from './chunk.ts'
import { withDeadline } from '../base/wait.ts'
import {
  CHUNK_TOKENS,
  MAX_CHUNKS_AFTER_STOP,
  MAX_JOB_FRAME_BYTES,
  RECEIPT_DEADLINE_MS,
  SILENCE_MS,
  STALL_MS,
  STOP_DEADLINE_MS,
} from './constants.ts'
import { hashAgreed, type Agreed } from './first-link.ts'
import { isPrepaid, type JobTally, type OutgoingCredit } from './credit.ts'
import { Liveness } from './liveness.ts'
import { acceptedSchema, providerFrameSchema, type ProviderFrame } from './messages.ts'
import { encodeQuestion, questionOf, type Asked } from './question.ts'
import { deriveSeed } from './seed.ts'
import { transcriptOf, type Transcript } from './transcript.ts'

/** One job at one provider: a whole answer, or the part of it after a failover. */
export interface Job extends Asked {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly quote: Quote
  readonly quoteSigned: Signed
}

export type JobEvent =
  | {
      readonly type: 'accepted'
      readonly seed: Uint8Array
      readonly waiting: number
      /** Chunk 0, of a prompt that was prepaid. */
      readonly chunk: Chunk | undefined
    }
  | { readonly type: 'tokens'; readonly tokens: readonly number[] }
  | { readonly type: 'chunk'; readonly chunk: Chunk }
  | { readonly type: 'done'; readonly finish: FinishReason; readonly isUsageDisputed: boolean }

/**
 * The consumer's side of the stream protocol: opens a job on a fresh stream and gives what comes back, checked.
 *
 * Nothing the provider sends is taken on trust: its nonce against the quote, each chunk against what was streamed,
 * the count against our own. Iterate `events()`; leaving the loop cancels the job. What the job came to stands in the
 * getters at any time, also after a failure.
 *
 * A paid job that is stopped is told so at once, and listened to until the provider has closed: what it signed before it
 * heard of the stop is owed, and is paid, so that both sides end with the same figures.
 */
export class RunningJob {
  readonly #frames: FramedStream<typeof providerFrameSchema>
  readonly #job: Job
  readonly #verifier: ChunkVerifier
  readonly #liveness: Liveness
  readonly #aborter = new AbortController()
  readonly #clock: Clock
  readonly #credit: OutgoingCredit | undefined
  readonly #question: Uint8Array
  #paymentFailure: InfernetError | undefined
  #stall: { stop(): void } | undefined
  #limit: { stop(): void } | undefined
  #isOpened = false
  #isStopped = false
  #lateChunks = 0
  #isAccepted = false
  #isTold = false
  #agreed: Agreed | undefined
  #receipt: Transcript['receipt'] = { consumer: new Uint8Array(), provider: new Uint8Array() }
  #received = 0
  #acked = 0

  /** @param components `credit` pays for the job; without it nothing is ever paid. */
  constructor(
    stream: Stream,
    job: Job,
    { clock, credit }: { clock: Clock; credit?: OutgoingCredit | undefined },
  ) {
    this.#frames = new FramedStream(stream, providerFrameSchema, clock, {
      maxFrameBytes: MAX_JOB_FRAME_BYTES,
    })
    this.#job = job
    this.#clock = clock
    this.#credit = credit
    this.#question = encodeQuestion(questionOf(job))
    this.#verifier = new ChunkVerifier(
      {
        jobId: job.jobId,
        price: job.quote.price,
        prefillTokens: tokens(job.prompt.promptTokens.length + job.priorTokens.length),
        from: job.priorTokens.length,
      },
      job.provider,
    )
    this.#liveness = new Liveness({
      clock,
      sendBeat: (beat) => void this.#trySend({ type: 'beat', beat, echo: false }),
      onSilent: (reason) => this.#aborter.abort(reason),
    })
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

  /** What it was paid: never more than is owed, but for a prepaid prompt of which it is not known who has it. */
  get paid(): BaseUnits {
    return this.#credit?.paid ?? baseUnits(0n)
  }

  /** What proves what was asked and written, up to the last signed chunk; undefined while there is none. */
  get transcript(): Transcript | undefined {
    const { signed } = this.#verifier
    return this.#agreed && signed.length > 0
      ? transcriptOf(this.#job, this.#agreed, [...signed], this.#receipt)
      : undefined
  }

  /** The provider took the job. */
  get isAccepted(): boolean {
    return this.#isAccepted
  }

  /** The provider refused for what the purse has learned by now: it may be asked once more. */
  get hasLearned(): boolean {
    return this.#credit?.hasLearned ?? false
  }

  /** Why this side could not pay, when that is what ended the job: no other provider can help. */
  get paymentFailure(): InfernetError | undefined {
    return this.#paymentFailure
  }

  get rttMs(): Millis | undefined {
    return this.#liveness.rttMs
  }

  /** A relay saw the provider's socket close, or its farewell came by another way. */
  suspectGone(): void {
    this.#liveness.suspect()
  }

  /** Ends the job with this reason: the next pull throws it. */
  abort(reason: InfernetError): void {
    this.#aborter.abort(reason)
  }

  async *events({ signal }: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<JobEvent, void, void> {
    let isOver = false
    const stop = (): void => this.#stop()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await this.#open(signal)
      this.#expectProgress()
      while (!isOver) {
        const event = await this.#next()
        isOver = event?.type === 'done'
        if (event && !this.#isStopped) yield event
      }
      if (this.#isStopped) throw new InfernetError('stream.cancelled')
    } catch (thrown) {
      isOver = true
      const reason = signal?.aborted ? new InfernetError('stream.cancelled') : lossOf(thrown)
      if (reason.code === 'stream.cancelled' || reason === this.#paymentFailure) await this.#cancel(reason)
      else if (!this.#isTold) this.#frames.abort(reason)
      throw reason
    } finally {
      signal?.removeEventListener('abort', stop)
      if (!isOver) await this.#leave() // the loop was left: that is a stop
      this.#stall?.stop()
      this.#limit?.stop()
      this.#liveness.stop()
      // Who has told us that it goes may be gone before it hears our goodbye: the next provider does not wait for that.
      if (this.#isTold) void this.#frames.close()
      else if (this.#frames.isOpen) await this.#frames.close()
    }
  }

  async #next(): Promise<JobEvent | undefined> {
    const { signal } = this.#aborter
    const frame = await this.#frames.receive({ deadlineMs: 2 * SILENCE_MS, signal })
    this.#liveness.heard()
    return this.#take(frame)
  }

  /** Tells the provider, and goes on reading where something may be owed yet. */
  #stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    const end = (): void => this.#aborter.abort(new InfernetError('stream.cancelled'))
    if (!this.#credit || !this.#isOpened) return end()
    void this.#trySend({ type: 'cancel' })
    this.#limit = this.#clock.schedule(millis(STOP_DEADLINE_MS), end)
  }

  async #leave(): Promise<void> {
    this.#stop()
    try {
      while ((await this.#next())?.type !== 'done');
    } catch (thrown) {
      await this.#cancel(InfernetError.from(thrown))
    }
  }

  #expectProgress(): void {
    this.#stall?.stop()
    const give = (): void => this.#aborter.abort(new InfernetError('stream.stalled', { stalledMs: STALL_MS }))
    this.#stall = this.#clock.schedule(millis(STALL_MS), give)
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { quote, jobId } = this.#job
    if (signal?.aborted) {
      this.#credit?.notAccepted('stream.cancelled') // its voucher never leaves
      throw new InfernetError('stream.cancelled')
    }
    this.#isOpened = true
    await this.#frames.send({
      type: 'open',
      jobId: fromHex(jobId),
      quoteId: fromHex(quote.quoteId),
      question: this.#question,
      ...(this.#credit ? { credit: this.#credit.opening } : {}),
    })
  }

  async #take(frame: ProviderFrame): Promise<JobEvent | undefined> {
    switch (frame.type) {
      case 'beat':
        return this.#takeBeat(frame)
      case 'accepted':
        return this.#takeAccepted(frame)
      case 'tokens':
        return this.#takeTokens(frame)
      case 'chunk':
        return { type: 'chunk', chunk: await this.#takeChunk(frame.chunk) }
      case 'done':
        return this.#takeDone(frame)
      case 'receipt':
        throw new InfernetError('wire.unexpected', { got: 'receipt' })
      case 'failed':
        return this.#takeFailure(frame)
    }
  }

  async #takeFailure({ error, held }: ProviderFrame & { type: 'failed' }): Promise<never> {
    const reason = errorFromPeer(error)
    this.#isTold = true // closed in peace: the payment for what it signed before is on its way
    if (held) await this.#credit?.catchUp(held)
    if (!this.#isAccepted) this.#credit?.notAccepted(reason.code)
    throw reason
  }

  #takeBeat({ beat, echo }: ProviderFrame & { type: 'beat' }): undefined {
    if (echo) this.#liveness.echoed(beat)
    else void this.#trySend({ type: 'beat', beat, echo: true })
  }

  async #takeAccepted({
    body,
    waiting,
    chunk: signed,
  }: ProviderFrame & { type: 'accepted' }): Promise<JobEvent> {
    const { quote, jobId, consumerNonce, seed } = this.#job
    this.#isAccepted = true
    const { nonce } = decode(acceptedSchema, body)
    if (!equalBytes(sha256(nonce), quote.nonceHash))
      throw new InfernetError('stream.bad-chunk', { reason: 'nonce' })
    this.#agreed = {
      ...{ quote: this.#job.quoteSigned.body, question: this.#question, accepted: body },
      credit: this.#credit?.opening ?? new Uint8Array(),
    }
    this.#verifier.begin(hashAgreed(this.#agreed))
    const isOwed = this.#credit !== undefined && isPrepaid({ prefillTokens: this.#prefillTokens })
    if (isOwed !== (signed !== undefined)) throw new InfernetError('stream.bad-chunk', { reason: 'prefill' })
    const chunk = signed && (await this.#verifier.accept(signed))
    return { type: 'accepted', seed: seed ?? deriveSeed(jobId, consumerNonce, nonce), waiting, chunk }
  }

  /** Tokens that are read before the first one is written. */
  get #prefillTokens(): Tokens {
    return tokens(this.#job.prompt.promptTokens.length + this.#job.priorTokens.length)
  }

  #takeTokens({ position, tokens: part }: ProviderFrame & { type: 'tokens' }): JobEvent {
    const { prompt, priorTokens } = this.#job
    if (position !== priorTokens.length + this.#received)
      throw new InfernetError('stream.bad-chunk', { reason: 'position' })
    if (position + part.length > prompt.maxTokens)
      throw new InfernetError('stream.bad-chunk', { reason: 'too many' })
    this.#received += part.length
    this.#expectProgress()
    this.#verifier.streamed(part)
    this.#acknowledge()
    return { type: 'tokens', tokens: part }
  }

  async #takeChunk(signed: Signed): Promise<Chunk> {
    if (this.#isStopped && ++this.#lateChunks > MAX_CHUNKS_AFTER_STOP)
      throw new InfernetError('stream.cancelled')
    const chunk = await this.#verifier.accept(signed)
    if (this.#credit) await this.#pay(this.#credit, chunk.due)
    return chunk
  }

  /** Pays what is signed, and nothing before it is: a provider that stops serving is paid no more. */
  async #pay(source: OutgoingCredit, due: BaseUnits): Promise<void> {
    const credit = await source.pay(due).catch((thrown: unknown) => {
      this.#paymentFailure = InfernetError.from(thrown, 'payment.no-record')
      throw this.#paymentFailure
    })
    this.#acked = this.#received
    const position = this.#job.priorTokens.length + this.#received
    await this.#trySend({ type: 'ack', position, credit })
  }

  async #takeDone({
    finish,
    outputTokens,
    promptTokens,
  }: ProviderFrame & { type: 'done' }): Promise<JobEvent> {
    if (this.#verifier.signedTokens !== this.#received)
      throw new InfernetError('stream.bad-chunk', { reason: 'unsigned' })
    this.#stall?.stop()
    const prefill = this.#prefillTokens
    if (this.#credit) await this.#exchangeReceipts(this.#credit, prefill)
    return {
      type: 'done',
      finish,
      isUsageDisputed: outputTokens !== this.#received || promptTokens !== prefill,
    }
  }

  /** Both sides sign what they agree on. The answer is complete, so whatever goes wrong here is let go. */
  async #exchangeReceipts(credit: OutgoingCredit, promptTokens: Tokens): Promise<void> {
    const { signedTokens: outputTokens, due, head } = this.#verifier
    const tally: JobTally = { promptTokens, outputTokens, due, head }
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: RECEIPT_DEADLINE_MS })
    const exchange = async (signal: AbortSignal): Promise<void> => {
      const consumer = await credit.receipt(tally)
      this.#receipt = { ...this.#receipt, consumer }
      await this.#frames.send({ type: 'receipt', receipt: consumer }, { signal })
      for (;;) {
        const frame = await this.#frames.receive({ signal })
        this.#liveness.heard()
        if (frame.type === 'receipt') {
          this.#receipt = { consumer, provider: frame.receipt }
          return credit.takeReceipt(frame.receipt)
        }
        if (frame.type !== 'beat') return
        this.#takeBeat(frame)
      }
    }
    await withDeadline(this.#clock, millis(RECEIPT_DEADLINE_MS), late, exchange).catch(() => undefined)
  }

  /** One acknowledgement a chunk keeps the provider's window open without a frame for each token. */
  #acknowledge(): void {
    if (this.#received - this.#acked < CHUNK_TOKENS) return
    this.#acked = this.#received
    const position = this.#job.priorTokens.length + this.#received
    void this.#trySend({ type: 'ack', position, credit: new Uint8Array() })
  }

  async #cancel(reason: InfernetError): Promise<void> {
    if (!this.#frames.isOpen) return
    if (!this.#isStopped || !this.#credit) await this.#trySend({ type: 'cancel' })
    await this.#frames.close()
    this.#frames.abort(reason)
  }

  /** Sends and leaves the judgement of a failure to the reading side. */
  async #trySend(frame: unknown): Promise<void> {
    await this.#frames.send(frame).catch(() => undefined)
  }
}

/** A closed or silent stream means that the provider is lost; what has a name of its own keeps it. */
function lossOf(thrown: unknown): InfernetError {
  const error = InfernetError.from(thrown, 'stream.provider-lost')
  return error.code === 'wire.closed' || error.code === 'wire.timeout'
    ? new InfernetError('stream.provider-lost', {}, { cause: error })
    : error
}
