import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { peerName, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { MAX_SEEDERS, SEEDS_RATE } from './constants.ts'
import { seedsRequestSchema, type SeedsReply, type SeedsRequest } from './messages.ts'
import type { SeedBook } from './seed-book.ts'

export interface SeedsServiceComponents {
  readonly clock: Clock
  readonly book: SeedBook
  /** Who may stand behind several names. @default each name is somebody */
  readonly groupOf?: ((connection: Connection) => string | undefined) | undefined
}

/** The relay's side of the seeds protocol: one request a stream, answered and closed. */
export class SeedsService {
  readonly #clock: Clock
  readonly #book: SeedBook
  readonly #requests: KeyedBuckets<PeerName>
  readonly #groupOf: SeedsServiceComponents['groupOf']

  constructor({ clock, book, groupOf }: SeedsServiceComponents) {
    this.#clock = clock
    this.#book = book
    this.#groupOf = groupOf
    this.#requests = new KeyedBuckets(clock, SEEDS_RATE, MAX_SEEDERS)
  }

  /** Mount with `answerProtocols`, as SEEDS_PROTOCOL with MAX_SEEDS_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, seedsRequestSchema, this.#clock)
    try {
      const request = await frames.receive()
      await frames.send(await this.#answer(connection, request))
      await frames.close()
    } catch (thrown) {
      frames.abort(thrown)
    }
  }

  /** To be called when the relay loses its last connection to a peer: nobody is sent to it any more. */
  peerGone(peer: PeerName): void {
    this.#book.remove(peer)
  }

  async #answer(connection: Connection, request: SeedsRequest): Promise<SeedsReply> {
    const peer = peerName(connection.remotePeer.toString())
    try {
      if (!this.#requests.take(peer)) throw new InfernetError('schedule.rate-limited')
      if (request.type === 'find')
        return { type: 'seeders', ...this.#book.find(request.model, request.limit) }
      // The name is the connection's: a record that somebody else signed fails its signature.
      const group = this.#groupOf?.(connection)
      const { expiresAt } = await this.#book.announce({ peer, seeds: request.seeds }, group)
      return { type: 'done', until: expiresAt }
    } catch (thrown) {
      return { type: 'refused', error: errorToMessage(thrown) }
    }
  }
}
