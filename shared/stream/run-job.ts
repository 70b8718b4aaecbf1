import type { Stream } from '@libp2p/interface'
import { fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { millis, type BaseUnits, type Millis, type Tokens } from '../base/units.ts'
import type { FinishReason } from '../engine/engine.ts'
import { errorFromPeer } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import type { Signed } from '../wire/signed.ts'
import { AnswerCheck } from './answer-check.ts'
import type { Chunk } from './chunk.ts'
import {
  CHUNK_TOKENS,
  MAX_CHUNKS_AFTER_STOP,
  MAX_JOB_FRAME_BYTES,
  SILENCE_MS,
  PAUSE_MS,
  STALL_MS,
  STOP_DEADLINE_MS,
} from './constants.ts'
import type { OutgoingCredit } from './credit.ts'
import { encodeEmbedQuestion } from './embed-question.ts'
import type { JobCheck } from './job-check.ts'
import { embedQuestionOf, isEmbedJob, type EmbedJob, type Job } from './job.ts'
import { JobPayment } from './job-payment.ts'
import { Liveness } from './liveness.ts'
import { providerFrameSchema, type ProviderFrame } from './messages.ts'
import { encodeQuestion, questionOf } from './question.ts'
import type { Transcript } from './transcript.ts'
import { VectorCheck } from './vector-check.ts'
import type { VectorChunk } from './vector-chunk.ts'

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
  /** A block of vectors, checked against its signature; nothing is told of it before. */
  | { readonly type: 'vectors'; readonly chunk: VectorChunk }
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
  readonly #job: Job | EmbedJob
  readonly #check: JobCheck
  readonly #liveness: Liveness
  readonly #aborter = new AbortController()
  readonly #clock: Clock
  readonly #payment: JobPayment
  readonly #question: Uint8Array
  #stall: { stop(): void } | undefined
  #limit: { stop(): void } | undefined
  #isOpened = false
  #isStopped = false
  #lateChunks = 0
  #isAccepted = false
  #isTold = false
  #acked = 0

  /** @param components `credit` pays for the job; without it nothing is ever paid. */
  constructor(
    stream: Stream,
    job: Job | EmbedJob,
    { clock, credit }: { clock: Clock; credit?: OutgoingCredit | undefined },
  ) {
    this.#frames = new FramedStream(stream, providerFrameSchema, clock, {
      maxFrameBytes: MAX_JOB_FRAME_BYTES,
    })
    this.#job = job
    this.#clock = clock
    this.#payment = new JobPayment(clock, credit)
    this.#question = isEmbedJob(job)
      ? encodeEmbedQuestion(embedQuestionOf(job))
      : encodeQuestion(questionOf(job))
    this.#check = isEmbedJob(job) ? new VectorCheck(job) : new AnswerCheck(job)
    this.#liveness = new Liveness({
      clock,
      sendBeat: (beat, echo) => this.#trySend({ type: 'beat', beat, echo }),
      onSilent: (reason) => this.#aborter.abort(reason),
    })
  }

  get received(): Tokens {
    return this.#check.received
  }

  get signedTokens(): Tokens {
    return this.#check.signedTokens
  }

  get chunks(): number {
    return this.#check.chunks
  }

  /** What is owed: signed and chained chunks, nothing else. */
  get due(): BaseUnits {
    return this.#check.due
  }

  /** What it was paid: never more than is owed, but for a prepaid prompt of which it is not known who has it. */
  get paid(): BaseUnits {
    return this.#payment.paid
  }

  /** What proves what was asked and written, up to the last signed chunk; undefined while there is none. */
  get transcript(): Transcript | undefined {
    return this.#check.transcript(this.#payment.receipt)
  }

  /** The provider took the job. */
  get isAccepted(): boolean {
    return this.#isAccepted
  }

  /** The provider refused for what the purse has learned by now: it may be asked once more. */
  get hasLearned(): boolean {
    return this.#payment.hasLearned
  }

  /** The provider said no, in place of taking the job: whether it was right to is not known here. */
  get wasRefused(): boolean {
    return this.#isTold && !this.#isAccepted
  }

  /** Why this side could not pay, when that is what ended the job: no other provider can help. */
  get paymentFailure(): InfernetError | undefined {
    return this.#payment.failure
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
      // A provider that loads first, as it said, is not one that stands still.
      this.#expectProgress(STALL_MS + (this.#job.quote.loadMs ?? 0))
      while (!isOver) {
        const event = await this.#next()
        isOver = event?.type === 'done'
        if (event && !this.#isStopped) yield event
      }
      if (this.#isStopped) throw new InfernetError('stream.cancelled')
    } catch (thrown) {
      isOver = true
      const reason = signal?.aborted ? new InfernetError('stream.cancelled') : lossOf(thrown)
      if (reason.code === 'stream.cancelled' || reason === this.#payment.failure) await this.#cancel(reason)
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
    if (!this.#payment.isPaying || !this.#isOpened) return end()
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

  #expectProgress(stalledMs = STALL_MS): void {
    this.#stall?.stop()
    const give = (): void => this.#aborter.abort(new InfernetError('stream.stalled', { stalledMs }))
    this.#stall = this.#clock.schedule(millis(stalledMs), give)
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { quote, jobId } = this.#job
    if (signal?.aborted) {
      this.#payment.notAccepted('stream.cancelled') // its voucher never leaves
      throw new InfernetError('stream.cancelled')
    }
    this.#isOpened = true
    const credit = this.#payment.opening
    await this.#frames.send({
      type: 'open',
      jobId: fromHex(jobId),
      quoteId: fromHex(quote.quoteId),
      question: this.#question,
      ...(credit ? { credit } : {}),
      ...(isEmbedJob(this.#job) ? {} : { optional: { sketches: true } }),
    })
  }

  async #take(frame: ProviderFrame): Promise<JobEvent | undefined> {
    switch (frame.type) {
      case 'beat':
        this.#liveness.takeBeat(frame)
        return undefined
      case 'accepted':
        return this.#takeAccepted(frame)
      case 'tokens':
        return this.#takeTokens(frame)
      case 'vectors':
        this.#check.streamed(frame)
        this.#expectProgress()
        return undefined
      case 'chunk':
        return this.#takeChunk(frame.chunk)
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
    if (held) await this.#payment.catchUp(held)
    if (!this.#isAccepted) this.#payment.notAccepted(reason.code)
    throw reason
  }

  async #takeAccepted(frame: ProviderFrame & { type: 'accepted' }): Promise<JobEvent> {
    // Once: each costs hashes, and begins the chain anew.
    if (this.#isAccepted) throw new InfernetError('wire.unexpected', { got: 'accepted' })
    this.#isAccepted = true
    if (this.#job.quote.loadMs) this.#expectProgress() // it is loaded
    const opened = { question: this.#question, credit: this.#payment.opening }
    return { type: 'accepted', waiting: frame.waiting, ...(await this.#check.accepted(frame, opened)) }
  }

  #takeTokens(frame: ProviderFrame & { type: 'tokens' }): JobEvent {
    this.#check.streamed(frame)
    this.#expectProgress(PAUSE_MS)
    this.#acknowledge()
    return { type: 'tokens', tokens: frame.tokens }
  }

  async #takeChunk(signed: Signed): Promise<JobEvent> {
    if (this.#isStopped && ++this.#lateChunks > MAX_CHUNKS_AFTER_STOP)
      throw new InfernetError('stream.cancelled')
    const chunk = await this.#check.signed(signed)
    await this.#pay(chunk.due)
    if (!('vectors' in chunk)) return { type: 'chunk', chunk }
    if (!this.#payment.isPaying)
      void this.#trySend({ type: 'ack', position: this.#check.position, credit: new Uint8Array() })
    return { type: 'vectors', chunk }
  }

  /** Pays what is signed, and nothing before it is: a provider that stops serving is paid no more. */
  async #pay(due: BaseUnits): Promise<void> {
    const credit = await this.#payment.pay(due)
    if (!credit) return
    const { position, received } = this.#check
    this.#acked = received
    await this.#trySend({ type: 'ack', position, credit })
  }

  async #takeDone(frame: ProviderFrame & { type: 'done' }): Promise<JobEvent> {
    const { isUsageDisputed } = this.#check.done(frame)
    this.#stall?.stop()
    await this.#payment.exchangeReceipts(this.#check.tally, {
      send: (receipt, signal) => this.#frames.send({ type: 'receipt', receipt }, { signal }),
      next: (signal) => this.#nextWord(signal),
    })
    return { type: 'done', finish: frame.finish, isUsageDisputed }
  }

  /** The next frame that is no beat. */
  async #nextWord(signal: AbortSignal): Promise<ProviderFrame> {
    for (;;) {
      const frame = await this.#frames.receive({ signal })
      this.#liveness.heard()
      if (frame.type !== 'beat') return frame
      this.#liveness.takeBeat(frame)
    }
  }

  /** One acknowledgement a chunk keeps the provider's window open without a frame for each token. */
  #acknowledge(): void {
    const { position, received } = this.#check
    if (received - this.#acked < CHUNK_TOKENS) return
    this.#acked = received
    void this.#trySend({ type: 'ack', position, credit: new Uint8Array() })
  }

  async #cancel(reason: InfernetError): Promise<void> {
    if (!this.#frames.isOpen) return
    if (!this.#isStopped || !this.#payment.isPaying) await this.#trySend({ type: 'cancel' })
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
