import { ChangeEmitter } from '../../base/change-emitter.ts'
import type { Clock } from '../../base/clock.ts'
import { MIB, millis, SECOND_MS } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { hashManifest, type Manifest } from '../manifest.ts'
import type { PieceMap } from '../store/piece-map.ts'
import type { PutOutcome } from '../store/piece-store.ts'
import { GIVE_UP_MS, QUIET_MS } from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import type { FetchHost, PieceOrigin } from './fetch-host.ts'
import { FetchTally, type FetchProgress, type OriginState } from './fetch-progress.ts'
import type { FetchComponents, FetchOptions } from './fetch-terms.ts'
import { LinkPool } from './link-pool.ts'
import type { PieceNumbers } from './numbering.ts'
import { OriginReader } from './origin-reader.ts'
import { PiecePicker } from './piece-picker.ts'
import { RateCap } from './rate-cap.ts'

/** How often stalls are looked for, and how often progress is told at most. */
const TICK_MS = SECOND_MS
const TELL_MS = SECOND_MS / 4

export interface FetchPlan {
  readonly manifest: Manifest
  readonly numbers: PieceNumbers
  /** Flat numbers of all pieces that shall be here at the end. */
  readonly wanted: readonly number[]
  readonly held: PieceMap
}

/** One download: what its sources share. */
export class FetchRun implements FetchHost {
  readonly clock: Clock
  readonly numbers: PieceNumbers
  readonly picker: PiecePicker
  readonly ledger: ExchangeLedger
  readonly cap: RateCap
  readonly #components: FetchComponents
  readonly #options: FetchOptions
  readonly #tally: FetchTally
  readonly #origins: readonly OriginReader[]
  readonly #pool: LinkPool | undefined
  readonly #changes = new ChangeEmitter()
  readonly #stopper = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  readonly #puts = new Set<Promise<PutOutcome>>()
  #toldAt = -Infinity
  #told: FetchProgress | undefined
  #hopedAt: number
  /** When a piece last came from anybody. */
  #heardAt: number

