import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { millis } from '../../base/units.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import type { FramedStream } from '../../wire/framed-stream.ts'
import {
  DATA_BYTES,
  HAVE_DELAY_MS,
  IDLE_MESSAGES,
  INTEREST_RATE,
  MAX_HAVES,
  MAX_WAITING_WANTS,
  ODD_WANTS,
  ROTATE_MS,
  SEND_DEADLINE_MS,
  UPLOAD_IDLE_MS,
} from './constants.ts'
import type { ExchangeLedger } from './exchange-ledger.ts'
import type { FetcherMessage, fetcherMessageSchema } from './messages.ts'
import type { RateCap } from './rate-cap.ts'
import type { SharedModel } from './shared-model.ts'
import type { SlotCandidate } from './upload-slots.ts'

type Frames = FramedStream<typeof fetcherMessageSchema>
type Want = FetcherMessage & { type: 'want' }

/** Messages that may wait to be sent to a peer that does not read. */
const MAX_WAITING_MESSAGES = 64

export interface UploadSessionComponents {
  readonly clock: Clock
  readonly ledger: ExchangeLedger
  readonly cap: RateCap
  /** Called when whether it wants something changed: slots are given anew. */
  readonly onInterest: () => void
  readonly onGiven: (bytes: number) => void
}

/** One peer that fetches one model from here. Everything is written by one loop, so a piece's frames stay in order. */
export class UploadSession implements SlotCandidate {
  readonly peer: PeerName
  readonly shared: SharedModel
  readonly #frames: Frames
  readonly #components: UploadSessionComponents
  readonly #messages: unknown[] = []
  readonly #haves = new Set<number>()
  #wants: Want[] = []
  /** The want that is being sent; undefined once it is cancelled. */
  #current: Want | undefined
  /** The want after it, whose bytes are read while it is sent. */
  #ahead: { readonly want: Want; readonly bytes: Promise<Uint8Array | undefined> } | undefined
  #wake: (() => void) | undefined
  #haveTimer: { stop(): void } | undefined
  #areHavesDue = false
  #isInterested = true
  /** Whether it shall have a slot, and whether it was told so. */
  #isChosen = false
  #isTold = false
  #usedAt: number
  #givenHere = 0
  readonly #changes: TokenBucket
  readonly #oddWants: TokenBucket
  readonly #idleMessages: TokenBucket
  readonly #stopper = new AbortController()

  constructor(frames: Frames, peer: PeerName, shared: SharedModel, components: UploadSessionComponents) {
    this.#frames = frames
    this.peer = peer
    this.shared = shared
    this.#components = components
    this.#usedAt = components.clock.monotonic()
    this.#changes = new TokenBucket(components.clock, INTEREST_RATE)
    this.#oddWants = new TokenBucket(components.clock, ODD_WANTS)
    this.#idleMessages = new TokenBucket(components.clock, IDLE_MESSAGES)
  }

  get isInterested(): boolean {
    return this.#isInterested
  }

  get isServed(): boolean {
    return this.#isTold
  }

  get given(): number {
    return this.#components.ledger.given(this.peer)
  }

  /** On this stream. */
  get givenHere(): number {
    return this.#givenHere
  }

  get gotLately(): number {
    return this.#components.ledger.recentlyGot(this.peer)
  }

  /** Something that it asked for is being sent. */
  get isBusy(): boolean {
    return this.#wants.length > 0 || this.#current !== undefined
  }

  get isIdle(): boolean {
    return this.#isTold && !this.isBusy && this.#components.clock.monotonic() - this.#usedAt > ROTATE_MS
  }

  choose(isChosen: boolean): void {
    this.#isChosen = isChosen
    this.#wake?.()
  }

