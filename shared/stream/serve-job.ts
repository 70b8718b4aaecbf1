import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { baseUnits, millis, type BaseUnits, type Millis, type Tokens } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { Engine } from '../engine/engine.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { errorToMessage } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { ENCODING } from '../models/task.ts'
import type { RedeemedQuote } from '../prompt/quote-desk.ts'
import { encode } from '../wire/codec.ts'
import type { Signed } from '../wire/signed.ts'
import type { FramedStream } from '../wire/framed-stream.ts'
import {
  ACK_DEADLINE_MS,
  CREDIT_DEADLINE_MS,
  MAX_JOB_MS,
  RECEIPT_DEADLINE_MS,
  SILENCE_MS,
  SPARE_CREDITS,
  STOP_DEADLINE_MS,
} from './constants.ts'
import { isPrepaid, type CreditTerms, type IncomingCredit } from './credit.ts'
import { creditTermsOf } from './job-terms.ts'
import type { JobWork, WorkLine } from './job-work.ts'
import { Liveness } from './liveness.ts'
import { hashAgreed } from './first-link.ts'
import type { consumerFrameSchema, ConsumerFrame } from './messages.ts'
import type { OpenJob } from './open-job.ts'
import { EmbeddingWork } from './read-texts.ts'
import type { SketchKeeper } from './sketch-keeper.ts'
import { AnswerWork } from './write-answer.ts'

export type JobFrames = FramedStream<typeof consumerFrameSchema>

export interface ServedJobComponents {
  readonly clock: Clock
  readonly key: PrivateKey
  readonly engine: Engine
  /** Whose job it is; those who ask for much wait for those who ask for little. */
  readonly consumer: PeerName
  /** Keeps the sketches that chunks commit to. @default none does */
  readonly sketches?: SketchKeeper | undefined
  /** What the job is paid with. @default it is free */
  readonly credit?: IncomingCredit | undefined
  /** Brings the model to the GPU and holds it there; what comes back lets it go. @default it is there */
  readonly take?: TakeModel | undefined
  /** Called after each change of `written` and `due`. */
  readonly onProgress?: () => void
}

/** Resolves when the model is loaded; it stays until what comes back is called. Rejects with why it cannot be. */
export type TakeModel = (options: { signal: AbortSignal }) => Promise<() => void>

export type JobOutcome = 'done' | 'cancelled' | 'failed'

/**
 * The provider's side of one admitted job: its life, its line and its money, whatever the work is that it does
 * (`write-answer.ts`, `read-texts.ts`).
 *
 * The work never runs far ahead of what the consumer acknowledged, so that nothing piles up towards a tab that stopped
 * reading, and a stuck reader is let go after {@link ACK_DEADLINE_MS}. A paid job runs no further ahead of its payment
 * than its work allows, and ends when that does not come.
 */
export class ServedJob {
  readonly #frames: JobFrames
  readonly #components: ServedJobComponents
  readonly #work: JobWork
  readonly #accepted: Uint8Array
  /** Ends the work. */
  readonly #aborter = new AbortController()
  /** Ends the listening, which goes on after a stop: the last payment is on its way. */
  readonly #deaf = new AbortController()
  readonly #liveness: Liveness
  readonly #terms: CreditTerms
  #startedAt: Millis
  #acked: number
  #credits = 0
  #isAccepted = false
  #isReceipted = false
  #isFlooded = false
  #wake: (() => void) | undefined

  constructor(frames: JobFrames, open: OpenJob, redeemed: RedeemedQuote, components: ServedJobComponents) {
    const { clock, key, engine, consumer, sketches } = components
    this.#frames = frames
    this.#components = components
    this.#acked = open.task === ENCODING ? 0 : open.priorTokens.length
    this.#startedAt = clock.monotonic()
    this.#terms = creditTermsOf(open, { jobId: open.jobId, consumer, quote: redeemed.quote })
    this.#accepted = encode({ nonce: redeemed.nonce })
    const agreed = hashAgreed({
      ...{ quote: redeemed.body, question: open.body, accepted: this.#accepted },
      credit: open.credit ?? new Uint8Array(),
    })
    const init = { terms: this.#terms, agreed, key, engine, consumer, sketches }
    this.#work =
      open.task === ENCODING ? new EmbeddingWork(open, init) : new AnswerWork(open, redeemed.nonce, init)
    this.#liveness = new Liveness({
      clock: components.clock,
      sendBeat: (beat, echo) => this.#trySend({ type: 'beat', beat, echo }),
      onSilent: (reason) => this.#aborter.abort(reason),
    })
  }

  /** Tokens that were written, or whose texts were read. */
  get written(): Tokens {
    return this.#work.count
  }

