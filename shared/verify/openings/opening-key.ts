import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { tagOf } from '../../wire/versions.ts'

/**
 * Who shows this may have a job's sketches opened: SHA-256("infernet/opening-key/1" ‖ question).
 *
 * It takes the question's exact bytes to make it, salt included: so the consumer has it, and whoever it showed the prompt
 * to, and nobody who saw only the hash of the question in a transcript.
 *
 * @param question the bytes that travelled
 */
export function openingKey(question: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(tagOf('hashed', 'opening-key')), question))
}
