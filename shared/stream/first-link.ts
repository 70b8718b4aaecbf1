import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex, utf8 } from '../base/bytes.ts'
import type { JobId } from '../base/ids.ts'
import { tagOf } from '../wire/versions.ts'

/** What both sides agreed on before the first token, each part as the exact bytes that travelled. */
export interface Agreed {
  /** The signed body of the quote. */
  readonly quote: Uint8Array
  readonly question: Uint8Array
  /** The credit in the job's first frame; empty for a free job. */
  readonly credit: Uint8Array
  /** The body of the provider's `accepted`. */
  readonly accepted: Uint8Array
}

/** A name of a part, in the order in which they are hashed. */
export const AGREED_PARTS = ['quote', 'question', 'credit', 'accepted'] as const
export type AgreedPart = (typeof AGREED_PARTS)[number]

/** SHA-256 of each part: what can be shown of one that is kept back. */
export type AgreedHashes = Readonly<Record<AgreedPart, Uint8Array>>

export function hashAgreed(agreed: Agreed): AgreedHashes {
  const { quote, question, credit, accepted } = agreed
  return {
    quote: sha256(quote),
    question: sha256(question),
    credit: sha256(credit),
    accepted: sha256(accepted),
  }
}

/**
 * The link that chunk 0 names as the one before it: SHA-256 over a tag, the job id and the hash of each part.
 *
 * Each part has a hash of its own, so that a transcript can be shown without prompt and payment and still be verified.
 * None of these hashes can be guessed: the question has a salt, the accepted body a random nonce, the quote a random id,
 * and credit is a signature.
 */
export function firstLink(jobId: JobId, hashes: AgreedHashes): Uint8Array {
  const parts = AGREED_PARTS.map((part) => hashes[part])
  return sha256(concatBytes(utf8(tagOf('hashed', 'chain')), fromHex(jobId), ...parts))
}
