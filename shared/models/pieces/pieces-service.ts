import type { Connection, Stream } from '@libp2p/interface'
import { ChangeEmitter } from '../../base/change-emitter.ts'
import type { Clock } from '../../base/clock.ts'
import { peerName, type ModelHash, type PeerName } from '../../base/ids.ts'
import { KeyedBuckets } from '../../base/keyed-buckets.ts'
import { LazyTimers } from '../../base/lazy-timers.ts'
import type { Random } from '../../base/random.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import type { ErrorCode } from '../../errors/code-table.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { isRelayed } from '../../wire/is-relayed.ts'
import { OpeningPlaces } from '../../wire/opening-places.ts'
import type { Manifest } from '../manifest.ts'
import {
  DATA_BYTES,
  MAX_COUNTED_PEERS,
  MAX_SHARED_MODELS,
  OPEN_RATE,
  OPENING_UPLOADS,
  ROTATE_MS,
  SEND_DEADLINE_MS,
  UPLOAD_IDLE_MS,
} from './constants.ts'
import type { ExchangeLedger } from './exchange-ledger.ts'
import { fetcherMessageSchema, type FetcherMessage } from './messages.ts'
import { RateCap } from './rate-cap.ts'
import { maySeed, SharedModel, type SeedStore } from './shared-model.ts'
import { UploadPlaces, type UploadPlace } from './upload-places.ts'
import { UploadSession } from './upload-session.ts'
import { UploadSlots } from './upload-slots.ts'

export interface PiecesServiceComponents {
  readonly clock: Clock
  readonly random: Random
  readonly ledger: ExchangeLedger
  /** What the visitor lets out, shared by all. @default no cap */
  readonly cap?: RateCap | undefined
  /** Whether somebody else pays for a connection's bytes. @default by its limits and its address */
  readonly isRelayed?: ((connection: Connection) => boolean | Promise<boolean>) | undefined
}

/** One peer that fetches from here, for a page to show. */
export interface Upload {
  readonly peer: PeerName
  readonly model: ModelHash
  readonly givenBytes: number
  /** True while it has a slot. */
  readonly isServed: boolean
}

type Frames = FramedStream<typeof fetcherMessageSchema>

interface Placed {
  readonly peer: PeerName
  readonly shared: SharedModel
  readonly place: UploadPlace
}

/** Why a stream ends that was answered, where whoever fetches is told. */
const TOLD_BY_NAME: ReadonlySet<ErrorCode> = new Set(['models.not-seeded', 'models.upload-busy'])

/** The seeding side of the pieces protocol: what is shared here, and who gets it. */
export class PiecesService {
  /** After each change of what is shared or who fetches. */
  readonly changes = new ChangeEmitter()
  readonly #components: PiecesServiceComponents
  readonly #cap: RateCap
  readonly #models = new Map<ModelHash, SharedModel>()
  readonly #sessions = new Set<UploadSession>()
  readonly #slots: UploadSlots<UploadSession>
  readonly #opens: KeyedBuckets<PeerName>
  readonly #opening: OpeningPlaces
  /** A deadline for each frame. */
  readonly #timers: LazyTimers
  readonly #places: UploadPlaces
  #timer: { stop(): void } | undefined
  #givenBytes = 0

  constructor(components: PiecesServiceComponents) {
    this.#components = components
    this.#timers = new LazyTimers(components.clock)
    this.#cap = components.cap ?? new RateCap(components.clock)
    this.#slots = new UploadSlots(components.random)
    this.#opening = new OpeningPlaces(components.clock, OPENING_UPLOADS)
    this.#places = new UploadPlaces(components.clock)
    this.#opens = new KeyedBuckets(components.clock, OPEN_RATE, MAX_COUNTED_PEERS)
  }

