import { InfernetError } from '#shared/errors/infernet-error.ts'

/**
 * How a wallet's key is locked: what opens it is not in this browser.
 *
 * - `passphrase`: the sealing key is computed from what a person types, with PBKDF2 over SHA-256
 * - `passkey`: from 32 bytes that the device's authenticator gives for this place (the PRF extension of WebAuthn)
 */
export type Lock =
  | {
      readonly kind: 'passphrase'
      readonly salt: Uint8Array<ArrayBuffer>
      readonly rounds: number
    }
  | {
      readonly kind: 'passkey'
      readonly salt: Uint8Array<ArrayBuffer>
      readonly credential: Uint8Array<ArrayBuffer>
    }

/** A lock with what opens it, to lock a key with. */
export interface NewLock {
  readonly lock: Lock
  readonly secret: Uint8Array<ArrayBuffer>
}

/**
 * Rounds of PBKDF2: what OWASP advises for SHA-256 (Password Storage Cheat Sheet, 2023). Some tenths of a second on a
 * phone, and so long for each guess of who copied the profile.
 */
const PASSPHRASE_ROUNDS = 600_000

/** What is read from storage costs no more than this, whoever wrote it. */
const MAX_ROUNDS = 10 * PASSPHRASE_ROUNDS

/** Each guess is slow, not dear: short ones are found by trying all of them. */
const MIN_PASSPHRASE_CHARACTERS = 10
const MAX_PASSPHRASE_CHARACTERS = 256

const SALT_BYTES = 16
/** Says what the key is for, so that the same passkey never gives the same key for something else. */
const PURPOSE = 'infernet wallet key'

/** @throws InfernetError `wallet.weak-passphrase` */
export function newPassphrase(passphrase: string, rounds = PASSPHRASE_ROUNDS): NewLock {
  const length = Array.from(passphrase).length
  if (length < MIN_PASSPHRASE_CHARACTERS || length > MAX_PASSPHRASE_CHARACTERS)
    throw new InfernetError('wallet.weak-passphrase', {
      least: MIN_PASSPHRASE_CHARACTERS,
      most: MAX_PASSPHRASE_CHARACTERS,
    })
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  return { lock: { kind: 'passphrase', salt, rounds }, secret: secretOf(passphrase) }
}

/** What a typed passphrase is to a lock: two ways to write the same letters are the same. */
export function secretOf(passphrase: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(passphrase.normalize('NFKC')))
}

/** The key that seals and opens; it cannot be exported, and is kept nowhere. */
export async function sealerOf(lock: Lock, secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: 'AES-GCM', length: 256 }
  const uses: KeyUsage[] = ['encrypt', 'decrypt']
  if (lock.kind === 'passphrase') {
    const { salt, rounds } = lock
    if (!(rounds > 0 && rounds <= MAX_ROUNDS)) throw new InfernetError('wallet.key-lost')
    const base = await crypto.subtle.importKey('raw', secret, 'PBKDF2', false, ['deriveKey'])
    const derive = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }
    return crypto.subtle.deriveKey(derive, base, algorithm, false, uses)
  }
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const info = new Uint8Array(new TextEncoder().encode(PURPOSE))
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: lock.salt, info },
    base,
    algorithm,
    false,
    uses,
  )
}
