import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { AgreedPart } from './first-link.ts'

/** @throws InfernetError `stream.bad-transcript` for a part that is not what its hash says */
export function checkShown(part: AgreedPart, shown: Uint8Array | undefined, hash: Uint8Array): void {
  if (shown) refuseUnless(equalBytes(sha256(shown), hash), part)
}

/** What a part holds; undefined for one that is kept back. @throws InfernetError `stream.bad-transcript` */
export function readPart<T>(
  part: AgreedPart,
  shown: Uint8Array | undefined,
  read: (body: Uint8Array) => T,
): T | undefined {
  if (!shown) return undefined
  try {
    return read(shown)
  } catch (thrown) {
    throw bad(part, thrown)
  }
}

/** @throws InfernetError `stream.bad-transcript` with the reason */
export function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw bad(reason)
}

/** What a transcript fails with. */
export function bad(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('stream.bad-transcript', { reason }, { cause })
}
