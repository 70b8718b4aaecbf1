import type { JobId } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'

/** What is kept of one job, so that its sketches can be opened. */
export interface KeptJob {
  /** The link that its chain begins with, in hex: its name here. */
  readonly link: string
  readonly jobId: JobId
  /** Whoever shows it may have the sketches (`openingKey`). The question itself is not kept. */
  readonly key: Uint8Array
  /** Position in the answer of its first token. */
  readonly from: number
  readonly secret: Uint8Array
  /** 16 halves a token. */
  readonly sketches: Uint16Array
  readonly keptAt: EpochMillis
  /** SHA-256 of all that an opening is made of (`keptSum`): what a disk changed is opened to nobody. */
  readonly sum: Uint8Array
}

/** Where kept jobs outlast a reload. What a browser loses is lost: then a provider says so (`verify.not-kept`). */
export interface OpeningStore {
  /** All that is there, in any order. */
  load(): Promise<readonly KeptJob[]>
  put(job: KeptJob): Promise<void>
  /** Forgets jobs by their links. */
  remove(links: readonly string[]): Promise<void>
}
