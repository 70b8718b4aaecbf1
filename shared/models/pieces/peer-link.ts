import { fromHex } from '../../base/bytes.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { MIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { FramedStream } from '../../wire/framed-stream.ts'
import { PieceMap } from '../store/piece-map.ts'
import {
  HAVES_RATE,
  MAX_FETCH_PEERS,
  MAX_MISSING_PIECES,
  MAX_PIECES_PER_PEER,
  MAX_REPEATED_HAVES,
  MAX_WANTS_PER_PEER,
  MIN_DATA_BYTES,
  MIN_WANTS_PER_PEER,
  PIECE_DEADLINE_MS,
  PLACE_BYTES_PER_SECOND,
  PLACE_MS,
  SEEDER_READ_MS,
  SEND_DEADLINE_MS,
  STALL_MS,
} from './constants.ts'
import type { FetchHost } from './fetch-host.ts'
import type { SeederMessage, seederMessageSchema } from './messages.ts'
import { SpeedMeter } from './speed-meter.ts'

/** A piece that this peer was asked for. */
interface Incoming {
  readonly length: number
  bytes: Uint8Array<ArrayBuffer> | undefined
  filled: number
  /** When it was asked for; undefined while one's own cap holds it back. */
  askedAt: number | undefined
  /** Ends its wait for one's own cap. */
  readonly leave: AbortController
  /** It takes too long: at the end others are asked for it, whoever they are. */
  isSlow: boolean
  /** It is whole, and being checked. */
  isWhole: boolean
}

/** A slot that comes and goes: once a rotation is the rule. */
const SLOT_CHANGES = { burst: 20, perSecond: 1 } as const
/** A peer without a slot for us says nothing for long. */
const SILENCE_MS = 10 * MINUTE_MS

/** One seeder that a download takes pieces from. */
export class PeerLink {
  readonly peer: PeerName
  readonly #frames: FramedStream<typeof seederMessageSchema>
  readonly #host: FetchHost
  readonly #meter: SpeedMeter
  readonly #slotChanges: TokenBucket
  readonly #news: TokenBucket
  readonly #stopper = new AbortController()
  readonly #incoming = new Map<number, Incoming>()
  #map: PieceMap | undefined
  #hasSlot = false
  #isInterested = true
  #rttMs = 0
  /** Bytes asked for and received in all: who sends more is a flood. */
  #asked = 0
  #received = 0
  #wants = 0
  #refusals = 0
  #missing = 0
  #repeats = 0
  /** When something last came, and since when the piece at the front is waited for. */
  #movedAt = 0
  #frontAt = 0
  /** Since when it is counted what it brings, and what it had brought by then. */
  #span: { readonly from: number; readonly bytes: number }
  #isReplaceable = false
  /** A piece of it took too long, and it has brought none since. */
  #isSlow = false

  constructor(frames: FramedStream<typeof seederMessageSchema>, peer: PeerName, host: FetchHost) {
    this.#frames = frames
    this.peer = peer
    this.#host = host
    this.#meter = new SpeedMeter(host.clock)
    this.#slotChanges = new TokenBucket(host.clock, SLOT_CHANGES)
    this.#news = new TokenBucket(host.clock, HAVES_RATE)
    this.#span = { from: host.clock.monotonic(), bytes: 0 }
  }

  /** True while it may be asked and has something that is missing here. */
  get isServing(): boolean {
    return this.#hasSlot && this.isUseful
  }

  get isUseful(): boolean {
    return this.#map !== undefined && this.#host.picker.hasUse(this.#map)
  }

  /** Brings so little that somebody else may have its place. */
  get isReplaceable(): boolean {
    return this.#isReplaceable
  }

