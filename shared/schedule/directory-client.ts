import type { Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { fromHex } from '../base/bytes.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { millis, type EpochMillis, type Millis } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { errorFromPeer } from '../errors/error-message.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { ANSWER_DEADLINE_MS } from '../wire/limits.ts'
import type { Signed } from '../wire/signed.ts'
import { writeBesides } from './besides.ts'
import { DIRECTORY_IDLE_MS, FLOOD_REST_MS, MAX_WATCHED_PEERS, UNASKED_RATE } from './constants.ts'
import type { DirectoryAnswer, DirectoryPort, QueryOptions } from './directory-port.ts'
import { directoryReplySchema, type DirectoryReply } from './messages.ts'

export interface DirectoryClientComponents {
  readonly clock: Clock
  /** Opens a stream of the schedule protocol to the relay. */
  readonly openStream: (options: { signal: AbortSignal }) => Promise<Stream>
}

type Frames = FramedStream<typeof directoryReplySchema>
type Waiting = PromiseWithResolvers<DirectoryReply>

/** One stream, and who waits for an answer on it: its end must not fail those who wait on the next one. */
interface Session {
  readonly opened: Promise<Frames>
  /** The same, once it is there. */
  frames?: Frames
  readonly waiting: Map<number, Waiting>
}

/**
 * A peer's side of the schedule protocol: one stream, opened when needed, its requests told apart by id.
 *
 * A relay that sends more than it was asked for (`UNASKED_RATE`) has its stream cut, and is left alone for
 * {@link FLOOD_REST_MS}: every request fails at once with `schedule.flooded`.
 */
export class DirectoryClient implements DirectoryPort {
  readonly relay: PeerName
  readonly #components: DirectoryClientComponents
  readonly #watched = new Map<PeerName, Set<() => void>>()
  #session: Session | undefined
  #nextId = 0
  #rtt: Millis | undefined
  /** Of all its streams: a new one is no new start. */
  readonly #unasked: TokenBucket
  #restsUntil = -Infinity

  constructor(relay: PeerName, components: DirectoryClientComponents) {
    this.relay = relay
    this.#components = components
    this.#unasked = new TokenBucket(components.clock, UNASKED_RATE)
  }

  /** The time the last answer took, the relay's work included. */
  get rttMs(): Millis | undefined {
    return this.#rtt
  }

  async announce(offer: Signed, options: { signal?: AbortSignal } = {}): Promise<EpochMillis> {
    const reply = await this.#request({ type: 'announce', offer }, options)
    return expectType(reply, 'done').until
  }

  async withdraw(tombstone: Signed, options: { signal?: AbortSignal } = {}): Promise<void> {
    expectType(await this.#request({ type: 'withdraw', tombstone }, options), 'done')
  }

  async query(
    model: ModelHash | undefined,
    limit: number,
    { signal, besides = [] }: QueryOptions = {},
  ): Promise<DirectoryAnswer> {
    const optionalFields = {
      ...(!model && { wantsDemand: true }),
      ...(besides.length > 0 && { besides: writeBesides(besides) }),
    }
    const ask = {
      model: model ? fromHex(model) : null,
      ...(Object.keys(optionalFields).length > 0 && { optional: optionalFields }),
    }
    const reply = await this.#request({ type: 'query', limit, ...ask }, { signal })
    const { offers, total, optional } = expectType(reply, 'offers')
    const fillingMs = optional?.fillingMs
    return {
      offers,
      total,
      ...(fillingMs !== undefined && { fillingMs: millis(fillingMs) }),
      ...(optional?.demand && { demand: optional.demand }),
    }
  }

  /**
   * Asks for an answer and nothing else: says again whom it watches, which costs the relay least. A refusal is one.
   *
   * @throws InfernetError `schedule.no-relay`, `schedule.flooded`, `wire.timeout`, or the signal's reason
   */
  async probe(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#request({ type: 'watch', peers: this.#watchList() }, options)
  }

  watch(peer: PeerName, onGone: () => void): () => void {
    const callbacks = this.#watched.get(peer) ?? new Set()
    this.#watched.set(peer, callbacks.add(onGone))
    this.#sendWatched()
    return () => {
      if (!callbacks.delete(onGone) || callbacks.size > 0) return
      this.#watched.delete(peer)
      this.#sendWatched()
    }
  }

  /** Ends the stream; the next request opens a new one. */
  close(): void {
    const session = this.#session
    this.#session = undefined
    session?.opened.then((frames) => frames.abort(new InfernetError('wire.closed'))).catch(() => undefined)
  }

  async #request(
    message: Record<string, unknown>,
    { signal }: { signal?: AbortSignal | undefined },
  ): Promise<DirectoryReply> {
    const id = this.#takeId()
    const waiting: Waiting = Promise.withResolvers()
    waiting.promise.catch(() => undefined) // the stream may end while we still send, before anybody awaits this
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: ANSWER_DEADLINE_MS })
    let session: Session | undefined
    try {
      return await withDeadline(
        this.#components.clock,
        millis(ANSWER_DEADLINE_MS),
        late,
        async (own) => {
          session = this.#open()
          const frames = await session.opened
          own.throwIfAborted() // nobody waits for the answer any more
          session.waiting.set(id, waiting)
          const sentAt = this.#components.clock.monotonic()
          await frames.send({ ...message, id }, { signal: own })
          const reply = await waiting.promise
          this.#rtt = millis(this.#components.clock.monotonic() - sentAt)
          return reply
        },
        { signal },
      )
    } finally {
      session?.waiting.delete(id)
    }
  }

  /** @throws InfernetError `schedule.flooded` */
  #open(): Session {
    if (this.#components.clock.monotonic() < this.#restsUntil) throw new InfernetError('schedule.flooded')
    // One that just closed may not have told its listener yet.
    if (this.#session && this.#session.frames?.isOpen !== false) return this.#session
    const session: Session = { opened: this.#connect(), waiting: new Map() }
    this.#session = session
    void this.#listen(session)
    return session
  }

  async #connect(): Promise<Frames> {
    const { clock, openStream } = this.#components
    const late = (): Error => new InfernetError('schedule.no-relay')
    let frames: Frames | undefined
    try {
      const stream = await withDeadline(clock, millis(ANSWER_DEADLINE_MS), late, (signal) =>
        openStream({ signal }),
      )
      frames = new FramedStream(stream, directoryReplySchema, clock)
      if (this.#watched.size > 0)
        await frames.send({ type: 'watch', id: this.#takeId(), peers: this.#watchList() })
      return frames
    } catch (thrown) {
      frames?.abort(thrown)
      throw InfernetError.from(thrown, 'schedule.no-relay')
    }
  }

  /** Hands replies to who asked, until the stream ends. Whatever ends it fails all that wait for this stream. */
  async #listen(session: Session): Promise<void> {
    let frames: Frames | undefined
    try {
      frames = session.frames = await session.opened
      for (;;) {
        const reply = await frames.receive({ deadlineMs: 2 * DIRECTORY_IDLE_MS })
        const waiting = reply.type === 'gone' ? undefined : session.waiting.get(reply.id)
        if (!waiting && !this.#unasked.take()) throw new InfernetError('schedule.flooded')
        if (reply.type === 'gone') this.#peerGone(reply.peer)
        else this.#answered(session, reply)
      }
    } catch (thrown) {
      frames?.abort(thrown)
      if (hasCode(thrown, 'schedule.flooded'))
        this.#restsUntil = this.#components.clock.monotonic() + FLOOD_REST_MS
      if (this.#session === session) this.#session = undefined
      for (const { reject } of session.waiting.values())
        reject(InfernetError.from(thrown, 'schedule.no-relay'))
      session.waiting.clear()
    }
  }

  #answered({ waiting }: Session, reply: Exclude<DirectoryReply, { type: 'gone' }>): void {
    waiting.get(reply.id)?.resolve(reply)
    waiting.delete(reply.id)
  }

  #takeId(): number {
    return this.#nextId++ % 0x1_0000_0000
  }

  #peerGone(peer: PeerName): void {
    for (const callback of this.#watched.get(peer) ?? []) callback()
  }

  #watchList(): PeerName[] {
    return [...this.#watched.keys()].slice(0, MAX_WATCHED_PEERS)
  }

  /** Best effort: without the relay's word a lost peer is noticed by its missed heartbeats. */
  #sendWatched(): void {
    this.#request({ type: 'watch', peers: this.#watchList() }, {}).catch(() => undefined)
  }
}

function expectType<T extends DirectoryReply['type']>(
  reply: DirectoryReply,
  type: T,
): DirectoryReply & { type: T } {
  if (reply.type === 'refused') throw errorFromPeer(reply.error)
  if (reply.type !== type) throw new InfernetError('wire.unexpected', { got: reply.type })
  return reply as DirectoryReply & { type: T }
}
