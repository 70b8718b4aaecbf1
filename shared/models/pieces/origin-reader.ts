import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { ByteSource } from '../byte-source.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { PieceMap } from '../store/piece-map.ts'
import { MAX_ORIGIN_WRONG, ORIGIN_STALL_MS, PIECE_DEADLINE_MS } from './constants.ts'
import type { FetchHost } from './fetch-host.ts'
import { InOrder } from './in-order.ts'
import { OriginPrice, type OriginPart, type OriginSpeeds } from './origin-price.ts'
import { OriginSpeed } from './origin-speed.ts'
import { OriginTroubles, type TroubleView } from './origin-troubles.ts'

/** An origin that a model's files can be had from. */
export interface FetchOrigin {
  /** For the page, e.g. its host's name. */
  readonly name: string
  readonly source: ByteSource
}

export interface OriginReaderInit {
  /** Whether those before it have nothing now. Asked again at each piece. */
  readonly isTurn: (reader: OriginReader) => boolean
  readonly peers: () => Omit<OriginSpeeds, 'origin'>
  /** See `OriginPrice`. */
  readonly cost: number | undefined
  /** Resolves when one of these may have changed, or something became free. */
  readonly untilChange: (signal: AbortSignal) => Promise<void>
  readonly onFault: (name: string, error: InfernetError) => void
}

/**
 * Reads an origin as one more peer: in order, from the beginning of the longest run of pieces that nobody fetches, until
 * it meets one that somebody else has taken.
 */
export class OriginReader {
  readonly origin: FetchOrigin
  readonly #host: FetchHost
  readonly #init: OriginReaderInit
  readonly #speed: OriginSpeed
  readonly #price: OriginPrice
  readonly #troubles: OriginTroubles
  readonly #everything: PieceMap
  #run: { piece: number | undefined; readonly stopper: AbortController } | undefined

  constructor(origin: FetchOrigin, host: FetchHost, init: OriginReaderInit) {
    this.origin = origin
    this.#host = host
    this.#init = init
    this.#speed = new OriginSpeed(host.clock)
    this.#price = new OriginPrice(init.cost)
    this.#troubles = new OriginTroubles(host.clock)
    this.#everything = new PieceMap(host.numbers.count)
    for (let piece = 0; piece < host.numbers.count; piece++) this.#everything.add(piece)
  }

  get isReading(): boolean {
    return this.#run !== undefined
  }

  /** Peers are so fast that it is spared. */
  get isResting(): boolean {
    return !this.isReading && this.#price.isResting
  }

  /** Serves something else, for good. */
  get isOut(): boolean {
    return this.#troubles.wrongFiles >= MAX_ORIGIN_WRONG
  }

  /** Nothing that is missing can be had here now: another one may be read meanwhile. */
  get isAway(): boolean {
    return this.#lacks('away')
  }

  /** Nothing that is missing can be had here, nor soon. */
  get isGone(): boolean {
    return this.#lacks('gone')
  }

  /** Reads until `signal`. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.isOut) {
      const start = this.#nextStart()
      if (start === undefined) await this.#init.untilChange(signal).catch(() => undefined)
      else await this.#readFrom(start, signal)
    }
  }

  /** A piece came from elsewhere. */
  cancel(piece: number): void {
    if (this.#run?.piece === piece) this.#run.stopper.abort(new InfernetError('wire.closed'))
  }

  #lacks(view: TroubleView): boolean {
    if (this.isOut) return true
    if (this.isReading) return false
    const { numbers, picker } = this.#host
    return !numbers.files.some(({ path, pieces }, index) => {
      const start = numbers.startOf(index)
      return !this.#troubles.bars(path, view) && pieces.some((_, piece) => picker.isMissing(start + piece))
    })
  }

  /** What may be read of it now. */
  get #part(): OriginPart | undefined {
    if (!this.#init.isTurn(this)) return undefined
    return this.#price.judge({ origin: this.#speed.bytesPerSecond, ...this.#init.peers() })
  }