  constructor(components: FetchComponents, plan: FetchPlan, options: FetchOptions) {
    const { clock, random, swarm, origins = [] } = components
    const { numbers, wanted, held } = plan
    this.clock = clock
    this.numbers = numbers
    this.picker = new PiecePicker(numbers.count, wanted, held, random)
    this.ledger = components.ledger ?? new ExchangeLedger(clock)
    this.cap = components.cap ?? new RateCap(clock)
    this.#components = components
    this.#options = options
    const lengthOf = (piece: number): number => numbers.at(piece)?.length ?? 0
    const sum = (pieces: readonly number[]): number => pieces.reduce((all, piece) => all + lengthOf(piece), 0)
    this.#tally = new FetchTally(clock, sum(wanted), sum(wanted.filter((piece) => held.has(piece))))
    this.#origins = origins.map(
      (origin) =>
        new OriginReader(origin, this, {
          isTurn: (reader) => this.#isTurn(reader),
          peers: () => ({ peers: this.#tally.peersPerSecond, isServed: this.#pool?.isServing === true }),
          cost: options.originCost,
          untilChange: (signal) => this.#untilChange(signal),
          onFault: (name, error) => this.#noteFault(name, error),
        }),
    )
    this.#pool =
      swarm &&
      new LinkPool(swarm, hashManifest(plan.manifest), this, random, (name, error) =>
        this.#tally.fault({ from: 'peer', name, error }),
      )
    this.#hopedAt = this.#heardAt = clock.monotonic()
  }

  async run(): Promise<FetchProgress> {
    const { signal } = this.#options
    const onAbort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    let timer: { stop(): void } | undefined
    const tick = (): void => {
      timer = this.clock.schedule(millis(TICK_MS), tick)
      this.#tick()
    }
    try {
      if (this.picker.missing > 0) {
        for (const reader of this.#origins) void reader.run(this.#stopper.signal)
        void this.#pool?.run(this.#stopper.signal)
        tick()
        await this.#ended.promise
      }
    } finally {
      timer?.stop()
      signal?.removeEventListener('abort', onAbort)
      this.#stopper.abort(new InfernetError('wire.closed'))
      // Whoever called may delete or open the files next.
      await Promise.allSettled(this.#puts)
      this.#tell(true)
    }
    return this.#told ?? this.#progress
  }

  received(kind: PieceOrigin['kind'], bytes: number): void {
    // Under a cap a piece may take long. Without one, bytes of which no piece becomes are a promise and no more.
    if (this.cap.bytesPerSecond !== undefined) this.#heardAt = this.clock.monotonic()
    this.#tally.received(kind, bytes)
    this.#tell(false)
  }

  async deliver(flat: number, bytes: Uint8Array<ArrayBuffer>, from: PieceOrigin): Promise<PutOutcome> {
    const placed = this.numbers.at(flat)
    if (!placed || !this.picker.isMissing(flat)) return 'kept'
    const put = this.#components.store.put(placed.file, placed.piece, bytes)
    this.#puts.add(put)
    try {
      const outcome = await put
      if (outcome === 'kept') this.#keep(flat, placed.length, from)
      else if (outcome === 'wrong' && from.kind === 'peer') this.ledger.ban(from.name)
      else if (outcome === 'full') this.#fail(new InfernetError('models.store-full', this.#amounts))
      return outcome
    } catch (thrown) {
      this.#fail(thrown)
      return 'full'
    } finally {
      this.#puts.delete(put)
    }
  }

  #keep(flat: number, length: number, from: PieceOrigin): void {
    if (!this.picker.isMissing(flat)) return
    this.picker.keep(flat)
    this.#heardAt = this.clock.monotonic()
    this.#tally.kept(from.kind, length)
    this.#pool?.cancel(flat)
    for (const reader of this.#origins) reader.cancel(flat)
    this.#options.onHeld?.(flat)
    this.#tell(false)
    if (this.picker.missing === 0) return this.#ended.resolve()
    this.#changes.emit()
  }

  #tick(): void {
    this.#pool?.tick()
    this.#changes.emit()
    this.#tell(false)
    this.#judgeHope()
  }

  #judgeHope(): void {
    const now = this.clock.monotonic()
    const isHopeful = this.#origins.some((reader) => !reader.isGone) || this.#pool?.isHopeful === true
    if (isHopeful) this.#hopedAt = now
    const patience = this.#pool ? GIVE_UP_MS : 0
    if (this.cap.bytesPerSecond === 0) this.#heardAt = now // the visitor holds it back
    const isQuiet = now - this.#heardAt >= QUIET_MS
    if (isQuiet || (!isHopeful && now - this.#hopedAt >= patience))
      this.#fail(new InfernetError('models.nobody-left', this.#amounts))
  }

  /** Each origin learns what is fetched, so the next one is asked only when those before it have nothing. */
  #isTurn(reader: OriginReader): boolean {
    return this.#origins.slice(0, this.#origins.indexOf(reader)).every(({ isAway }) => isAway)
  }

  /** The next origin begins at once, and where there is none the download ends. */
  #noteFault(name: string, error: InfernetError): void {
    this.#tally.fault({ from: 'origin', name, error })
    this.#changes.emit()
    this.#judgeHope()
  }

  #untilChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        stop()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const stop = this.#changes.listen(end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  #fail(reason: unknown): void {
    this.#ended.reject(errorOf(reason))
  }

  get #amounts(): { readonly keptMb: number; readonly totalMb: number } {
    const { heldBytes, totalBytes } = this.#progress
    return { keptMb: Math.floor(heldBytes / MIB), totalMb: Math.ceil(totalBytes / MIB) }
  }

  get #progress(): FetchProgress {
    const origin = this.#origins.filter(({ isReading }) => isReading).length
    return this.#tally.progress({ peer: this.#pool?.serving ?? 0, origin }, this.#originState)
  }

  get #originState(): OriginState {
    if (this.#origins.length === 0) return 'none'
    if (this.#origins.some(({ isReading }) => isReading)) return 'reading'
    if (this.#origins.some(({ isResting }) => isResting)) return 'resting'
    const isGone = this.picker.missing > 0 && this.#origins.every((reader) => reader.isGone)
    return isGone ? 'gone' : 'waiting'
  }

  #tell(isLast: boolean): void {
    const now = this.clock.monotonic()
    if (!isLast && now - this.#toldAt < TELL_MS) return
    this.#toldAt = now
    this.#told = this.#progress
    this.#options.onProgress?.(this.#told)
  }
}

/** A signal's reason may be anything; what is thrown is an error. */
function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('aborted', 'AbortError')
}
