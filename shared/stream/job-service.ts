import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { peerName, type ModelHash, type PeerName } from '../base/ids.ts'
import { baseUnits, millis, type EpochMillis } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { checkEmbedRequest } from '../engine/check-request.ts'
import type { Engine } from '../engine/engine.ts'
import { errorToMessage } from '../errors/error-message.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { ENCODING } from '../models/task.ts'
import type { QuoteDesk, RedeemedQuote } from '../prompt/quote-desk.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { OpeningPlaces, type OpeningPlace } from '../wire/opening-places.ts'
import {
  CREDIT_CHECK_DEADLINE_MS,
  MAX_ADMITTING_JOBS,
  MAX_JOB_FRAME_BYTES,
  MAX_JOB_REFUSALS,
  MAX_JOBS_PER_CONSUMER,
  OPENING_JOBS,
} from './constants.ts'
import { isPaid, type CreditVerifier, type IncomingCredit } from './credit.ts'
import { creditTermsOf } from './job-terms.ts'
import { consumerFrameSchema } from './messages.ts'
import { readOpen, type OpenJob } from './open-job.ts'
import type { Screen } from './screen.ts'
import type { SketchKeeper } from './sketch-keeper.ts'
import { ServedJob, type JobFrames, type JobOutcome, type TakeModel } from './serve-job.ts'
import { StoppedPrompts } from './stopped-prompts.ts'

/** A model that is being served, as the job service sees it. */
export interface Served {
  readonly engine: Engine
  readonly slots: number
  /** Jobs that may wait beyond the slots. */
  readonly queue: number
  readonly isDraining: boolean
  /** Holds the model on the GPU for a job. @default it is there at any time */
  readonly take?: TakeModel | undefined
  /** Judges what jobs are paid with, where quotes ask for payment. */
  readonly credit?: CreditVerifier | undefined
  /** Says which texts are not wanted here. @default all are */
  readonly screen?: Screen | undefined
}

/** A job as the provider's page shows it. */
export interface LiveJob {
  /** In the order in which jobs came; no two of a service are the same. */
  readonly number: number
  readonly consumer: PeerName
  readonly model: ModelHash
  readonly connection: Connection
  readonly startedAt: EpochMillis
  readonly job: ServedJob
  readonly open: OpenJob
}

export interface JobServiceComponents {
  readonly clock: Clock
  readonly key: PrivateKey
  readonly desk: QuoteDesk
  readonly servedOf: (model: ModelHash) => Served | undefined
  /** Keeps the sketches that chunks commit to, where consumers take such chunks. @default none does */
  readonly sketches?: SketchKeeper | undefined
  /** Called when jobs begin, progress and end. */
  readonly onChange?: () => void
  readonly onEnd?: (job: LiveJob, outcome: JobOutcome) => void
}

/** The provider's side of the stream protocol: admits jobs against their quotes, within bounds, and runs them. */
export class JobService {
  readonly #components: JobServiceComponents
  readonly #jobs = new Set<LiveJob>()
  readonly #names = new Set<string>()
  readonly #opening: OpeningPlaces
  /** Jobs of each consumer whose credit is looked at. */
  readonly #admitting: PeerName[] = []
  #refusing = 0
  #taken = 0
  readonly #stopped = new StoppedPrompts()

  constructor(components: JobServiceComponents) {
    this.#components = components
    this.#opening = new OpeningPlaces(components.clock, OPENING_JOBS)
  }