  #mayRead(piece: number, part = this.#part): boolean {
    const { picker } = this.#host
    return part === 'all' ? picker.isFree(piece) : part === 'lacking' && picker.isLacking(piece)
  }

  #nextStart(): number | undefined {
    const { picker, numbers } = this.#host
    const part = this.#part
    if (!part) return undefined
    const bounds = numbers.files.flatMap(({ path, pieces }, index) => {
      const start = numbers.startOf(index)
      return this.#troubles.bars(path, 'now') ? [] : [[start, start + pieces.length] as const]
    })
    const run = picker.longestRun(bounds, (piece) => this.#mayRead(piece, part))
    if (run || part === 'lacking') return run?.start
    const piece = picker.nextAgain(this.#everything, () => false)
    return bounds.some(([start, end]) => piece !== undefined && piece >= start && piece < end)
      ? piece
      : undefined
  }

  async #readFrom(start: number, outer: AbortSignal): Promise<void> {
    const placed = this.#host.numbers.at(start)
    if (!placed) return
    const { picker } = this.#host
    const { path } = placed.file
    const stopper = new AbortController()
    const signal = AbortSignal.any([outer, stopper.signal])
    this.#run = { piece: start, stopper }
    picker.take(start)
    picker.readAhead(start + 1)
    let failure: InfernetError | undefined
    try {
      await this.#readRun(start, signal)
    } catch (thrown) {
      if (!signal.aborted)
        failure = InfernetError.from(thrown, 'models.unavailable', { path, status: 'no answer' })
    } finally {
      this.#speed.pause()
      picker.readAhead(undefined)
      if (this.#run.piece !== undefined) picker.release(this.#run.piece)
      this.#run = undefined
      stopper.abort(new InfernetError('wire.closed'))
    }
    if (!failure) return
    this.#troubles.note(path, failure)
    this.#init.onFault(this.origin.name, failure)
  }

  /** Reads piece after piece. What is skipped before `start` may be wanted too, where a source cannot skip. */
  async #readRun(start: number, signal: AbortSignal): Promise<void> {
    const { numbers, clock } = this.#host
    const placed = numbers.at(start)
    if (!placed) return
    const { file, piece } = placed
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: ORIGIN_STALL_MS })
    const soon = <T>(task: (own: AbortSignal) => Promise<T>): Promise<T> =>
      withDeadline(clock, millis(ORIGIN_STALL_MS), late, task, { signal })
    const opened = await soon(() =>
      this.origin.source.open(file.path, { offset: piece * PIECE_BYTES, maxWaitMs: 0, signal }),
    )
    const body = opened.body[Symbol.asyncIterator]()
    const first = start - piece
    const assembly = new InOrder(opened.offset)
    let waitedMs = 0
    try {
      for (;;) {
        const askedAt = clock.monotonic()
        const next = await soon(() => body.next())
        if (next.done) break
        // Time that one's own cap takes is not the origin's.
        waitedMs += clock.monotonic() - askedAt
        if (waitedMs > PIECE_DEADLINE_MS)
          throw new InfernetError('wire.timeout', { limitMs: PIECE_DEADLINE_MS })
        await this.#host.cap.take(next.value.length, { signal })
        this.#host.received('origin', next.value.length)
        this.#speed.add(next.value.length)
        for (const whole of assembly.add(next.value, file.size)) {
          const isOn = await this.#keep(first + whole.piece, whole.bytes, start, signal)
          if (!isOn) return
          waitedMs = 0
        }
      }
    } finally {
      // Not waited for: a body that hangs is the signal's to end.
      void body.return?.().then(undefined, () => undefined)
    }
    if (assembly.end < file.size)
      throw new InfernetError('models.truncated', {
        path: file.path,
        got: assembly.end,
        expected: file.size,
      })
  }

  /** False when nothing more is to be read here. */
  async #keep(
    flat: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { picker, numbers } = this.#host
    const run = this.#run
    if (!run) return false
    const isAsked = flat === run.piece
    const path = numbers.at(flat)?.file.path ?? ''
    if (isAsked || (flat < start && picker.isFree(flat))) {
      if (isAsked) run.piece = undefined // from here on it is not cancelled
      const outcome = await this.#host.deliver(flat, bytes, { kind: 'origin', name: this.origin.name })
      if (isAsked) picker.release(flat)
      if (outcome === 'wrong') throw new InfernetError('models.origin-differs', { path })
      if (outcome === 'kept') this.#troubles.forget(path)
    }
    if (flat < start) return true
    const next = flat + 1
    const isSameFile = numbers.at(next)?.file.path === path
    if (signal.aborted || !isSameFile || !this.#mayRead(next)) return false
    picker.take(next)
    picker.readAhead(next + 1)
    run.piece = next
    return true
  }
}
