import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex, utf8 } from '../base/bytes.ts'
import type { JobId } from '../base/ids.ts'
import { tagOf } from '../wire/versions.ts'

/**
 * The seed of the sampler: SHA-256("infernet/seed/1" ‖ job id ‖ consumer's nonce ‖ provider's nonce). The provider's half
 * was fixed by its hash in the quote before it saw the consumer's, so neither can grind it (docs/design-notes.md).
 */
export function deriveSeed(
  job: JobId,
  consumerNonce: Uint8Array,
  providerNonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    sha256(concatBytes(utf8(tagOf('hashed', 'seed')), fromHex(job), consumerNonce, providerNonce)),
  )
}