  /** Takes pieces until the peer goes or breaks a rule, or {@link stop}. @throws why it ended */
  async run(model: ModelHash): Promise<never> {
    const { clock, picker } = this.#host
    try {
      const askedAt = clock.monotonic()
      await this.#frames.send({ type: 'open', model: fromHex(model) })
      const opened = await this.#receive()
      if (opened.type === 'refused') throw errorFromPeer(opened.error)
      if (opened.type !== 'opened') throw new InfernetError('wire.unexpected', { got: opened.type })
      this.#rttMs = clock.monotonic() - askedAt
      this.#map = PieceMap.from(opened.map, this.#host.numbers.count)
      if (!this.#map) throw new InfernetError('wire.malformed', { field: 'map' })
      picker.addPeer(this.#map)
      this.fill()
      for (;;) this.#hear(await this.#receive())
    } catch (thrown) {
      this.#frames.abort(thrown)
      throw thrown
    } finally {
      this.#releaseAll()
      if (this.#map) picker.removePeer(this.#map)
      this.#map = undefined
    }
  }

  stop(reason: Error): void {
    this.#stopper.abort(reason)
  }

  /** Asks for as much as the way to it holds. Called whenever something may have become free. */
  fill(): void {
    const { picker } = this.#host
    const map = this.#map
    if (!map || this.#stopper.signal.aborted) return
    this.#tellInterest(picker.hasUse(map))
    if (!this.#hasSlot) return
    const isMine = (piece: number): boolean => this.#incoming.has(piece)
    while (this.#hasRoom) {
      // One that is slow takes no turn from those who might be faster.
      const piece = picker.next(map) ?? (this.#isSlow ? undefined : picker.nextAgain(map, isMine))
      const placed = piece === undefined ? undefined : this.#host.numbers.at(piece)
      if (piece === undefined || !placed) return
      picker.take(piece)
      if (this.#incoming.size === 0) this.#movedAt = this.#frontAt = this.#host.clock.monotonic()
      const incoming = incomingOf(placed.length)
      this.#incoming.set(piece, incoming)
      void this.#ask(piece, incoming)
    }
  }

  /** It came from elsewhere. */
  cancel(piece: number): void {
    const incoming = this.#incoming.get(piece)
    if (!incoming || incoming.isWhole) return
    this.#release(piece)
    this.#send({ type: 'cancel', piece })
    this.fill()
  }

  /** Gives up a peer that has a slot for us and sends nothing. */
  tick(): void {
    const now = this.#host.clock.monotonic()
    const waiting = [...this.#incoming].filter(
      ([, { askedAt, isWhole }]) => askedAt !== undefined && !isWhole,
    )
    if (waiting.length === 0) this.#movedAt = this.#frontAt = now
    for (const [piece, incoming] of waiting) {
      if (incoming.isSlow || now - (incoming.askedAt ?? now) <= STALL_MS) continue
      incoming.isSlow = this.#isSlow = true
      this.#host.picker.slow(piece)
    }
    this.#judgePlace(now, waiting.length)
    if (now - this.#movedAt > STALL_MS || now - this.#frontAt > PIECE_DEADLINE_MS)
      this.stop(new InfernetError('models.seeder-stalled'))
  }

  /** What is being kept counts only at the end: a disk that takes long delays no piece, and one that fails stops all. */
  get #hasRoom(): boolean {
    let travelling = 0
    for (const { isWhole } of this.#incoming.values()) if (!isWhole) travelling++
    return travelling < this.#target && this.#incoming.size < MAX_PIECES_PER_PEER
  }

  /** One piece while another travels, and twice what comes in the time until an answer begins. */
  get #target(): number {
    const held = (2 * this.#meter.bytesPerSecond * (this.#rttMs + SEEDER_READ_MS)) / SECOND_MS / MIB
    return Math.max(MIN_WANTS_PER_PEER, Math.min(MAX_WANTS_PER_PEER, 1 + Math.ceil(held)))
  }

  /** Counted over whole spans: a drop after a pause looks like speed. What one's own cap holds back is not held against it. */
  #judgePlace(now: number, waiting: number): void {
    const own = this.#host.cap.bytesPerSecond ?? Infinity
    const { total } = this.#meter
    const least = (Math.min(PLACE_BYTES_PER_SECOND, own / (2 * MAX_FETCH_PEERS)) * PLACE_MS) / SECOND_MS
    const isHeldBack = own === 0 || (this.#incoming.size > 0 && waiting === 0)
    const isWorth = isHeldBack || total - this.#span.bytes >= least
    if (isWorth) this.#isReplaceable = false
    else if (now - this.#span.from >= PLACE_MS) this.#isReplaceable = true
    if (isHeldBack || now - this.#span.from >= PLACE_MS) this.#span = { from: now, bytes: total }
  }

  #receive(): Promise<SeederMessage> {
    return this.#frames.receive({ signal: this.#stopper.signal, deadlineMs: SILENCE_MS })
  }

  #hear(said: SeederMessage): void {
    switch (said.type) {
      case 'data':
        return this.#take(said)
      case 'have':
        return this.#learn(said.pieces)
      case 'choke':
      case 'unchoke':
        return this.#setSlot(said.type === 'unchoke')
      case 'refused':
        return this.#hearRefusal(said)
      default:
        throw new InfernetError('wire.unexpected', { got: said.type })
    }
  }

  #take({ piece, offset, bytes }: SeederMessage & { type: 'data' }): void {
    this.#received += bytes.length
    const isEnd = offset + bytes.length === this.#host.numbers.at(piece)?.length
    const isCrumb = bytes.length === 0 || (bytes.length < MIN_DATA_BYTES && !isEnd)
    if (this.#received > this.#asked || isCrumb) throw new InfernetError('models.seeder-flood')
    this.#host.received('peer', bytes.length)
    this.#meter.add(bytes.length)
    const incoming = this.#incoming.get(piece)
    // What was cancelled or lost its slot may still be on its way.
    if (!incoming || incoming.isWhole || offset !== incoming.filled)
      return this.#host.cap.settle(bytes.length)
    if (offset + bytes.length > incoming.length) throw new InfernetError('models.seeder-flood')
    incoming.bytes ??= new Uint8Array(incoming.length)
    incoming.bytes.set(bytes, offset)
    incoming.filled += bytes.length
    this.#movedAt = this.#host.clock.monotonic()
    this.#host.ledger.got(this.peer, bytes.length)
    if (incoming.filled < incoming.length) return
    incoming.isWhole = true
    this.#isSlow = false
    this.#frontAt = this.#movedAt
    void this.#complete(piece, incoming.bytes)
  }

  /** Never throws. The place stays taken until the piece is kept, so that a slow disk slows the asking in the end. */
  async #complete(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const outcome = await this.#host.deliver(piece, bytes, { kind: 'peer', name: this.peer })
    this.#release(piece)
    if (outcome === 'wrong') this.stop(new InfernetError('models.wrong-piece', { piece }))
    else this.fill()
  }

  #learn(pieces: readonly number[]): void {
    const { picker, numbers } = this.#host
    if (pieces.length === 0 || !this.#news.take()) throw new InfernetError('models.seeder-flood')
    for (const piece of pieces) {
      if (piece >= numbers.count) throw new InfernetError('wire.malformed', { field: 'pieces' })
      if (this.#map?.has(piece)) {
        if (++this.#repeats > MAX_REPEATED_HAVES) throw new InfernetError('models.seeder-flood')
        continue
      }
      this.#map?.add(piece)
      picker.addCopy(piece)
    }
    this.fill()
  }

  #setSlot(hasSlot: boolean): void {
    if (!this.#slotChanges.take()) throw new InfernetError('models.seeder-flood')
    this.#hasSlot = hasSlot
    if (!hasSlot) this.#releaseAll()
    this.fill()
  }

  #hearRefusal({ piece, error }: SeederMessage & { type: 'refused' }): void {
    if (piece === undefined || error.code === 'models.upload-spent') throw errorFromPeer(error)
    if (++this.#refusals > this.#wants) throw new InfernetError('models.seeder-flood')
    if (++this.#missing >= MAX_MISSING_PIECES) throw new InfernetError('models.lying-seeder')
    const incoming = this.#incoming.get(piece)
    if (!incoming || incoming.isWhole) return
    if (this.#map?.has(piece)) this.#host.picker.removeCopy(piece)
    this.#map?.remove(piece)
    this.#release(piece)
    this.fill()
  }

  async #ask(piece: number, incoming: Incoming): Promise<void> {
    const { signal } = incoming.leave
    const { cap } = this.#host
    const isGranted = await cap.take(incoming.length, { signal }).then(
      () => true,
      () => false,
    )
    if (signal.aborted) return isGranted ? cap.settle(-incoming.length) : undefined
    incoming.askedAt = this.#movedAt = this.#frontAt = this.#host.clock.monotonic()
    this.#asked += incoming.length
    this.#wants++
    this.#send({ type: 'want', piece, offset: 0, length: incoming.length })
  }

  #tellInterest(isInterested: boolean): void {
    if (isInterested === this.#isInterested) return
    this.#isInterested = isInterested
    this.#send({ type: 'interest', wanted: isInterested })
  }

  #send(message: unknown): void {
    const { signal } = this.#stopper
    this.#frames
      .send(message, { signal, deadlineMs: SEND_DEADLINE_MS })
      .catch((thrown: unknown) => this.stop(InfernetError.from(thrown, 'wire.closed')))
  }

  #release(piece: number): void {
    const incoming = this.#incoming.get(piece)
    if (!incoming || !this.#incoming.delete(piece)) return
    const { picker, cap } = this.#host
    picker.release(piece, incoming.isSlow)
    // A seeder that gives and takes its slot must not use up what others may bring.
    if (incoming.askedAt === undefined) incoming.leave.abort(new InfernetError('wire.closed'))
    else cap.settle(incoming.filled - incoming.length)
  }

  /** What is whole is being checked, and goes when it is. */
  #releaseAll(): void {
    for (const [piece, { isWhole }] of this.#incoming) if (!isWhole) this.#release(piece)
  }
}

function incomingOf(length: number): Incoming {
  const leave = new AbortController()
  return { length, bytes: undefined, filled: 0, askedAt: undefined, leave, isSlow: false, isWhole: false }
}
