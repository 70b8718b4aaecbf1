import { millis, SECOND_MS } from '../../base/units.ts'
import { raceSignal, sleep, withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { ByteSource } from '../byte-source.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { PieceMap } from '../store/piece-map.ts'
import {
  MAX_ORIGIN_FAILURES,
  MAX_ORIGIN_WRONG,
  ORIGIN_RETRY_MS,
  ORIGIN_STALL_MS,
  PIECE_DEADLINE_MS,
} from './constants.ts'
import type { FetchHost } from './fetch-host.ts'
import { SpeedMeter } from './speed-meter.ts'

/** An origin that a model's files can be had from. */
export interface FetchOrigin {
  /** For the page, e.g. its host's name. */
  readonly name: string
  readonly source: ByteSource
}

export interface OriginReaderInit {
  /** Whether it may be read now: peers may be fast enough. Asked again at each piece. */
  readonly mayRead: (reader: OriginReader) => boolean
  /** Resolves when that may have changed, or something became free. */
  readonly untilChange: (signal: AbortSignal) => Promise<void>
  readonly onFault: (name: string, error: InfernetError) => void
}

interface Trouble {
  failures: number
  retryAt: number
}

/**
 * Reads an origin as one more peer: in order, from the beginning of the longest run of pieces that nobody fetches, until
 * it meets one that somebody else has taken.
 */
export class OriginReader {
  readonly origin: FetchOrigin
  readonly #host: FetchHost
  readonly #init: OriginReaderInit
  readonly #meter: SpeedMeter
  readonly #troubles = new Map<string, Trouble>()
  readonly #everything: PieceMap
  #wrong = 0
  #run: { piece: number | undefined; readonly stopper: AbortController } | undefined
  #knownSpeed: number | undefined

  constructor(origin: FetchOrigin, host: FetchHost, init: OriginReaderInit) {
    this.origin = origin
    this.#host = host
    this.#init = init
    this.#meter = new SpeedMeter(host.clock)
    this.#everything = new PieceMap(host.numbers.count)
    for (let piece = 0; piece < host.numbers.count; piece++) this.#everything.add(piece)
  }

  /** What it brought when it was last read; undefined before. */
  get bytesPerSecond(): number | undefined {
    if (this.#run && this.#meter.total > PIECE_BYTES) this.#knownSpeed = this.#meter.bytesPerSecond
    return this.#knownSpeed
  }

  get isReading(): boolean {
    return this.#run !== undefined
  }

  /** Serves something else, for good. */
  get isOut(): boolean {
    return this.#wrong >= MAX_ORIGIN_WRONG
  }

  /** Nothing that is missing can be had here now. */
  get isGone(): boolean {
    return this.isOut || (!this.isReading && this.#bounds(true).length === 0)
  }

  /** Reads until `signal`. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.isOut) {
      const start = this.#init.mayRead(this) ? this.#nextStart() : undefined
      if (start === undefined) await this.#init.untilChange(signal).catch(() => undefined)
      else await this.#readFrom(start, signal)
    }
  }

  /** A piece came from elsewhere. */
  cancel(piece: number): void {
    if (this.#run?.piece === piece) this.#run.stopper.abort(new InfernetError('wire.closed'))
  }

  #nextStart(): number | undefined {
    const { picker } = this.#host
    const bounds = this.#bounds(false)
    const run = picker.longestRun(bounds)
    if (run) return run.start
    const piece = picker.nextAgain(this.#everything, () => false)
    return bounds.some(([start, end]) => piece !== undefined && piece >= start && piece < end)
      ? piece
      : undefined
  }

  /** The flat numbers of files that may be asked for here; with `onlyMissing` of those that are not whole. */
  #bounds(onlyMissing: boolean): (readonly [number, number])[] {
    const { numbers, picker, clock } = this.#host
    const bounds: (readonly [number, number])[] = []
    for (const [index, { path, pieces }] of numbers.files.entries()) {
      const { failures = 0, retryAt = 0 } = this.#troubles.get(path) ?? {}
      const isWaiting = retryAt > clock.monotonic()
      // One that failed seldom is about to be tried again; with many failures it counts as gone meanwhile.
      if (isWaiting && (!onlyMissing || failures >= MAX_ORIGIN_FAILURES)) continue
      const start = numbers.startOf(index)
      const end = start + pieces.length
      let isMissing = !onlyMissing
      for (let piece = start; piece < end && !isMissing; piece++) isMissing = picker.isMissing(piece)
      if (isMissing) bounds.push([start, end])
    }
    return bounds
  }

  async #readFrom(start: number, outer: AbortSignal): Promise<void> {
    const placed = this.#host.numbers.at(start)
    if (!placed) return
    const { path } = placed.file
    const stopper = new AbortController()
    const signal = AbortSignal.any([outer, stopper.signal])
    this.#run = { piece: start, stopper }
    this.#host.picker.take(start)
    try {
      await this.#readRun(start, signal)
    } catch (thrown) {
      if (!signal.aborted) await this.#fail(path, thrown, outer)
    } finally {
      void this.bytesPerSecond
      if (this.#run.piece !== undefined) this.#host.picker.release(this.#run.piece)
      this.#run = undefined
      stopper.abort(new InfernetError('wire.closed'))
    }
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
      this.origin.source.open(file.path, { offset: piece * PIECE_BYTES, signal }),
    )
    const body = opened.body[Symbol.asyncIterator]()
    const first = start - piece
    const assembly = new Assembly(opened.offset)
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
        this.#meter.add(next.value.length)
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
      if (outcome === 'wrong') this.#blame(path)
      if (outcome === 'kept') this.#troubles.delete(path)
    }
    if (flat < start) return true
    const next = flat + 1
    const isSameFile = numbers.at(next)?.file.path === path
    if (signal.aborted || !isSameFile || !picker.isFree(next) || !this.#init.mayRead(this)) return false
    picker.take(next)
    run.piece = next
    return true
  }

  #blame(path: string): never {
    this.#wrong++
    throw new InfernetError('models.origin-differs', { path })
  }

  async #fail(path: string, thrown: unknown, signal: AbortSignal): Promise<void> {
    const { clock } = this.#host
    const error = InfernetError.from(thrown, 'models.unavailable', { path, status: 'no answer' })
    const failures = (this.#troubles.get(path)?.failures ?? 0) + 1
    const waitMs = failures >= MAX_ORIGIN_FAILURES ? ORIGIN_RETRY_MS : (SECOND_MS / 2) * 2 ** (failures - 1)
    this.#troubles.set(path, { failures, retryAt: clock.monotonic() + waitMs })
    this.#init.onFault(this.origin.name, error)
    if (failures < MAX_ORIGIN_FAILURES)
      await raceSignal(sleep(clock, millis(waitMs), { signal }), signal).catch(() => undefined)
  }
}

/** Cuts what comes in order from an offset into whole pieces; what comes before a piece's border is left out. */
class Assembly {
  /** Where the bytes that came end. */
  end: number
  #bytes: Uint8Array<ArrayBuffer> | undefined

  constructor(offset: number) {
    this.end = offset
  }

  /** The pieces that are whole with it. What lies beyond the file's end is dropped. */
  *add(
    chunk: Uint8Array,
    size: number,
  ): Generator<{ readonly piece: number; readonly bytes: Uint8Array<ArrayBuffer> }, void, void> {
    let rest = chunk.subarray(0, Math.max(0, size - this.end))
    while (rest.length > 0) {
      const piece = Math.floor(this.end / PIECE_BYTES)
      const from = piece * PIECE_BYTES
      const length = Math.min(PIECE_BYTES, size - from)
      if (this.end === from) this.#bytes = new Uint8Array(length)
      const part = rest.subarray(0, from + length - this.end)
      this.#bytes?.set(part, this.end - from)
      this.end += part.length
      rest = rest.subarray(part.length)
      if (this.end < from + length || !this.#bytes) continue
      const bytes = this.#bytes
      this.#bytes = undefined
      yield { piece, bytes }
    }
  }
}
