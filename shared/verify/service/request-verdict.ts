import type { Stream } from '@libp2p/interface'
import { equalBytes, fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { millis, SECOND_MS, type BaseUnits, type Millis } from '../../base/units.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Quote } from '../../prompt/prompt.ts'
import { predict } from '../../schedule/policy/score.ts'
import { IDLE_FRAMES_RATE, SILENCE_MS } from '../../stream/constants.ts'
import type { OutgoingCredit } from '../../stream/credit.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import type { Signed } from '../../wire/signed.ts'
import type { Envelope } from '../calibration/envelope.ts'
import { checkVerdict } from '../check/check-verdict.ts'
import type { Openings } from '../check/judge.ts'
import type { GivenOpenings } from '../openings/read-openings.ts'
import { sketchesFrom } from '../statistics/sketch-distance.ts'
import { openVerdict, type Verdict } from '../verdict.ts'
import { encodeCase, type CheckCase } from './check-case.ts'
import { costOfCheck } from './check-terms.ts'
import { CHECK_DEADLINE_MS, CHECK_FRAME_DEADLINE_MS, MAX_CHECK_FRAME_BYTES } from './constants.ts'
import { marginsFrom } from './margin-bytes.ts'
import { MAX_VERDICT_FRAME_BYTES, verifierFrameSchema, type VerifierFrame } from './messages.ts'
import { openingsFrame } from './openings-frame.ts'

/** What a provider opened for a check; nothing where nothing was opened. */
export interface ShownOpenings extends GivenOpenings {
  /** What it shows (`readOpenings`). */
  readonly opened: Openings
}

export interface VerdictRequest {
  readonly verifier: PeerName
  readonly quote: Quote
  /** Pays for the reading. @default it is free */
  readonly credit: OutgoingCredit | undefined
  readonly case: CheckCase
  readonly envelope: Envelope
  /** Asked for once the verifier is bound to what it found. Throws the signal's reason alone. */
  readonly openings: (signal: AbortSignal) => Promise<ShownOpenings>
}

/** How far a check has come: the verifier has taken it and reads; it has read, and the provider is asked. */
export type CheckStage = 'reading' | 'opening'

/** A verdict that follows from what its verifier shows. */
export interface ReceivedVerdict extends ShownOpenings {
  readonly verdict: Verdict
  readonly signed: Signed
  /** The verifier's own sketches, sixteen halves a token. */
  readonly own: Uint16Array
  readonly salt: Uint8Array
  readonly cost: BaseUnits
}

/** Beyond what its quote lets expect, four times over, nobody waits for a reading. */
const READING_GRACE_MS = 30 * SECOND_MS
const READING_PATIENCE = 4

/**
 * The asker's side of the verify protocol, over a stream to a verifier that was just opened: tells how far it is, and
 * gives the verdict in the end. Leaving the loop ends the check.
 *
 * @throws InfernetError the verifier's refusal by its code; `wire.timeout` for one that stalls; `wire.bad-signature`;
 * `verify.bad-verdict` for a verdict that does not follow from what it shows; what the stream throws
 */
export async function* requestVerdict(
  stream: Stream,
  request: VerdictRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<CheckStage, ReceivedVerdict, void> {
  const frames: VerdictFrames = new FramedStream(stream, verifierFrameSchema, clock, {
    maxFrameBytes: Math.max(MAX_CHECK_FRAME_BYTES, MAX_VERDICT_FRAME_BYTES),
    maxUnreadBytes: 2 * MAX_VERDICT_FRAME_BYTES,
  })
  const deadline = new Deadline(clock, millis(CHECK_DEADLINE_MS))
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
  try {
    const received = yield* askFor(frames, request, { clock, signal: either })
    await frames.close()
    return received
  } catch (thrown) {
    frames.abort(thrown)
    throw thrown
  } finally {
    deadline.stop()
    frames.abort(new InfernetError('stream.cancelled')) // the loop was left
  }
}

type VerdictFrames = FramedStream<typeof verifierFrameSchema>
type Frame<Type extends VerifierFrame['type']> = Extract<VerifierFrame, { type: Type }>
type Stages<T> = AsyncGenerator<CheckStage, T, void>

async function* askFor(
  frames: VerdictFrames,
  request: VerdictRequest,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Stages<ReceivedVerdict> {
  const { quote, credit } = request
  await frames.send(
    {
      ...{ type: 'check', quoteId: fromHex(quote.quoteId), transcript: encodeCase(request.case) },
      ...(credit && { credit: credit.opening }),
    },
    { signal, deadlineMs: CHECK_FRAME_DEADLINE_MS },
  )
  const { commitment } = yield* readUntilBound(frames, request, { clock, signal })
  yield 'opening'
  const shown = await request.openings(signal)
  await frames.send(openingsFrame(shown, request.case.proven.from), { signal })
  const frame = await frames.receive({ signal, deadlineMs: CHECK_FRAME_DEADLINE_MS })
  if (frame.type === 'refused') throw errorFromPeer(frame.error)
  if (frame.type !== 'verdict') throw new InfernetError('wire.unexpected', { got: frame.type })
  return openReceived(frame, commitment, shown, request)
}

/**
 * Until the verifier is bound it says that it lives; whoever is silent is given up, and whoever takes far longer than
 * its quote said.
 */
async function* readUntilBound(
  frames: VerdictFrames,
  request: VerdictRequest,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Stages<Frame<'committed'>> {
  const patience = new Deadline(clock, patienceFor(request))
  const either = AbortSignal.any([signal, patience.signal])
  const signsOfLife = new TokenBucket(clock, IDLE_FRAMES_RATE)
  let isAdmitted = false
  try {
    for (;;) {
      const deadlineMs = isAdmitted ? SILENCE_MS : CHECK_FRAME_DEADLINE_MS
      const frame = await frames.receive({ deadlineMs, signal: either })
      if (frame.type === 'committed') return frame
      if (frame.type === 'refused') return await takeRefusal(frame, request.credit)
      if (frame.type !== 'waiting') throw new InfernetError('wire.unexpected', { got: frame.type })
      if (!signsOfLife.take()) throw new InfernetError('stream.flooded')
      if (!isAdmitted) yield 'reading'
      isAdmitted = true
    }
  } finally {
    patience.stop()
  }
}

async function takeRefusal(
  { error, held }: Frame<'refused'>,
  credit: OutgoingCredit | undefined,
): Promise<never> {
  const reason = errorFromPeer(error)
  if (held) await credit?.catchUp(held)
  credit?.notAccepted(reason.code)
  throw reason
}

/** Ends a wait after so long. */
class Deadline {
  readonly #timer: { stop(): void }
  readonly #aborter = new AbortController()

  constructor(clock: Clock, limitMs: Millis) {
    const late = (): void => this.#aborter.abort(new InfernetError('wire.timeout', { limitMs }))
    this.#timer = clock.schedule(limitMs, late)
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  stop(): void {
    this.#timer.stop()
  }
}

async function openReceived(
  { verdict: signed, own: ownBytes, margins: marginsSaid, salt }: Frame<'verdict'>,
  commitment: Uint8Array,
  shown: ShownOpenings,
  { verifier, quote, case: { proven, read }, envelope }: VerdictRequest,
): Promise<ReceivedVerdict> {
  const verdict = await openVerdict(signed, verifier)
  const cost = costOfCheck(quote, read)
  if (!equalBytes(verdict.commitment, commitment)) throw bad('commitment')
  if (verdict.cost !== cost) throw bad('cost')
  const margins = marginsFrom(marginsSaid)
  if (!margins) throw bad('margins')
  const own = sketchesFrom(ownBytes)
  checkVerdict({ verdict, own, salt, margins, opened: shown.opened, proven, envelope })
  return { ...shown, verdict, signed, own, salt, cost }
}

function patienceFor({ quote, case: { read } }: VerdictRequest): Millis {
  const { ttftMs } = predict(quote, { rttMs: millis(0), prefillTokens: read, maxTokens: 1 })
  const expected = READING_GRACE_MS + READING_PATIENCE * ttftMs
  return millis(Math.min(CHECK_DEADLINE_MS, expected))
}

function bad(reason: string): InfernetError {
  return new InfernetError('verify.bad-verdict', { reason })
}
