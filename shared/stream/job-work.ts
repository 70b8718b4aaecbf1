import type { PrivateKey } from '@libp2p/interface'
import type { PeerName } from '../base/ids.ts'
import type { BaseUnits, Millis, Tokens } from '../base/units.ts'
import type { Engine, FinishReason } from '../engine/engine.ts'
import type { Signed } from '../wire/signed.ts'
import type { CreditTerms, JobTally } from './credit.ts'
import type { AgreedHashes } from './first-link.ts'
import type { SketchKeeper } from './sketch-keeper.ts'

/** What a job's work is made of. */
export interface WorkInit {
  readonly terms: CreditTerms
  readonly agreed: AgreedHashes
  readonly key: PrivateKey
  readonly engine: Engine
  /** Whose job it is; those who ask for much wait for those who ask for little. */
  readonly consumer: PeerName
  /** Keeps the sketches that chunks commit to. @default none does */
  readonly sketches?: SketchKeeper | undefined
}

/** The job's line, as its work uses it: every wait ends with the job. */
export interface WorkLine {
  readonly signal: AbortSignal
  /** The job is paid for. */
  readonly isPaid: boolean
  /** How long the job has run. */
  readonly elapsedMs: Millis
  /** The smallest round trip of a heartbeat so far. */
  readonly rttMs: Millis | undefined
  /** Sends a frame of what was made. */
  send(frame: unknown): Promise<void>
  /** What is signed is owed, and so it is sent, also when a stop comes meanwhile. */
  sendChunks(chunks: readonly Signed[]): Promise<void>
  /** Resolves when work up to `due` may be sent, of which `windowTokens` may be unpaid; without payment the job ends. */
  creditCovers(due: BaseUnits, windowTokens: number): Promise<void>
  /** Resolves when the consumer has acknowledged `position`; without progress the job ends. */
  acknowledged(position: number): Promise<void>
  /** To be called after each change of what was made. */
  progressed(): void
}

/** What a provider does between `accepted` and `done`: it writes an answer, or reads texts. */
export interface JobWork {
  /** Tokens that were written, or whose texts were read. */
  readonly count: Tokens
  /** The consumer can have acknowledged so much at most. */
  readonly position: number
  /** Chunks that were signed. */
  readonly chunks: number
  /** What has been signed so far is owed. */
  readonly due: BaseUnits
  readonly tally: JobTally
  /** The chunk of a prompt that was paid for before it is read. */
  begin(): Promise<Signed>
  /** Everything, up to the last chunk. */
  run(line: WorkLine): Promise<FinishReason>
  /** The counts of the frame that ends the job. */
  readonly usage: { readonly promptTokens: number; readonly outputTokens: number }
}
