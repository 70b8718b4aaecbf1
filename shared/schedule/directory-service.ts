import type { Connection, Stream } from '@libp2p/interface'
import type { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import { peerName, type ModelHash, type PeerName } from '../base/ids.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { millis } from '../base/units.ts'
import { errorToMessage } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { encode } from '../wire/codec.ts'
import { readBesides } from './besides.ts'
import { DIRECTORY_IDLE_MS, DIRECTORY_RATE, FILLING_QUERY_MS, MAX_RATE_REFUSALS } from './constants.ts'
import type { Directory } from './directory.ts'
import { kindOf, type OfferKind } from './gossiped-offer.ts'
import { directoryRequestSchema, type DirectoryRequest, type OfferGossipMessage } from './messages.ts'

export interface DirectoryServiceComponents {
  readonly clock: Clock
  readonly directory: Directory
  /** Tells the other relays. Absent when the relay stands alone. */
  readonly gossip?: (message: Uint8Array, kind: OfferKind) => void
  readonly onChange?: ChangeEmitter
  /** What a peer is counted with, e.g. the network address behind its connection. @default the peer itself */
  readonly groupOf?: ((connection: Connection) => string | undefined) | undefined
  /** The relay's signed record of what is wanted, which goes with an answer about all models. */
  readonly demand?: (() => Promise<Uint8Array | undefined>) | undefined
}

export interface DirectoryServiceInit {
  /** For so long from now on, in ms, a question for a model that finds nobody waits for the first offer, and is told so. @default 0 */
  readonly fillMs?: number
}

type Session = FramedStream<typeof directoryRequestSchema>
type Query = DirectoryRequest & { type: 'query' }

/** The relay's side of the schedule protocol: a stream of requests, each answered in turn, and word of lost peers. */
export class DirectoryService {
  readonly #components: DirectoryServiceComponents
  readonly #sessions = new Map<Session, Set<PeerName>>()
  /** Sessions with a question that waits: one each, so that a stranger cannot pile them up. */
  readonly #asking = new Set<Session>()
  readonly #filledAt: number

  constructor(components: DirectoryServiceComponents, { fillMs = 0 }: DirectoryServiceInit = {}) {
    this.#components = components
    this.#filledAt = components.clock.monotonic() + fillMs
  }

  /** Open directory streams. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** Mount with `answerProtocols`, as SCHEDULE_PROTOCOL with MAX_DIRECTORY_STREAMS at once. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const { clock } = this.#components
    const session: Session = new FramedStream(stream, directoryRequestSchema, clock)
    this.#sessions.set(session, new Set())
    try {
      await this.#serve(session, connection)
      await session.close()
    } catch (thrown) {
      session.abort(thrown)
    } finally {
      this.#sessions.delete(session)
    }
  }

  /** To be called when the relay loses its last connection to a peer. */
  peerGone(peer: PeerName): void {
    this.#components.directory.dropLocal(peer)
    for (const [session, watched] of this.#sessions) {
      if (!watched.delete(peer)) continue
      // A watcher who does not read loses its session, never holds up the others.
      session.send({ type: 'gone', peer }).catch((thrown: unknown) => session.abort(thrown))
    }
    this.#components.onChange?.emit()
  }

  async #serve(session: Session, connection: Connection): Promise<void> {
    const bucket = new TokenBucket(this.#components.clock, DIRECTORY_RATE)
    let refusals = 0
    for (;;) {
      const request = await this.#next(session)
      if (!request) return
      if (bucket.take()) refusals = 0
      else if (++refusals > MAX_RATE_REFUSALS) throw new InfernetError('schedule.rate-limited')
      if (refusals === 0 && this.#mayWait(session, request)) {
        // Not in turn: whoever asks may be about to bring the offer on this very stream.
        void this.#answerWhenFilled(session, request)
        continue
      }
      const reply =
        refusals > 0
          ? refusal(request.id, new InfernetError('schedule.rate-limited'))
          : await this.#answer(session, connection, request)
      await session.send(reply)
    }
  }

  /** The next request, or undefined when the peer closed or was idle for long. Malformed ones end the session. */
  async #next(session: Session): Promise<DirectoryRequest | undefined> {
    try {
      return await session.receive({ deadlineMs: DIRECTORY_IDLE_MS })
    } catch (thrown) {
      const { code } = InfernetError.from(thrown)
      if (code === 'wire.closed' || code === 'wire.timeout') return undefined
      throw thrown
    }
  }

  async #answer(session: Session, connection: Connection, request: DirectoryRequest): Promise<unknown> {
    const peer = peerName(connection.remotePeer.toString())
    try {
      switch (request.type) {
        case 'announce':
          return await this.#announce(peer, this.#components.groupOf?.(connection) ?? peer, request)
        case 'withdraw':
          return await this.#withdraw(peer, request)
        case 'query':
          return await this.#withDemand(request)
        case 'watch':
          return this.#watch(session, request)
      }
    } catch (thrown) {
      return refusal(request.id, thrown)
    }
  }

  #offersFor({ id, model, limit, optional }: Query) {
    const isKnown = optional?.besides === undefined ? undefined : readBesides(optional.besides)
    const found = this.#components.directory.query(model ?? undefined, limit, { isKnown })
    const fillingMs = found.total === 0 ? Math.ceil(this.#fillingMs(model)) : 0
    return { type: 'offers', id, ...found, ...(fillingMs > 0 && { optional: { fillingMs } }) } as const
  }

  async #withDemand(request: Query) {
    const answer = this.#offersFor(request)
    const demand = request.optional?.wantsDemand === true ? await this.#components.demand?.() : undefined
    return demand ? { ...answer, optional: { ...('optional' in answer && answer.optional), demand } } : answer
  }

  /** How long "nobody" is not known yet: after a restart providers are on their way back. */
  #fillingMs(model: ModelHash | null): number {
    const { clock, directory } = this.#components
    if (model === null || directory.hasHeardOf(model)) return 0
    return Math.max(0, this.#filledAt - clock.monotonic())
  }

  #mayWait(session: Session, request: DirectoryRequest): request is Query {
    return request.type === 'query' && !this.#asking.has(session) && this.#fillingMs(request.model) > 0
  }

  /** Never throws. */
  async #answerWhenFilled(session: Session, request: Query): Promise<void> {
    const { clock, directory } = this.#components
    this.#asking.add(session)
    const filled = Promise.withResolvers<void>()
    const limitMs = Math.min(FILLING_QUERY_MS, this.#filledAt - clock.monotonic())
    const timer = clock.schedule(millis(limitMs), filled.resolve)
    const stop = directory.arrivals.listen(() => {
      if (this.#offersFor(request).total > 0) filled.resolve()
    })
    await filled.promise
    timer.stop()
    stop()
    this.#asking.delete(session)
    if (!this.#sessions.has(session)) return
    session.send(this.#offersFor(request)).catch((thrown: unknown) => session.abort(thrown))
  }

  async #announce(
    peer: PeerName,
    group: string,
    { id, offer: signed }: DirectoryRequest & { type: 'announce' },
  ): Promise<unknown> {
    // The bringer's name is taken from the connection: an offer that someone else signed fails its signature here.
    const offer = await this.#components.directory.announce(
      { provider: peer, offer: signed },
      { isLocal: true, bringer: { kind: 'provider', group } },
    )
    this.#tell({ type: 'offer', provider: peer, signed }, kindOf(offer))
    return { type: 'done', id, until: offer.expiresAt }
  }

  async #withdraw(
    peer: PeerName,
    { id, tombstone }: DirectoryRequest & { type: 'withdraw' },
  ): Promise<unknown> {
    await this.#components.directory.withdraw(peer, tombstone)
    this.#tell({ type: 'drain', provider: peer, signed: tombstone })
    return { type: 'done', id, until: this.#components.clock.now() }
  }

  #watch(session: Session, { id, peers }: DirectoryRequest & { type: 'watch' }): unknown {
    this.#sessions.set(session, new Set(peers))
    return { type: 'done', id, until: this.#components.clock.now() }
  }

  #tell(message: OfferGossipMessage, kind: OfferKind = 'warm'): void {
    this.#components.gossip?.(encode(message), kind)
    this.#components.onChange?.emit()
  }
}

function refusal(id: number, thrown: unknown): unknown {
  return { type: 'refused', id, error: errorToMessage(thrown) }
}
