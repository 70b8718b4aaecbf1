import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { peerName, type ModelHash, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import type { Random } from '../../base/random.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import type { QuoteDesk } from '../../prompt/quote-desk.ts'
import type { Quote } from '../../prompt/prompt.ts'
import { CREDIT_CHECK_DEADLINE_MS } from '../../stream/constants.ts'
import { isPaid, type IncomingCredit } from '../../stream/credit.ts'
import type { JobService, Served } from '../../stream/job-service.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { OpeningPlaces, type OpeningPlace } from '../../wire/opening-places.ts'
import type { Envelope, Profile } from '../calibration/envelope.ts'
import { checkFits, decodeCase, type CheckCase } from './check-case.ts'
import { CheckLine } from './check-line.ts'
import { checkTermsOf } from './check-terms.ts'
import {
  CHECK_FRAME_DEADLINE_MS,
  CHECK_RATE,
  MAX_CHECK_FRAME_BYTES,
  MAX_CHECKS_PER_PEER,
  MAX_OPEN_CHECKS,
  MAX_RATED_PEERS,
  MAX_RUNNING_CHECKS,
  MAX_WAITING_CHECKS,
  OPENING_CHECKS,
} from './constants.ts'
import { askerFrameSchema, type CheckFrame } from './messages.ts'
import { ServedCheck, type CheckFrames } from './served-check.ts'

export interface VerifyServiceComponents {
  /** This peer: nobody vouches for itself. */
  readonly name: PeerName
  readonly clock: Clock
  readonly key: PrivateKey
  readonly random: Random
  /** Checks are quoted like jobs. */
  readonly desk: Pick<QuoteDesk, 'redeem'>
  readonly servedOf: (model: ModelHash) => Served | undefined
  /** Which jobs there are: they come before checks. */
  readonly jobs: Pick<JobService, 'jobs' | 'countOf'>
  readonly envelopeFor: (profile: Profile) => Envelope
}

/**
 * The verifier's side of the verify protocol: reads an answer of another provider again, for whoever holds its
 * transcript, and says in a signed verdict what it found.
 *
 * Everything is bounded: how many stand open, wait and run, how many one peer has and how often it asks, how long a
 * transcript is and how long a check takes.
 */
export class VerifyService {
  readonly #components: VerifyServiceComponents
  readonly #line: CheckLine
  readonly #rates: KeyedBuckets<PeerName>
  readonly #own = new Map<PeerName, number>()
  readonly #checks = new Set<ServedCheck>()
  readonly #opening: OpeningPlaces
  #entered = 0
  #admitting = 0

  constructor(components: VerifyServiceComponents) {
    this.#components = components
    this.#line = new CheckLine((model) => this.#hasRoom(model))
    this.#rates = new KeyedBuckets(components.clock, CHECK_RATE, MAX_RATED_PEERS)
    this.#opening = new OpeningPlaces(components.clock, OPENING_CHECKS)
  }

  /** Checks that are read, wait, or are about to be told. */
  get checks(): number {
    return this.#checks.size
  }

  /** Mount with `answerProtocols`, as VERIFY_PROTOCOL with MAX_CHECK_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames: CheckFrames = new FramedStream(stream, askerFrameSchema, this.#components.clock, {
      maxFrameBytes: MAX_CHECK_FRAME_BYTES,
      maxUnreadBytes: 2 * MAX_CHECK_FRAME_BYTES,
    })
    const place = this.#opening.enter(stream, connection)
    const asker = peerName(connection.remotePeer.toString())
    let leave: (() => void) | undefined
    try {
      const frame = await receiveCheck(frames, place)
      leave = this.#enter(asker)
      this.#admitting++
      const check = await this.#admit(frame, frames, asker).finally(() => this.#admitting--)
      this.#checks.add(check)
      await check.run(this.#line).finally(() => this.#checks.delete(check))
    } catch (thrown) {
      await refuse(frames, thrown)
    } finally {
      leave?.()
    }
  }

  /** To be called when jobs come and go. */
  jobsChanged(): void {
    this.#line.jobsChanged()
  }

  /** Ends the checks of a model, or all of them. Synchronous. */
  stop(reason: InfernetError, model?: ModelHash): void {
    for (const check of this.#checks) if (!model || check.model === model) check.abort(reason)
  }

  /** Whoever is being admitted counts as one who waits: many who come at once do not all cost their signatures. */
  get #hasPlace(): boolean {
    const { isOpen, waiting, running } = this.#line
    const unread = this.#admitting + waiting + running
    return isOpen && unread < MAX_RUNNING_CHECKS + MAX_WAITING_CHECKS && this.#entered < MAX_OPEN_CHECKS
  }

  /** Counts one more of this peer; what comes back counts it out. Comes before all that costs work. */
  #enter(asker: PeerName): () => void {
    const own = this.#own.get(asker) ?? 0
    if (own >= MAX_CHECKS_PER_PEER || !this.#rates.take(asker)) throw new InfernetError('verify.rate-limited')
    if (!this.#hasPlace) throw new InfernetError('verify.busy')
    this.#own.set(asker, own + 1)
    this.#entered++
    return () => {
      this.#entered--
      const left = (this.#own.get(asker) ?? 1) - 1
      if (left > 0) this.#own.set(asker, left)
      else this.#own.delete(asker)
    }
  }

  /** The quote is redeemed before the transcript's signatures are verified: those cost work, and quotes are bounded. */
  async #admit(frame: CheckFrame, frames: CheckFrames, asker: PeerName): Promise<ServedCheck> {
    const { name, clock, key, random, desk, envelopeFor } = this.#components
    const { quote } = desk.redeem(asker, frame.quoteId)
    const served = this.#servedOf(quote)
    const { info } = served.engine
    const opened = await decodeCase(frame.transcript)
    if (opened.model !== quote.model) throw new InfernetError('prompt.quote-unknown')
    if (opened.proven.provider === name) throw itself()
    checkFits(opened, info)
    await served.screen?.([opened.question.promptTokens, opened.question.priorTokens, opened.proven.tokens])
    const profile = info.dtype
    if (!profile) throw new InfernetError('models.unknown')
    const credit = await this.#openCredit(frame, quote, opened, { asker, served })
    return new ServedCheck(frames, opened, {
      ...{ clock, key, random, quote, credit, served },
      envelope: envelopeFor(profile),
    })
  }

  /** @throws InfernetError what keeps this model from being checked now. */
  #servedOf({ model, loadMs }: Quote): Served {
    const served = this.#components.servedOf(model)
    if (!served) throw new InfernetError('models.unknown')
    if (served.isDraining) throw new InfernetError('stream.draining')
    // Nobody's job waits because a model was loaded for a check.
    if (loadMs !== undefined) throw new InfernetError('verify.busy')
    return served
  }

  async #openCredit(
    { credit: opening }: CheckFrame,
    quote: Quote,
    { read }: CheckCase,
    { asker, served }: { readonly asker: PeerName; readonly served: Served },
  ): Promise<IncomingCredit | undefined> {
    if (!isPaid(quote)) return undefined
    const { credit: verifier } = served
    if (!verifier || !opening) throw new InfernetError('payment.required')
    const terms = checkTermsOf(quote, { consumer: asker, read })
    const late = (): Error => new InfernetError('payment.chain-unreachable')
    try {
      return await withDeadline(this.#components.clock, millis(CREDIT_CHECK_DEADLINE_MS), late, (signal) =>
        verifier.open(terms, opening, { signal }),
      )
    } catch (thrown) {
      const held = hasCode(thrown, 'payment.stale') ? verifier.heldBeside(terms, opening) : undefined
      throw held ? new Refusal(thrown, held) : thrown
    }
  }

  /** One more request finds a place beside the jobs of this model, and no other model's job waits for the GPU. */
  #hasRoom(model: ModelHash): boolean {
    const { servedOf, jobs } = this.#components
    const served = servedOf(model)
    if (!served) return true // its checks fail at once, and leave the line
    const places = Math.min(served.slots, served.engine.info.streams)
    const isAlone = served.take === undefined || jobs.jobs.every((job) => job.model === model)
    return isAlone && jobs.countOf(model) < places
  }
}

/** A refusal that helps the asker to do better. */
class Refusal {
  readonly reason: unknown
  readonly held: Uint8Array

  constructor(reason: unknown, held: Uint8Array) {
    this.reason = reason
    this.held = held
  }
}

async function receiveCheck(frames: CheckFrames, place: OpeningPlace): Promise<CheckFrame> {
  try {
    const frame = await frames.receive({ deadlineMs: CHECK_FRAME_DEADLINE_MS, signal: place.signal })
    if (frame.type !== 'check') throw new InfernetError('wire.unexpected', { got: frame.type })
    return frame
  } finally {
    place.leave()
  }
}

async function refuse(frames: CheckFrames, thrown: unknown): Promise<void> {
  const { reason, held } = thrown instanceof Refusal ? thrown : { reason: thrown, held: undefined }
  const refusal = { type: 'refused', error: errorToMessage(reason), ...(held ? { held } : {}) }
  // Told in one frame and closed; a stream that cannot even take that is cut.
  await frames.send(refusal, { deadlineMs: 1000 }).catch(() => undefined)
  await frames.close()
  frames.abort(reason)
}

function itself(): InfernetError {
  return new InfernetError('verify.bad-request', { reason: 'provider' })
}