  /** Everything that is seeded, with how much of it is here. */
  get shared(): readonly { readonly model: ModelHash; readonly held: number; readonly pieces: number }[] {
    return [...this.#models].map(([model, { map }]) => ({ model, held: map.count, pieces: map.pieces }))
  }

  get uploads(): readonly Upload[] {
    return [...this.#sessions].map(({ peer, shared, givenHere, isServed }) => ({
      peer,
      model: shared.hash,
      givenBytes: givenHere,
      isServed,
    }))
  }

  /** Bytes of pieces that went out since the start. */
  get givenBytes(): number {
    return this.#givenBytes
  }

  /**
   * Seeds a model from now on, as far as it is in the store.
   *
   * @throws InfernetError `models.not-passed-on` by its licence, `models.corrupt`, `models.upload-busy` beyond
   * MAX_SHARED_MODELS
   */
  async share(manifest: Manifest, store: SeedStore): Promise<ModelHash> {
    if (!maySeed(manifest)) throw new InfernetError('models.not-passed-on')
    const model = await SharedModel.open(manifest, store)
    if (this.#models.size >= MAX_SHARED_MODELS && !this.#models.has(model.hash))
      throw new InfernetError('models.upload-busy')
    this.#models.set(model.hash, model)
    this.changes.emit()
    return model.hash
  }

  /** Seeds it no more; whoever fetches it here is told. */
  unshare(model: ModelHash): void {
    if (!this.#models.delete(model)) return
    this.#endSessions((session) => session.shared.hash === model, new InfernetError('models.not-seeded'))
    this.changes.emit()
  }

  /** A piece came into the store: it is told to those who fetch the model here. */
  noteHeld(model: ModelHash, piece: number): void {
    if (!this.#models.get(model)?.add(piece)) return
    for (const session of this.#sessions) {
      if (session.shared.hash !== model) continue
      session.shared.add(piece) // it may be of an earlier call of `share`
      session.tellHave(piece)
    }
    this.changes.emit()
  }

  /** Mount with `answerProtocols`, as PIECES_PROTOCOL with MAX_PIECES_STREAMS at once, also on relayed connections: they are refused by name. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const frames: Frames = new FramedStream(stream, fetcherMessageSchema, this.#timers)
    const place = this.#opening.enter(stream, connection)
    try {
      const asked = await frames.receive({ signal: place.signal }).finally(() => place.leave())
      await this.#answer(frames, asked, connection)
      await frames.close()
    } catch (thrown) {
      if (thrown === place.signal.reason) await refuse(frames, thrown).catch(() => undefined)
      frames.abort(thrown)
    }
  }

  stop(): void {
    this.#timer?.stop()
    this.#models.clear()
    this.#endSessions(() => true, new InfernetError('wire.closed'))
  }

  async #answer(frames: Frames, asked: FetcherMessage, connection: Connection): Promise<void> {
    const peer = peerName(connection.remotePeer.toString())
    const refusal = await this.#refusal(peer, connection)
    if (refusal) return refuse(frames, new InfernetError(refusal))
    if (asked.type !== 'manifest' && asked.type !== 'open')
      throw new InfernetError('wire.unexpected', { got: asked.type })
    const shared = this.#models.get(asked.model)
    if (!shared) return refuse(frames, new InfernetError('models.not-seeded'))
    // Last: nobody loses a place to one who is refused. A peer's streams on all its connections are counted together.
    const place = this.#places.enter(peer)
    if (!place) return refuse(frames, new InfernetError('models.upload-busy'))
    try {
      if (asked.type === 'manifest') return await this.#sendManifest(frames, { peer, shared, place })
      await shared.refresh()
      place.signal.throwIfAborted()
      await this.#serve(frames, { peer, shared, place })
    } catch (thrown) {
      const reason = InfernetError.from(thrown)
      if (!TOLD_BY_NAME.has(reason.code)) throw thrown
      await refuse(frames, reason)
    } finally {
      place.leave()
    }
  }

  async #refusal(peer: PeerName, connection: Connection): Promise<ErrorCode | undefined> {
    const { isRelayed: isCarried = isRelayed, ledger } = this.#components
    if (await isCarried(connection)) return 'models.never-relayed'
    if (ledger.isBanned(peer)) return 'models.not-seeded'
    return this.#opens.take(peer) ? undefined : 'models.upload-busy'
  }

  async #sendManifest(frames: Frames, { peer, shared, place }: Placed): Promise<void> {
    const bytes = shared.manifestBytes
    const { ledger } = this.#components
    if (ledger.allowance(peer) < bytes.length) return refuse(frames, new InfernetError('models.upload-spent'))
    ledger.gave(peer, bytes.length)
    // Who goes away meanwhile holds no place in the line for what may go out, however long that is.
    const gone = new AbortController()
    frames.onClose(() => gone.abort(new InfernetError('wire.closed')))
    const signal = AbortSignal.any([gone.signal, place.signal])
    for (let offset = 0; offset < bytes.length; offset += DATA_BYTES) {
      const part = bytes.subarray(offset, offset + DATA_BYTES)
      await this.#untilMayGo(part.length, signal)
      const said = { type: 'manifest', total: bytes.length, offset, bytes: part }
      await frames.send(said, { deadlineMs: SEND_DEADLINE_MS, signal })
      place.used()
    }
  }

  #untilMayGo(bytes: number, signal: AbortSignal): Promise<void> {
    const late = (): Error => new InfernetError('models.upload-busy')
    const take = (own: AbortSignal): Promise<void> => this.#cap.take(bytes, { signal: own })
    return withDeadline(this.#components.clock, millis(UPLOAD_IDLE_MS), late, take, { signal })
  }

  async #serve(frames: Frames, { peer, shared, place }: Placed): Promise<void> {
    const { clock, ledger } = this.#components
    const session = new UploadSession(frames, peer, shared, {
      clock,
      ledger,
      cap: this.#cap,
      onInterest: () => this.#review(),
      onGiven: (bytes) => {
        place.used()
        this.#givenBytes += bytes
      },
    })
    place.keepWhile(() => session.isBusy)
    place.signal.addEventListener('abort', () => session.stop(place.signal.reason as InfernetError))
    this.#sessions.add(session)
    this.#review()
    try {
      await session.run()
    } finally {
      this.#sessions.delete(session)
      this.#review()
    }
  }

  /** Gives the slots anew: at each change of who wants something, and from time to time. */
  #review(): void {
    const { clock } = this.#components
    const interested = [...this.#sessions].filter((session) => session.isInterested)
    const served = this.#slots.review(interested, clock.monotonic())
    for (const session of this.#sessions) session.choose(served.has(session))
    this.#timer?.stop()
    this.#timer =
      this.#sessions.size > 0 ? clock.schedule(millis(ROTATE_MS), () => this.#review()) : undefined
    this.changes.emit()
  }

  #endSessions(isOver: (session: UploadSession) => boolean, reason: InfernetError): void {
    for (const session of this.#sessions) if (isOver(session)) session.stop(reason)
  }
}

async function refuse(frames: Frames, thrown: unknown): Promise<void> {
  await frames.send({ type: 'refused', error: errorToMessage(thrown) })
}