  get jobs(): readonly LiveJob[] {
    return [...this.#jobs]
  }

  countOf(model: ModelHash): number {
    return this.jobs.filter((job) => job.model === model).length
  }

  /** Mount with `answerProtocols`, as STREAM_PROTOCOL with MAX_JOB_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames: JobFrames = new FramedStream(stream, consumerFrameSchema, this.#components.clock, {
      maxFrameBytes: MAX_JOB_FRAME_BYTES,
    })
    const place = this.#opening.enter(stream, connection)
    let job: LiveJob
    try {
      const open = await receiveOpen(frames, place)
      job = await this.#admit(frames, open, connection)
    } catch (thrown) {
      return this.#refuse(frames, thrown)
    }
    await this.#run(job)
  }

  /** Hands back every job of a model, or all of them. Synchronous, so that `pagehide` can call it. */
  handOver(reason: InfernetError, model?: ModelHash): void {
    for (const live of this.#jobs) if (!model || live.model === model) live.job.handOver(reason)
  }

  /**
   * Hands one job back because its provider does not want it, and does not take that prompt from that consumer again.
   * Synchronous up to the last byte sent.
   */
  stop({ consumer, open, job }: LiveJob): void {
    this.#stopped.add(consumer, open)
    job.handOver(new InfernetError('stream.refused'))
  }

  /**
   * The quote is redeemed late, so that a refusal for another reason does not use it up, but before the credit is
   * looked at: that costs a signature's check, perhaps a call to the chain, and quotes are bounded. So does reading the
   * text for the provider's own rule. A place is taken last, so that nobody holds one while the chain is slow.
   */
  async #admit(frames: JobFrames, open: OpenJob, connection: Connection): Promise<LiveJob> {
    const consumer = peerName(connection.remotePeer.toString())
    const name = nameOf(consumer, open)
    if (this.#names.has(name)) throw new InfernetError('stream.duplicate-job')
    const served = this.#checkServed(consumer, open)
    const redeemed = this.#components.desk.redeem(consumer, open.quoteId)
    if (redeemed.quote.model !== open.model) throw new InfernetError('prompt.quote-unknown')
    this.#names.add(name)
    frames.onClose(() => this.#names.delete(name))
    if (this.#stopped.has(consumer, open)) throw new InfernetError('stream.refused')
    if (served.screen) await served.screen(textsOf(open))
    // A free job that nobody screens is taken without a wait, so that nobody slips in between the check for room and the taking.
    const credit = isPaid(redeemed.quote)
      ? await this.#openCredit(consumer, open, redeemed, served)
      : undefined
    try {
      if (credit || served.screen) this.#checkServed(consumer, open)
    } catch (thrown) {
      credit?.close(baseUnits(0n))
      throw thrown
    }
    const { clock, key, sketches, onChange } = this.#components
    const components = {
      clock,
      key,
      consumer,
      credit,
      engine: served.engine,
      take: served.take,
      sketches,
      ...(onChange ? { onProgress: onChange } : {}),
    }
    const job = new ServedJob(frames, open, redeemed, components)
    const [number, startedAt] = [this.#taken++, clock.now()]
    const live: LiveJob = { number, consumer, model: open.model, connection, startedAt, job, open }
    this.#jobs.add(live)
    return live
  }

  /** @throws InfernetError what keeps the job from being taken now. */
  #checkServed(consumer: PeerName, open: OpenJob): Served {
    const served = this.#components.servedOf(open.model)
    if (!served) throw new InfernetError('models.unknown')
    if (served.isDraining) throw new InfernetError('stream.draining')
    checkFits(open, served.engine)
    this.#checkRoom(consumer, open, served)
    return served
  }

  /** The job's credit, checked. @throws InfernetError `payment.*` */
  async #openCredit(
    consumer: PeerName,
    open: OpenJob,
    { quote }: RedeemedQuote,
    { credit: verifier }: Served,
  ): Promise<IncomingCredit> {
    const { clock } = this.#components
    if (!verifier || !open.credit) throw new InfernetError('payment.required')
    if (this.#admitting.length >= MAX_ADMITTING_JOBS) throw new InfernetError('stream.busy')
    const opening = open.credit
    const terms = creditTermsOf(open, { jobId: open.jobId, consumer, quote })
    const late = (): Error => new InfernetError('payment.chain-unreachable')
    this.#admitting.push(consumer)
    try {
      return await withDeadline(clock, millis(CREDIT_CHECK_DEADLINE_MS), late, (signal) =>
        verifier.open(terms, opening, { signal }),
      )
    } catch (thrown) {
      const held = hasCode(thrown, 'payment.stale') ? verifier.heldBeside(terms, opening) : undefined
      throw held ? new Refusal(thrown, held) : thrown
    } finally {
      this.#admitting.splice(this.#admitting.indexOf(consumer), 1)
    }
  }

  #checkRoom(consumer: PeerName, open: OpenJob, { slots, queue }: Served): void {
    const running = this.countOf(open.model)
    const admitting = this.#admitting.filter((each) => each === consumer).length
    const own = admitting + this.jobs.filter((job) => job.consumer === consumer).length
    if (running >= slots + queue || own >= MAX_JOBS_PER_CONSUMER) {
      throw new InfernetError('stream.busy', {
        running: Math.min(running, slots),
        waiting: Math.max(0, running - slots),
      })
    }
  }

  /** Told by name while not too many are told at once: else the stream is cut. */
  async #refuse(frames: JobFrames, thrown: unknown): Promise<void> {
    if (this.#refusing >= MAX_JOB_REFUSALS) return frames.abort(thrown)
    this.#refusing++
    await refuse(frames, thrown)
    this.#refusing--
  }

  async #run(live: LiveJob): Promise<void> {
    this.#components.onChange?.()
    const { slots } = this.#components.servedOf(live.model) ?? { slots: 1 }
    const outcome = await live.job.run(Math.max(0, this.countOf(live.model) - slots))
    this.#jobs.delete(live)
    // The next job on it would be flooded as well: a new connection costs its owner more than a stream.
    if (live.job.wasFlooded) live.connection.abort(new InfernetError('stream.flooded'))
    if (live.job.written > 0) this.#components.desk.wasUsed(live.consumer)
    this.#components.onEnd?.(live, outcome)
    this.#components.onChange?.()
  }
}

/**
 * What the engine would refuse is refused here, before a place is taken.
 *
 * @throws InfernetError `engine.other-task`, `engine.bad-token`, `engine.context-full`, `wire.malformed` for vectors of
 * another size than the model's.
 */
function checkFits(open: OpenJob, { info }: Engine): void {
  const { vocabSize, contextLength, dimensions = 0 } = info
  if (open.task !== info.task) throw new InfernetError('engine.other-task', { task: open.task })
  if (open.task === ENCODING) {
    if (open.dimensions !== dimensions) throw new InfernetError('wire.malformed', { field: 'dimensions' })
    return checkEmbedRequest(open, info)
  }
  const { promptTokens, priorTokens, maxTokens } = open
  for (const token of [...promptTokens, ...priorTokens]) {
    if (token >= vocabSize) throw new InfernetError('engine.bad-token', { token, vocabSize })
  }
  const read = promptTokens.length + priorTokens.length
  if (read + Math.min(maxTokens, 1) > contextLength) {
    throw new InfernetError('engine.context-full', { tokens: read, contextLength })
  }
}

/** What a stranger wrote, or had another provider write: all that is read before the first token. */
function textsOf(open: OpenJob): readonly (readonly number[])[] {
  return open.task === ENCODING ? open.texts : [open.promptTokens, open.priorTokens]
}

function nameOf(consumer: PeerName, { jobId }: OpenJob): string {
  return `${consumer} ${jobId}`
}

/** A refusal that helps the consumer to do better. */
class Refusal {
  readonly reason: unknown
  readonly held: Uint8Array

  constructor(reason: unknown, held: Uint8Array) {
    this.reason = reason
    this.held = held
  }
}

async function receiveOpen(frames: JobFrames, place: OpeningPlace): Promise<OpenJob> {
  try {
    const frame = await frames.receive({ signal: place.signal })
    if (frame.type !== 'open') throw new InfernetError('wire.unexpected', { got: frame.type })
    return readOpen(frame)
  } finally {
    place.leave()
  }
}

async function refuse(frames: JobFrames, thrown: unknown): Promise<void> {
  const { reason, held } = thrown instanceof Refusal ? thrown : { reason: thrown, held: undefined }
  const refusal = { type: 'failed', error: errorToMessage(reason), ...(held ? { held } : {}) }
  // Told in one frame and closed; a stream that cannot even take that is cut.
  await frames.send(refusal, { deadlineMs: 1000 }).catch(() => undefined)
  await frames.close()
  frames.abort(reason)
}
