import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { peerName, type PeerName } from '../base/ids.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { errorToMessage } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import type { ClaimBox } from './claim-box.ts'
import { leaveRequestSchema, type LeaveRequest } from './claim-messages.ts'
import { LEAVE_RATE, MAX_BOX_PEERS } from './constants.ts'

/** The relay's side of the settle protocol: one request, one answer, then the stream is closed. */
export class ClaimService {
  readonly #clock: Clock
  readonly #box: Pick<ClaimBox, 'leave'>
  readonly #buckets = new Map<PeerName, TokenBucket>()

  constructor({ clock, box }: { clock: Clock; box: Pick<ClaimBox, 'leave'> }) {
    this.#clock = clock
    this.#box = box
  }

  /** Mount with `answerProtocols`, as SETTLE_PROTOCOL with MAX_LEAVE_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, leaveRequestSchema, this.#clock)
    try {
      const request = await frames.receive()
      await frames.send(await this.#answer(peerName(connection.remotePeer.toString()), request))
      await frames.close()
    } catch (thrown) {
      frames.abort(thrown)
    }
  }

  async #answer(peer: PeerName, request: LeaveRequest): Promise<unknown> {
    try {
      if (!this.#bucketOf(peer).take()) throw new InfernetError('schedule.rate-limited')
      const refused = await this.#box.leave(peer, request)
      return {
        type: 'kept',
        refused: [...refused].map(([index, error]) => ({ index, error: errorToMessage(error) })),
      }
    } catch (thrown) {
      return { type: 'refused', error: errorToMessage(thrown) }
    }
  }

  #bucketOf(peer: PeerName): TokenBucket {
    const bucket = this.#buckets.get(peer) ?? new TokenBucket(this.#clock, LEAVE_RATE)
    this.#buckets.delete(peer)
    this.#buckets.set(peer, bucket)
    for (const eldest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BOX_PEERS) break
      this.#buckets.delete(eldest)
    }
    return bucket
  }
}
