import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { peerName, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import { epochMillis } from '../../base/units.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { MAX_RATED_PEERS, RECORDS_PLACE_RATE, RECORDS_RATE, VERDICT_LIFE_MS } from './constants.ts'
import type { GoldenBook, ServedGolden } from './golden-book.ts'
import { recordsRequestSchema, type RecordsRequest } from './messages.ts'
import { stakedBody } from './staked.ts'
import type { ServedVerdict, VerdictBook } from './verdict-book.ts'

export interface RecordsServiceComponents {
  readonly clock: Clock
  readonly golden: GoldenBook
  readonly verdicts: VerdictBook
  /** Who may stand behind several names. @default each name is somebody */
  readonly groupOf?: ((connection: Connection) => string | undefined) | undefined
}

/** The relay's side of the records protocol: one request a stream, answered and closed. */
export class RecordsService {
  readonly #components: RecordsServiceComponents
  readonly #requests: KeyedBuckets<PeerName>
  readonly #places: KeyedBuckets<string>

  constructor(components: RecordsServiceComponents) {
    this.#components = components
    this.#requests = new KeyedBuckets(components.clock, RECORDS_RATE, MAX_RATED_PEERS)
    this.#places = new KeyedBuckets(components.clock, RECORDS_PLACE_RATE, MAX_RATED_PEERS)
  }

  /** Mount with `answerProtocols`, as RECORDS_PROTOCOL with MAX_RECORDS_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, recordsRequestSchema, this.#components.clock)
    try {
      const request = await frames.receive()
      await frames.send(await this.#answer(connection, request))
      await frames.close()
    } catch (thrown) {
      frames.abort(thrown)
    }
  }

  async #answer(connection: Connection, request: RecordsRequest): Promise<unknown> {
    try {
      const peer = peerName(connection.remotePeer.toString())
      const group = this.#components.groupOf?.(connection)
      const isWithin = this.#requests.take(peer) && (group === undefined || this.#places.take(group))
      if (!isWithin) throw new InfernetError('schedule.rate-limited')
      return await this.#answerTo(peer, request, group)
    } catch (thrown) {
      return { type: 'refused', error: errorToMessage(thrown) }
    }
  }

  async #answerTo(peer: PeerName, request: RecordsRequest, group: string = peer): Promise<unknown> {
    const { golden, verdicts } = this.#components
    switch (request.type) {
      case 'publish-golden': {
        // The name is the connection's: a record that somebody else signed fails its signature.
        const facts = await golden.publish({ provider: peer, golden: request.golden }, group)
        return { type: 'done', until: facts.expiresAt }
      }
      case 'find-golden': {
        const { records, total } = golden.find(request.model, request)
        return { type: 'golden', records: records.map(withStake), total }
      }
      case 'publish-verdict': {
        const { at } = await verdicts.publish(request, group)
        return { type: 'done', until: epochMillis(at + VERDICT_LIFE_MS) }
      }
      case 'find-verdicts':
        return { type: 'verdicts', verdicts: verdicts.find(request.provider).map(withStake) }
      case 'count':
        return { type: 'counts', ...verdicts.lastDay }
    }
  }
}

function withStake({ staked, ...rest }: ServedGolden | ServedVerdict): unknown {
  return { ...rest, ...stakedBody(staked) }
}