  get due(): BaseUnits {
    return this.#isAccepted ? this.#work.due : baseUnits(0n)
  }

  /** What came in for it. */
  get paid(): BaseUnits {
    return this.#components.credit?.paid ?? baseUnits(0n)
  }

  /** The consumer sent far more than a job needs. */
  get wasFlooded(): boolean {
    return this.#isFlooded
  }

  /** Hands the job back: the consumer is told why and goes on elsewhere. Synchronous up to the last byte sent. */
  handOver(reason: InfernetError): void {
    void this.#trySend({ type: 'failed', error: errorToMessage(reason) })
    this.#aborter.abort(reason)
  }

  /** Runs to the end, whatever it is. Never throws and leaves no stream open. */
  async run(waiting: number): Promise<JobOutcome> {
    const listening = this.#listen()
    const tooLong = (): void => this.#aborter.abort(new InfernetError('stream.slow-reader'))
    const limit = this.#components.clock.schedule(millis(MAX_JOB_MS), tooLong)
    let letGo: (() => void) | undefined
    try {
      // Before it is accepted, which spends a prepaid prompt: who cannot load it has taken nothing.
      letGo = await this.#components.take?.({ signal: this.#aborter.signal })
      await this.#accept(waiting)
      const finish = await this.#work.run(this.#line)
      const done = { type: 'done', finish, ...this.#work.usage }
      await this.#frames.send(done, { signal: this.#aborter.signal })
      await this.#settleUp()
      await this.#frames.close()
      return 'done'
    } catch (thrown) {
      return await this.#fail(thrown) // the last payment is listened for meanwhile
    } finally {
      letGo?.()
      limit.stop()
      this.#liveness.stop()
      this.#aborter.abort(new InfernetError('stream.cancelled'))
      this.#deaf.abort(this.#aborter.signal.reason)
      await listening
      this.#components.credit?.close(this.due)
    }
  }

  /** Says that the job is taken: from then on what was prepaid is spent. A stop that comes before is heeded. */
  async #accept(waiting: number): Promise<void> {
    const isOwed = this.#components.credit !== undefined && isPrepaid(this.#terms)
    const chunk = isOwed ? { chunk: await this.#work.begin() } : {}
    this.#aborter.signal.throwIfAborted()
    this.#isAccepted = true
    this.#startedAt = this.#components.clock.monotonic()
    await this.#frames.send({ type: 'accepted', body: this.#accepted, waiting, ...chunk })
  }

  async #fail(thrown: unknown): Promise<JobOutcome> {
    const reason = InfernetError.from(this.#aborter.signal.aborted ? this.#aborter.signal.reason : thrown)
    const isCancelled = reason.code === 'stream.cancelled'
    // `handOver` has spoken already when it is the cause; a second refusal does no harm.
    const isToBeTold = !isCancelled || !this.#isAccepted
    if (isToBeTold && this.#frames.isOpen)
      await this.#trySend({ type: 'failed', error: errorToMessage(reason) })
    if (reason.code !== 'payment.unpaid') await this.#takeLastPayment()
    await this.#frames.close()
    this.#frames.abort(reason)
    return isCancelled ? 'cancelled' : 'failed'
  }

  /** What the work sees of the job. */
  get #line(): WorkLine {
    const { clock, credit, onProgress } = this.#components
    const startedAt = this.#startedAt
    const liveness = this.#liveness
    return {
      signal: this.#aborter.signal,
      isPaid: credit !== undefined,
      get elapsedMs() {
        return millis(clock.monotonic() - startedAt)
      },
      get rttMs() {
        return liveness.rttMs
      },
      send: (frame) => this.#frames.send(frame, { signal: this.#aborter.signal }),
      sendChunks: (chunks) => this.#sendChunks(chunks),
      creditCovers: (due, windowTokens) => this.#creditCovers(due, windowTokens),
      acknowledged: (position) => this.#acknowledged(position),
      progressed: () => onProgress?.(),
    }
  }

  /** Resolves when work up to `due` may be sent; a payment that does not come ends the job. */
  async #creditCovers(due: BaseUnits, windowTokens: number): Promise<void> {
    const { credit } = this.#components
    if (!credit) return
    await this.#until(() => credit.covers(due, windowTokens), {
      progress: () => credit.paid,
      deadlineMs: CREDIT_DEADLINE_MS,
      late: 'payment.unpaid',
    })
  }

  /** After the last token: waits for the last payment and the receipt. The engine is free, and nothing is at stake. */
  async #settleUp(): Promise<void> {
    const { credit } = this.#components
    if (!credit) return
    const isSettled = (): boolean => credit.covers(this.due, 0) && this.#isReceipted
    await this.#until(isSettled, {
      progress: () => credit.paid,
      deadlineMs: RECEIPT_DEADLINE_MS,
      late: 'payment.unpaid',
    }).catch(() => (this.#aborter.signal.aborted ? this.#takeLastPayment() : undefined))
  }

  /** The consumer pays for what was signed before a stop or a failure, and hears of the end by our closing. */
  async #takeLastPayment(): Promise<void> {
    const { credit, clock } = this.#components
    if (!credit) return
    const late = clock.schedule(millis(STOP_DEADLINE_MS), () => this.#deaf.abort())
    while (!credit.covers(this.due, 0) && !this.#deaf.signal.aborted) await this.#nextFrame()
    late.stop()
  }

  /** Resolves when another frame was taken, or none comes any more. */
  #nextFrame(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#deaf.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** What is signed is owed, and so it is sent, also when a stop comes meanwhile. */
  async #sendChunks(chunks: readonly Signed[]): Promise<void> {
    for (const chunk of chunks) await this.#frames.send({ type: 'chunk', chunk })
  }

  /** Resolves when the consumer has acknowledged enough; a reader who does not within the deadline ends the job. */
  async #acknowledged(position: number): Promise<void> {
    await this.#until(() => this.#acked >= position, {
      progress: () => this.#acked,
      deadlineMs: ACK_DEADLINE_MS,
      late: 'stream.slow-reader',
    })
  }

  /** Waits for the consumer's frames to make something true; without progress for the deadline it fails. */
  async #until(
    holds: () => boolean,
    { progress, deadlineMs, late }: { progress: () => unknown; deadlineMs: number; late: ErrorCode },
  ): Promise<void> {
    const { clock } = this.#components
    let before = progress()
    let since = clock.monotonic()
    while (!holds()) {
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      const either = AbortSignal.any([woken.signal, this.#aborter.signal])
      const left = since + deadlineMs - clock.monotonic()
      await sleep(clock, millis(Math.max(1, left)), { signal: either }).catch(() => undefined)
      if (this.#aborter.signal.aborted) throw this.#aborter.signal.reason
      const now = progress()
      if (now !== before) since = clock.monotonic()
      else if (clock.monotonic() - since >= deadlineMs && !holds()) throw new InfernetError(late)
      before = now
    }
  }

  /** Reads the consumer's frames until the stream ends, and turns its end into the job's. */
  async #listen(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#frames.receive({ deadlineMs: 2 * SILENCE_MS, signal: this.#deaf.signal })
        this.#liveness.heard()
        await this.#take(frame)
      }
    } catch (thrown) {
      const reason = InfernetError.from(thrown)
      this.#isFlooded = reason.code === 'stream.flooded'
      const isGone = reason.code === 'wire.closed' || reason.code === 'wire.timeout'
      this.#aborter.abort(isGone ? new InfernetError('stream.cancelled', {}, { cause: reason }) : reason)
      this.#deaf.abort(reason)
    }
  }

  async #take(frame: ConsumerFrame): Promise<void> {
    switch (frame.type) {
      case 'open':
        throw new InfernetError('wire.unexpected', { got: 'open' })
      case 'cancel':
        return this.#aborter.abort(new InfernetError('stream.cancelled'))
      case 'beat':
        return this.#liveness.takeBeat(frame)
      case 'ack':
        this.#takeAck(frame)
        return this.#takeCredit(frame.credit)
      case 'receipt':
        return this.#takeReceipt(frame.receipt)
    }
  }

  /** Read before the next frame is: a stranger who floods us with credit waits for its own checks. */
  async #takeCredit(bytes: Uint8Array): Promise<void> {
    const { credit } = this.#components
    if (bytes.length === 0 || !credit) return
    if (++this.#credits > this.#work.chunks + SPARE_CREDITS)
      throw new InfernetError('wire.unexpected', { got: 'credit' })
    await credit.take(bytes)
    this.#wake?.()
  }

  async #takeReceipt(receipt: Uint8Array): Promise<void> {
    const { credit } = this.#components
    if (!credit || this.#isReceipted) throw new InfernetError('wire.unexpected', { got: 'receipt' })
    const answer = await credit.countersign(receipt, this.#work.tally)
    await this.#trySend({ type: 'receipt', receipt: answer })
    this.#isReceipted = true
    this.#wake?.()
  }

  #takeAck({ position, credit }: ConsumerFrame & { type: 'ack' }): void {
    if (position > this.#work.position || position < this.#acked)
      throw new InfernetError('wire.unexpected', { got: 'ack' })
    const brings = position > this.#acked || (credit.length > 0 && this.#components.credit !== undefined)
    if (!brings) this.#liveness.countIdle()
    this.#acked = position
    this.#wake?.()
  }

  async #trySend(frame: unknown): Promise<void> {
    await this.#frames.send(frame).catch(() => undefined)
  }
}
