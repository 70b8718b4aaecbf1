import type { BaseUnits, Tokens } from '../base/units.ts'
import type { Signed } from '../wire/signed.ts'
import type { Chunk } from './chunk.ts'
import type { JobTally } from './credit.ts'
import type { ProviderFrame } from './messages.ts'
import type { Transcript } from './transcript.ts'
import type { VectorChunk } from './vector-chunk.ts'

export type Frame<Type extends ProviderFrame['type']> = Extract<ProviderFrame, { type: Type }>

/** What goes out in `open`, to which the provider's first word is bound. */
export interface Opened {
  readonly question: Uint8Array
  /** Undefined for a job that nobody pays for. */
  readonly credit: Uint8Array | undefined
}

/**
 * Holds what a provider makes against the quote, against what was asked, and against our own count. All methods that
 * take a frame throw InfernetError `stream.bad-chunk` for what is not right.
 */
export interface JobCheck {
  /** Tokens that came, or whose texts' vectors did. */
  readonly received: Tokens
  /** Those under a signed chunk. */
  readonly signedTokens: Tokens
  readonly chunks: number
  /** What is owed: signed and chained chunks, nothing else. */
  readonly due: BaseUnits
  /** What is acknowledged: everything before it has come. */
  readonly position: number
  readonly tally: JobTally
  /** What proves the work up to the last signed chunk; undefined while there is none. */
  transcript(receipt: Transcript['receipt']): Transcript | undefined
  /** Gives the seed, and chunk 0 of a prompt that was prepaid. */
  accepted(frame: Frame<'accepted'>, opened: Opened): Promise<{ seed: Uint8Array; chunk: Chunk | undefined }>
  streamed(frame: Frame<'tokens'> | Frame<'vectors'>): void
  signed(chunk: Signed): Promise<Chunk | VectorChunk>
  /** Gives whether the provider counts otherwise. */
  done(frame: Frame<'done'>): { isUsageDisputed: boolean }
}
