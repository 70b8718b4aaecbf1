import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { peerName, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { millis, SECOND_MS } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { SketchOpening } from '../../stream/sketch-tree.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { OpeningPlaces } from '../../wire/opening-places.ts'
import {
  JOB_OPENINGS_RATE,
  MAX_OPENING_ASKERS,
  MAX_RATED_JOBS,
  OPENED_POSITIONS_RATE,
  OPENINGS_DEADLINE_MS,
  OPENINGS_PLACES,
  OPENINGS_RATE,
  REQUEST_COST_POSITIONS,
} from './constants.ts'
import { openingsRequestSchema, type OpeningsRequest } from './messages.ts'
import type { OpeningKeeper } from './opening-keeper.ts'
import { signOpened, statementBytes } from './statement.ts'

export interface OpeningsServiceComponents {
  readonly clock: Clock
  readonly keeper: OpeningKeeper
  /** Signs what is opened. */
  readonly key: PrivateKey
}

type OpeningsFrames = FramedStream<typeof openingsRequestSchema>

/** The provider's side of the openings protocol: one request a stream. It costs the asker nothing, and so is limited. */
export class OpeningsService {
  readonly #clock: Clock
  readonly #keeper: OpeningKeeper
  readonly #key: PrivateKey
  readonly #rates: KeyedBuckets<PeerName>
  readonly #jobs: KeyedBuckets<string>
  readonly #total: TokenBucket
  readonly #places: OpeningPlaces

  constructor({ clock, keeper, key }: OpeningsServiceComponents) {
    this.#clock = clock
    this.#keeper = keeper
    this.#key = key
    this.#rates = new KeyedBuckets(clock, OPENINGS_RATE, MAX_OPENING_ASKERS)
    this.#jobs = new KeyedBuckets(clock, JOB_OPENINGS_RATE, MAX_RATED_JOBS)
    this.#places = new OpeningPlaces(clock, OPENINGS_PLACES)
    this.#total = new TokenBucket(clock, OPENED_POSITIONS_RATE)
  }

  /** Mount with `answerProtocols`, as OPENINGS_PROTOCOL with MAX_OPENINGS_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, openingsRequestSchema, this.#clock)
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPENINGS_DEADLINE_MS })
    const place = this.#places.enter(stream, connection)
    try {
      const request = await frames.receive({ signal: place.signal })
      const asker = peerName(connection.remotePeer.toString())
      const answer = (signal: AbortSignal): Promise<void> => this.#answer(frames, request, { asker, signal })
      await withDeadline(this.#clock, millis(OPENINGS_DEADLINE_MS), late, answer, { signal: place.signal })
      await frames.close()
    } catch (thrown) {
      if (thrown === place.signal.reason) await refuse(frames, thrown).catch(() => undefined)
      frames.abort(thrown)
    } finally {
      place.leave()
    }
  }

  async #answer(
    frames: OpeningsFrames,
    request: OpeningsRequest,
    { asker, signal }: { readonly asker: PeerName; readonly signal: AbortSignal },
  ): Promise<void> {
    const opening = this.#openFor(asker, request)
    const found = await opening.catch((refused: unknown) => InfernetError.from(refused))
    if (found instanceof InfernetError) {
      await refuse(frames, found, signal)
      return
    }
    for (const each of found.openings) await frames.send({ type: 'opening', opening: each }, { signal })
    await frames.send({ type: 'done', optional: { statement: found.statement } }, { signal })
  }

  async #openFor(
    asker: PeerName,
    request: OpeningsRequest,
  ): Promise<{ readonly openings: readonly SketchOpening[]; readonly statement: Uint8Array }> {
    const { link, positions } = request
    if (!this.#rates.take(asker)) throw rateLimited()
    // Whoever has no right to anything takes nothing of what is there for all.
    if (!(await this.#keeper.holds(request))) throw new InfernetError('verify.not-kept')
    const cost = REQUEST_COST_POSITIONS + positions.length
    if (!this.#jobs.take(toHex(link)) || !this.#total.take(cost)) throw rateLimited()
    const openings = await this.#keeper.open(request)
    const signed = await signOpened({ link, positions, openings }, this.#key)
    return { openings, statement: statementBytes(signed) }
  }
}

/** Told within a second; a stream that cannot even take that is cut. */
function refuse(frames: OpeningsFrames, thrown: unknown, signal?: AbortSignal): Promise<void> {
  return frames.send({ type: 'refused', error: errorToMessage(thrown) }, { signal, deadlineMs: SECOND_MS })
}

function rateLimited(): InfernetError {
  return new InfernetError('verify.rate-limited')
}
