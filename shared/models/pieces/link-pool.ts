import type { ModelHash, PeerName } from '../../base/ids.ts'
import { LazyTimers } from '../../base/lazy-timers.ts'
import type { Random } from '../../base/random.ts'
import { millis } from '../../base/units.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { sleep, withDeadline } from '../../base/wait.ts'
import type { ErrorCode } from '../../errors/code-table.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import {
  BUSY_MS,
  DIAL_RATE,
  FIND_ALONE_MS,
  FIND_FIRST_MS,
  FIND_MS,
  MAX_FETCH_PEERS,
  MAX_UNREAD_BYTES,
  OPEN_DEADLINE_MS,
  SHUN_MS,
} from './constants.ts'
import type { FetchHost } from './fetch-host.ts'
import { seederMessageSchema } from './messages.ts'
import { PeerLink } from './peer-link.ts'
import { pickIndex } from './pick-index.ts'
import type { Seeder, Swarm } from './swarm.ts'

/** Ends that say something against a peer: told, and the peer is left alone for a while. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'models.wrong-piece',
  'models.lying-seeder',
  'models.seeder-stalled',
  'models.seeder-flood',
  'wire.malformed',
  'wire.unexpected',
  'wire.too-large',
])
/** Ends after which a peer is looked for again at once: its stream was closed. */
const HARMLESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['wire.closed', 'wire.timeout'])

/** The seeders of one download: found, kept, and replaced. */
export class LinkPool {
  readonly #swarm: Swarm
  readonly #model: ModelHash
  readonly #host: FetchHost
  readonly #random: Random
  readonly #onFault: (peer: PeerName, error: InfernetError) => void
  /** A deadline for each frame. */
  readonly #timers: LazyTimers
  readonly #links = new Map<PeerName, PeerLink | undefined>()
  readonly #shunnedUntil = new Map<PeerName, number>()
  readonly #dials: TokenBucket
  /** Until then somebody who had no place for us may have one. */
  #busyUntil = -Infinity

  constructor(
    swarm: Swarm,
    model: ModelHash,
    host: FetchHost,
    random: Random,
    onFault: (peer: PeerName, error: InfernetError) => void,
  ) {
    this.#swarm = swarm
    this.#model = model
    this.#host = host
    this.#timers = new LazyTimers(host.clock)
    this.#random = random
    this.#onFault = onFault
    this.#dials = new TokenBucket(host.clock, DIAL_RATE)
  }

  /** How many serve us now. */
  get serving(): number {
    return this.#open.filter(({ isServing }) => isServing).length
  }

  get isServing(): boolean {
    return this.#open.some(({ isServing }) => isServing)
  }

  /** Somebody has what is missing, or may turn out to have it. */
  get isHopeful(): boolean {
    if (this.#host.clock.monotonic() < this.#busyUntil) return true
    return [...this.#links.values()].some((link) => link === undefined || link.isUseful)
  }

  /** Looks for seeders until `signal`. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIND_FIRST_MS; !signal.aborted; pauseMs *= 2) {
      if (this.#hasPlace) await this.#find(signal)
      const waitMs = Math.min(pauseMs, this.#links.size > 0 ? FIND_MS : FIND_ALONE_MS)
      await sleep(this.#host.clock, millis(waitMs), { signal }).catch(() => undefined)
    }
  }

  cancel(piece: number): void {
    for (const link of this.#open) link.cancel(piece)
    for (const link of this.#open) link.fill()
  }

  tick(): void {
    for (const link of this.#open) link.tick()
    for (const link of this.#open) link.fill()
  }

  /** One that is free, or that somebody has who brings next to nothing. */
  get #hasPlace(): boolean {
    return this.#links.size < MAX_FETCH_PEERS || this.#open.some(({ isReplaceable }) => isReplaceable)
  }

  get #open(): readonly PeerLink[] {
    return [...this.#links.values()].filter((link) => link !== undefined)
  }

  async #find(signal: AbortSignal): Promise<void> {
    const { clock, ledger } = this.#host
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPEN_DEADLINE_MS })
    const find = (own: AbortSignal): Promise<readonly Seeder[]> =>
      this.#swarm.find(this.#model, { signal: own })
    const found = await withDeadline(clock, millis(OPEN_DEADLINE_MS), late, find, { signal }).catch(() => [])
    if (signal.aborted) return
    const now = clock.monotonic()
    const isNew = ({ name }: Seeder): boolean =>
      !this.#links.has(name) && !ledger.isBanned(name) && (this.#shunnedUntil.get(name) ?? 0) <= now
    const left = found.filter(isNew)
    while (left.length > 0 && this.#hasPlace && this.#dials.take()) {
      const [seeder] = left.splice(pickIndex(this.#random, left.length), 1)
      if (!seeder || this.#links.has(seeder.name)) continue
      if (this.#links.size >= MAX_FETCH_PEERS) this.#replaceOne()
      void this.#keep(seeder, signal)
    }
  }

  /** It did nothing wrong, and may have its turn again. */
  #replaceOne(): void {
    const link = this.#open.find(({ isReplaceable }) => isReplaceable)
    if (!link) return
    this.#links.delete(link.peer)
    this.#shun(link.peer, SHUN_MS)
    link.stop(new InfernetError('wire.closed'))
  }

  /** One seeder, from the dial to its end. Never throws. */
  async #keep(seeder: Seeder, signal: AbortSignal): Promise<void> {
    const { clock } = this.#host
    const late = (): Error => new InfernetError('mesh.unreachable')
    this.#links.set(seeder.name, undefined)
    let link: PeerLink | undefined
    const onAbort = (): void => link?.stop(new InfernetError('wire.closed'))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const open = (own: AbortSignal): ReturnType<Seeder['open']> => seeder.open({ signal: own })
      const stream = await withDeadline(clock, millis(OPEN_DEADLINE_MS), late, open, { signal })
      const frames = new FramedStream(stream, seederMessageSchema, this.#timers, {
        maxUnreadBytes: MAX_UNREAD_BYTES,
      })
      link = new PeerLink(frames, seeder.name, this.#host)
      if (signal.aborted) link.stop(new InfernetError('wire.closed'))
      this.#links.set(seeder.name, link)
      await link.run(this.#model)
    } catch (thrown) {
      if (!signal.aborted) this.#judge(seeder.name, InfernetError.from(thrown, 'mesh.unreachable'))
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (this.#links.get(seeder.name) === link) this.#links.delete(seeder.name)
      // What it was asked for is free again.
      if (!signal.aborted) for (const other of this.#open) other.fill()
    }
  }

  #judge(peer: PeerName, error: InfernetError): void {
    if (FAULTS.has(error.code)) this.#onFault(peer, error)
    if (HARMLESS.has(error.code)) return
    const isBusy = error.code === 'models.upload-busy'
    this.#shun(peer, isBusy ? BUSY_MS : SHUN_MS)
    if (isBusy) this.#busyUntil = this.#host.clock.monotonic() + 2 * BUSY_MS
  }

  #shun(peer: PeerName, forMs: number): void {
    this.#shunnedUntil.delete(peer)
    this.#shunnedUntil.set(peer, this.#host.clock.monotonic() + forMs)
    const eldest = this.#shunnedUntil.keys().next().value
    if (this.#shunnedUntil.size > 16 * MAX_FETCH_PEERS && eldest) this.#shunnedUntil.delete(eldest)
  }
}
