import { sha256 } from '@noble/hashes/sha2.js'

const fresh = sha256.create()
const working = sha256.create()

/**
 * SHA-256 of a short message into 32 bytes, for what hashes at every token: it makes no hasher of its own, which takes a
 * short message as long as the hashing (0.9 µs in place of 1.7 for 57 bytes, Node 24 on two shared cores).
 */
export function hashInto(message: Uint8Array, out: Uint8Array): void {
  fresh._cloneInto(working)
  working.update(message).digestInto(out)
}
