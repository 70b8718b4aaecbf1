import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { tagOf } from '../../wire/versions.ts'

/**
 * Who shows this may have a job's sketches opened: SHA-256("infernet/opening-key/2" ‖ SHA-256(question) ‖ credit).
 *
 * It takes the question's exact bytes to make it, salt included, so nobody has it who saw only the hash of the question in
 * a transcript. And it takes what the job was paid with, which a verifier is not shown (`shownToVerifier`): so one that
 * would rather copy the provider's sketches than read cannot ask for them before it is bound to its own. A free job has no
 * such secret.
 *
 * @param question the bytes that travelled
 * @param credit those of the job's first frame. @default it was free
 */
export function openingKey(question: Uint8Array, credit: Uint8Array = new Uint8Array()): Uint8Array {
  return sha256(concatBytes(utf8(tagOf('hashed', 'opening-key')), sha256(question), credit))
}
