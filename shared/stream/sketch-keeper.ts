import type { JobId } from '../base/ids.ts'

/** What a provider committed to in one job. */
export interface CommittedJob {
  readonly jobId: JobId
  /** The link that its chain begins with (`firstLink`): no two jobs have the same. */
  readonly link: Uint8Array
  /** The exact bytes of its question: who has them, and what it was paid with, may have the sketches. */
  readonly question: Uint8Array
  /** The credit in its first frame. @default it was free */
  readonly credit?: Uint8Array | undefined
  /** Position in the answer of its first token. */
  readonly from: number
  /** What the salts are made of: 32 bytes. */
  readonly secret: Uint8Array
  /** Of each signed token 16 halves, in chunks of `CHUNK_TOKENS` from `from` on. */
  readonly sketches: Uint16Array
}

/** Keeps what a provider committed to, so that it can be opened for a while. */
export interface SketchKeeper {
  /** 32 random bytes for a new job. */
  secret(): Uint8Array
  /** Takes a job whose last chunk is signed. At once, and never throws. */
  keep(job: CommittedJob): void
}
