import type { Address } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { newPassphrase, secretOf, type NewLock } from '../../wallet/key-locks.ts'
import { parsePrivateKey } from '../../wallet/tab-keys.ts'
import { forgetPasskey, newPasskey, passkeySecret, passkeysMayWork } from '../../wallet/passkey.ts'

/** What locks a wallet and what opens it, as the pages ask for it. */
export { passkeySecret, passkeysMayWork, newPasskey, secretOf as passphraseSecret, type NewLock }

/** Takes back a lock that came to nothing: a passkey of it would stay in the device's list and open nothing. */
export function dropLock({ lock }: NewLock): void {
  if (lock.kind === 'passkey') forgetPasskey(lock)
}

/** The wallet of a private key, as soon as it is one. */
export function addressOfKey(text: string): Address | undefined {
  try {
    return privateKeyToAddress(parsePrivateKey(text))
  } catch {
    return undefined
  }
}

/** @throws InfernetError `wallet.passphrases-differ`, `wallet.weak-passphrase` */
export function newLockOf(first: string, second: string): NewLock {
  if (first !== second) throw new InfernetError('wallet.passphrases-differ')
  return newPassphrase(first)
}
