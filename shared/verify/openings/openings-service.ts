import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { peerName, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { SketchOpening } from '../../stream/sketch-tree.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import {
  MAX_OPEN_REQUESTS,
  MAX_OPENING_ASKERS,
  OPENED_POSITIONS_RATE,
  OPENINGS_DEADLINE_MS,
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

/** The provider's side of the openings protocol: one request a stream. It costs the asker nothing, and so is limited. */
export class OpeningsService {
  readonly #clock: Clock
  readonly #keeper: OpeningKeeper
  readonly #key: PrivateKey
  readonly #rates: KeyedBuckets<PeerName>
  readonly #total: TokenBucket
  #open = 0

  constructor({ clock, keeper, key }: OpeningsServiceComponents) {
    this.#clock = clock
    this.#keeper = keeper
    this.#key = key
    this.#rates = new KeyedBuckets(clock, OPENINGS_RATE, MAX_OPENING_ASKERS)
    this.#total = new TokenBucket(clock, OPENED_POSITIONS_RATE)
  }

  /** Mount with `answerProtocols`, as OPENINGS_PROTOCOL with MAX_OPENINGS_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, openingsRequestSchema, this.#clock)
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPENINGS_DEADLINE_MS })
    let isCounted = false
    try {
      const request = await frames.receive()
      const asker = peerName(connection.remotePeer.toString())
      isCounted = this.#open < MAX_OPEN_REQUESTS
      if (isCounted) this.#open++
      await withDeadline(this.#clock, millis(OPENINGS_DEADLINE_MS), late, (signal) =>
        this.#answer(frames, request, { asker, isTooMuch: !isCounted, signal }),
      )
      await frames.close()
    } catch (thrown) {
      frames.abort(thrown)
    } finally {
      if (isCounted) this.#open--
    }
  }

  async #answer(
    frames: FramedStream<typeof openingsRequestSchema>,
    request: OpeningsRequest,
    { asker, isTooMuch, signal }: { asker: PeerName; isTooMuch: boolean; signal: AbortSignal },
  ): Promise<void> {
    const opening = isTooMuch ? Promise.reject(rateLimited()) : this.#openFor(asker, request)
    const found = await opening.catch((refused: unknown) => InfernetError.from(refused))
    if (found instanceof InfernetError) {
      await frames.send({ type: 'refused', error: errorToMessage(found) }, { signal })
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
    if (!this.#rates.take(asker) || !this.#total.take(REQUEST_COST_POSITIONS + positions.length))
      throw rateLimited()
    const openings = await this.#keeper.open(request)
    const signed = await signOpened({ link, positions, openings }, this.#key)
    return { openings, statement: statementBytes(signed) }
  }
}

function rateLimited(): InfernetError {
  return new InfernetError('verify.rate-limited')
}