  /** A piece came here. Told with others, a moment later. */
  tellHave(piece: number): void {
    this.#haves.add(piece)
    this.#haveTimer ??= this.#components.clock.schedule(millis(HAVE_DELAY_MS), () => {
      this.#haveTimer = undefined
      this.#areHavesDue = true
      this.#wake?.()
    })
  }

  /** Until the peer goes, breaks a rule, or {@link stop}. @throws why it ended, unless the peer closed */
  async run(): Promise<void> {
    const { signal } = this.#stopper
    this.#messages.push({ type: 'opened', map: this.shared.map.toBytes() })
    try {
      await Promise.race([this.#read(signal), this.#write(signal)])
    } finally {
      this.stop()
    }
  }

  stop(reason = new InfernetError('wire.closed')): void {
    this.#haveTimer?.stop()
    this.#stopper.abort(reason)
    this.#wake?.()
  }

  async #read(signal: AbortSignal): Promise<void> {
    for (;;) {
      const received = await this.#next(signal)
      if (!received) return
      if (received.type === 'want') this.#take(received)
      else if (received.type === 'cancel') this.#cancel(received.piece)
      else if (received.type === 'interest') this.#setInterest(received.wanted)
      else throw new InfernetError('wire.unexpected', { got: received.type })
      if (this.#messages.length > MAX_WAITING_MESSAGES) throw new InfernetError('stream.slow-reader')
    }
  }

  /** Undefined when the peer closed, or was idle for long. */
  async #next(signal: AbortSignal): Promise<FetcherMessage | undefined> {
    try {
      return await this.#frames.receive({ signal, deadlineMs: UPLOAD_IDLE_MS })
    } catch (thrown) {
      signal.throwIfAborted()
      if (hasCode(thrown, 'wire.closed') || hasCode(thrown, 'wire.timeout')) return undefined
      throw thrown
    }
  }

  #take(want: Want): void {
    // Asked before it heard that it lost its slot: it knows by then that this is forgotten.
    if (!this.#isTold) return this.#countIdle()
    this.#usedAt = this.#components.clock.monotonic()
    if (this.#wants.length >= MAX_WAITING_WANTS)
      throw new InfernetError('models.too-many-wants', { limit: MAX_WAITING_WANTS })
    const { map, numbers } = this.shared
    const isOdd = !map.has(want.piece) || want.length !== numbers.at(want.piece)?.length
    if (isOdd && !this.#oddWants.take())
      throw new InfernetError('models.too-many-wants', { limit: ODD_WANTS.burst })
    this.#wants.push(want)
    this.#wake?.()
  }

  #countIdle(): void {
    if (!this.#idleMessages.take()) throw new InfernetError('stream.flooded')
  }

  #cancel(piece: number): void {
    const isWanted = this.#current?.piece === piece || this.#wants.some((want) => want.piece === piece)
    if (!isWanted) this.#countIdle()
    this.#wants = this.#wants.filter((want) => want.piece !== piece)
    if (this.#current?.piece === piece) this.#current = undefined
  }

  #setInterest(isInterested: boolean): void {
    if (this.#isInterested === isInterested) return this.#countIdle()
    this.#isInterested = isInterested
    // Beyond its rate it is heard at the next turn.
    if (this.#changes.take()) this.#components.onInterest()
  }

  async #write(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const said = this.#nextMessage()
      if (said) await this.#send(said, signal)
      else if (this.#isTold && this.#wants.length > 0) await this.#serve(signal)
      else await this.#pause()
    }
  }

  #nextMessage(): unknown {
    if (this.#messages.length > 0) return this.#messages.shift()
    if (this.#isChosen !== this.#isTold) {
      this.#isTold = this.#isChosen
      this.#wants = []
      this.#ahead = undefined
      this.#usedAt = this.#components.clock.monotonic()
      return { type: this.#isTold ? 'unchoke' : 'choke' }
    }
    if (!this.#areHavesDue) return undefined
    const pieces = [...this.#haves].slice(0, MAX_HAVES)
    for (const piece of pieces) this.#haves.delete(piece)
    this.#areHavesDue = this.#haves.size > 0
    return pieces.length > 0 ? { type: 'have', pieces } : undefined
  }

  /** One want, whole: a slot that is lost meanwhile is lost after it. */
  async #serve(signal: AbortSignal): Promise<void> {
    const { ledger, cap, onGiven } = this.#components
    const want = this.#wants.shift()
    if (!want) return
    this.#current = want
    if (ledger.allowance(this.peer) < want.length)
      return this.#refuse(want.piece, new InfernetError('models.upload-spent'))
    const bytes = await this.#bytesOf(want)
    if (!bytes)
      return this.#refuse(want.piece, new InfernetError('models.piece-missing', { piece: want.piece }))
    for (let at = 0; at < bytes.length && this.#current === want; at += DATA_BYTES) {
      const part = bytes.subarray(at, at + DATA_BYTES)
      await cap.take(part.length, { signal })
      if (this.#current !== want) break
      this.#readAhead()
      await this.#send({ type: 'data', piece: want.piece, offset: want.offset + at, bytes: part }, signal)
      ledger.gave(this.peer, part.length)
      this.#givenHere += part.length
      this.#usedAt = this.#components.clock.monotonic()
      onGiven(part.length)
    }
    this.#current = undefined
  }

  /** One want alone: what a slot holds in memory are two pieces. */
  #readAhead(): void {
    const [want] = this.#wants
    if (!want || this.#ahead?.want === want) return
    const bytes = this.shared.read(want)
    bytes.catch(() => undefined) // whoever takes it hears of it; a want that was cancelled is nobody's
    this.#ahead = { want, bytes }
  }

  #bytesOf(want: Want): Promise<Uint8Array | undefined> {
    const ahead = this.#ahead
    if (ahead?.want !== want) return this.shared.read(want)
    this.#ahead = undefined
    return ahead.bytes
  }

  #refuse(piece: number, error: InfernetError): void {
    this.#current = undefined
    this.#messages.push({ type: 'refused', piece, error: errorToMessage(error) })
  }

  #send(said: unknown, signal: AbortSignal): Promise<void> {
    return this.#frames.send(said, { signal, deadlineMs: SEND_DEADLINE_MS })
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
    this.#wake = undefined
  }
}
