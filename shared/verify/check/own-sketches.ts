import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { tagOf } from '../../wire/versions.ts'
import { sketchBytes } from '../statistics/sketch-distance.ts'

/**
 * What a verifier says of its own sketches before it sees the provider's: SHA-256(tag ‖ salt ‖ sketches, little-endian).
 * So it cannot take theirs for its own; whoever has sketches and salt later finds out whether it did the work.
 *
 * @param own sixteen halves for each token, in their order
 * @param salt 32 random bytes: without them sketches that somebody else can compute could be tried
 */
export function bindOwnSketches(own: Uint16Array, salt: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(concatBytes(utf8(tagOf('hashed', 'own-sketches')), salt, sketchBytes(own))))
}
