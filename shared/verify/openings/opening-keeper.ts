import { equalBytes, toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { CHUNK_TOKENS } from '../../stream/constants.ts'
import type { CommittedJob, SketchKeeper } from '../../stream/sketch-keeper.ts'
import { openSketches, type SketchOpening } from '../../stream/sketch-tree.ts'
import { KEEP_OPENINGS_MS, MAX_KEPT_BYTES, MAX_KEPT_JOBS } from './constants.ts'
import { keptSum } from './kept-sum.ts'
import { openingKey } from './opening-key.ts'
import type { KeptJob, OpeningStore } from './opening-store.ts'

export interface OpeningKeeperComponents {
  readonly clock: Clock
  readonly random: Random
  /** Where jobs outlast a reload. @default they are kept as long as this object */
  readonly store?: OpeningStore | undefined
}

export interface OpeningKeeperInit {
  /** @default MAX_KEPT_JOBS */
  readonly maxJobs?: number | undefined
  /** Of all sketches. @default MAX_KEPT_BYTES */
  readonly maxBytes?: number | undefined
}

/** Which sketches are asked for, and by what right. */
export interface AskedOpenings {
  /** The link that the job's chain begins with. */
  readonly link: Uint8Array
  readonly key: Uint8Array
  /** In rising order. */
  readonly positions: readonly number[]
}

/**
 * Keeps what this provider committed to, for a day or as long as there is room: whoever has a question can then have the
 * sketches of its answer opened.
 */
export class OpeningKeeper implements SketchKeeper {
  readonly #components: OpeningKeeperComponents
  readonly #maxJobs: number
  readonly #maxBytes: number
  /** By link, the eldest first. */
  #jobs = new Map<string, KeptJob>()
  #bytes = 0
  readonly #loaded: Promise<void>

  constructor(
    components: OpeningKeeperComponents,
    { maxJobs = MAX_KEPT_JOBS, maxBytes = MAX_KEPT_BYTES }: OpeningKeeperInit = {},
  ) {
    this.#components = components
    this.#maxJobs = maxJobs
    this.#maxBytes = maxBytes
    this.#loaded = this.#load()
  }

  /** Jobs that are kept now. */
  get size(): number {
    return this.#jobs.size
  }

  secret(): Uint8Array {
    return this.#components.random.bytes(32)
  }

  keep({ jobId, link, question, credit, from, secret, sketches }: CommittedJob): void {
    if (sketches.length === 0) return
    const opened = { link: toHex(link), from, secret, sketches }
    const keptAt = this.#components.clock.now()
    const job: KeptJob = { ...opened, jobId, key: openingKey(question, credit), keptAt, sum: keptSum(opened) }
    this.#add(job)
    this.#forget(this.#surplus())
    // A store that fails costs openings after a reload, never a job.
    if (this.#jobs.has(job.link)) this.#components.store?.put(job).catch(() => undefined)
  }

  /**
   * Opens a job's sketches: one opening for each chunk with an asked position, by rising position.
   *
   * @throws InfernetError `verify.not-kept` for a job that is not kept, or not as it was, or a key that is not its own;
   *   which of them is not said. `verify.bad-request` for a position that the job did not write
   */
  async open({ link, key, positions }: AskedOpenings): Promise<readonly SketchOpening[]> {
    await this.#loaded
    this.#forget(this.#surplus())
    const job = this.#jobs.get(toHex(link))
    if (!job || !equalBytes(job.key, key)) throw new InfernetError('verify.not-kept')
    if (!equalBytes(keptSum(job), job.sum)) {
      this.#forget([job.link])
      throw new InfernetError('verify.not-kept')
    }
    const { from, secret, sketches } = job
    const end = from + sketches.length / SKETCH_SIZE
    if (positions.some((at) => at < from || at >= end))
      throw new InfernetError('verify.bad-request', { reason: 'positions' })
    const startOf = (at: number): number => at - ((at - from) % CHUNK_TOKENS)
    return [...new Set(positions.map(startOf))].map((start) => {
      const first = (start - from) * SKETCH_SIZE
      const part = sketches.subarray(first, first + CHUNK_TOKENS * SKETCH_SIZE)
      const wanted = positions.filter((at) => startOf(at) === start)
      return openSketches(secret, part, start, wanted)
    })
  }

  async #load(): Promise<void> {
    const stored = await this.#components.store?.load().catch(() => [])
    if (!stored) return
    // What was kept meanwhile is newer than all of them.
    const newer = this.#jobs
    this.#jobs = new Map()
    this.#bytes = 0
    for (const job of stored.toSorted((a, b) => a.keptAt - b.keptAt)) this.#add(job)
    for (const job of newer.values()) this.#add(job)
    this.#forget(this.#surplus())
  }

  #add(job: KeptJob): void {
    this.#remove(job.link)
    this.#jobs.set(job.link, job)
    this.#bytes += job.sketches.byteLength
  }

  #remove(link: string): void {
    this.#bytes -= this.#jobs.get(link)?.sketches.byteLength ?? 0
    this.#jobs.delete(link)
  }

  /** The eldest jobs, as far as they are too old or there are too many. */
  #surplus(): string[] {
    const now = this.#components.clock.now()
    const surplus: string[] = []
    let [count, bytes] = [this.#jobs.size, this.#bytes]
    for (const { link, keptAt, sketches } of this.#jobs.values()) {
      const isOld = keptAt + KEEP_OPENINGS_MS <= now
      if (!isOld && count <= this.#maxJobs && bytes <= this.#maxBytes) break
      surplus.push(link)
      count--
      bytes -= sketches.byteLength
    }
    return surplus
  }

  #forget(links: readonly string[]): void {
    if (links.length === 0) return
    for (const link of links) this.#remove(link)
    this.#components.store?.remove(links).catch(() => undefined)
  }
}
