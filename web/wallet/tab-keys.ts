import { bytesToHex, hexToBytes, type Address, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { Clock } from '#shared/base/clock.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { sealerOf, type Lock, type NewLock } from './key-locks.ts'
import { LockedAccount } from './locked-account.ts'

/** A private key as it is kept: sealed by what its person knows or has, or else by a key that lies beside it. */
export interface SealedKey {
  readonly name: string
  readonly address: Address
  /** Opens it where no lock does. No script can read it out; whoever reads the browser's files can. */
  readonly sealer: CryptoKey | undefined
  /** What opens it, in place of a sealer. @default it is not locked */
  readonly lock?: Lock | undefined
  readonly iv: Uint8Array<ArrayBuffer>
  readonly sealed: Uint8Array<ArrayBuffer>
  readonly madeAt: number
}

/** Where sealed keys lie. */
export interface SealedKeyStore {
  list(): Promise<readonly SealedKey[]>
  get(name: string): Promise<SealedKey | undefined>
  put(key: SealedKey): Promise<void>
  /** Puts the key unless one whose name begins with `prefix` is there; returns the one that is there afterwards. */
  putFirst(key: SealedKey, prefix: string): Promise<SealedKey>
  /** Puts the key in the place of the one of that name. */
  replace(key: SealedKey): Promise<void>
  remove(name: string): Promise<void>
}

/** Asked when a locked key is to be used. */
export interface UnlockQuestion {
  readonly address: Address
  readonly lock: Lock
  /** The last answer did not open it. */
  readonly isAgain: boolean
  /** Ends the question. */
  readonly signal?: AbortSignal | undefined
}

/** Gives what opens the lock. @throws InfernetError `wallet.locked` where the person does not give it */
export type Unlock = (question: UnlockQuestion) => Promise<Uint8Array<ArrayBuffer>>

export interface TabKeysInit {
  /** Who is asked. @default nobody: what is locked stays so */
  readonly unlock?: { readonly ask: Unlock; readonly clock: Clock } | undefined
}

const WALLET = 'wallet:'
const SESSION = 'session:'

/**
 * The private keys of this tab.
 *
 * Each is sealed with AES-GCM and kept in this browser's own database.
 *
 * A wallet with a lock is sealed by what its person types or by a passkey: neither a copy of the profile nor code in this
 * page opens it unless the person does. While it is open (`OPEN_MS`), and while it is typed, code in this page can take it.
 *
 * Without a lock, as session keys and wallets with small amounts are, the sealing key lies in the same database. WebCrypto
 * gives it to no script, but browsers write it to their files in clear, so whoever copies the profile has these keys
 * (`e2e/flows/copied-profile.long.e2e.ts` does it), and code in this page uses them without asking. A lock that is set later
 * does not reach what was copied before, nor what the browser has not cleaned from its files yet.
 *
 * What is lost with the browser's data is lost: hence `reveal`.
 */
export class TabKeys {
  readonly #store: SealedKeyStore
  readonly #now: () => number
  readonly #unlock: TabKeysInit['unlock']
  /** Locked ones, so that whoever signs with one at the same moment asks once. */
  readonly #locked = new Map<string, LockedAccount>()

  constructor(store: SealedKeyStore, now: () => number, { unlock }: TabKeysInit = {}) {
    this.#store = store
    this.#now = now
    this.#unlock = unlock
  }

  /** The addresses of the wallets that are kept here, the oldest first. */
  async wallets(): Promise<readonly Address[]> {
    const kept = await this.#list()
    return kept
      .filter(({ name }) => name.startsWith(WALLET))
      .toSorted((a, b) => a.madeAt - b.madeAt)
      .map(({ address }) => address)
  }

  /**
   * The wallet of that address: opened now, or, where it is locked, whenever it signs.
   *
   * @throws InfernetError `wallet.key-lost`
   */
  async wallet(address: Address): Promise<KeyVault | LockedAccount> {
    const name = walletName(address)
    const kept = await this.#get(name)
    if (!kept.lock) return privateKeyToAccount(await this.#open(name))
    const known = this.#locked.get(name)
    if (known) return known
    const clock = this.#unlock?.clock
    if (!clock) throw new InfernetError('wallet.locked')
    const account = new LockedAccount(address, clock, (options) => this.#open(name, options))
    this.#locked.set(name, account)
    return account
  }

  /**
   * Makes the first wallet, unless another tab was quicker; returns the address of whichever is first.
   *
   * @param lock what opens it. @default it has none
   */
  async makeWallet(lock?: NewLock): Promise<Address> {
    const sealed = await this.#seal(generatePrivateKey(), walletName, lock)
    return (await this.#kept(this.#store.putFirst(sealed, WALLET))).address
  }

  /**
   * Takes a private key from the visitor. One that is here already stays as it is, unless a lock is given: whoever has the
   * key sets a new one, for a lost passphrase as well. No other is touched.
   *
   * @throws InfernetError `wallet.bad-key`
   */
  async importWallet(text: string, lock?: NewLock): Promise<Address> {
    const sealed = await this.#seal(parsePrivateKey(text), walletName, lock)
    if (lock) await this.#replace(sealed)
    else await this.#kept(this.#store.put(sealed))
    return sealed.address
  }

  /** Whether the wallet of that address is locked. @throws InfernetError `wallet.key-lost` */
  async isLocked(address: Address): Promise<boolean> {
    return (await this.#get(walletName(address))).lock !== undefined
  }

  /**
   * Locks a wallet, or gives it another lock, which asks for the present one.
   *
   * @throws InfernetError `wallet.key-lost`, `wallet.locked`
   */
  async setLock(address: Address, lock: NewLock): Promise<void> {
    await this.#replace(await this.#seal(await this.reveal(address), walletName, lock))
  }

  /** The private key in clear, for the visitor's own copy. A locked one asks, also while it is open. */
  reveal(address: Address): Promise<Hex> {
    return this.#open(walletName(address))
  }

  /** The key that signs small payments of that payer in that escrow; made when there is none. */
  async sessionKey(scope: SessionScope): Promise<KeyVault> {
    const name = sessionName(scope)
    if (!(await this.#kept(this.#store.get(name)))) {
      const sealed = await this.#seal(generatePrivateKey(), () => name)
      await this.#kept(this.#store.putFirst(sealed, name))
    }
    return privateKeyToAccount(await this.#open(name))
  }

  /** The address of the session key, if there is one; opens nothing. */
  async sessionAddress(scope: SessionScope): Promise<Address | undefined> {
    return (await this.#kept(this.#store.get(sessionName(scope))))?.address
  }

  /** Forgets a session key, once it is revoked: the next session takes a new one. */
  async forgetSession(scope: SessionScope): Promise<void> {
    await this.#kept(this.#store.remove(sessionName(scope)))
  }

  async #seal(key: Hex, nameOf: (address: Address) => string, lock?: NewLock): Promise<SealedKey> {
    const { address } = privateKeyToAccount(key)
    const name = nameOf(address)
    const sealer = lock ? await sealerOf(lock.lock, lock.secret) : await newSealer()
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const bytes = hexToBytes(key)
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: encoded(name) },
      sealer,
      new Uint8Array(bytes),
    )
    bytes.fill(0)
    const opens = lock ? { sealer: undefined, lock: lock.lock } : { sealer }
    return { name, address, ...opens, iv, sealed: new Uint8Array(sealed), madeAt: this.#now() }
  }

  async #open(name: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Hex> {
    const kept = await this.#get(name)
    const { address, lock, sealer } = kept
    if (!lock) return unseal(kept, sealer)
    for (let isAgain = false; ; isAgain = true) {
      if (!this.#unlock) throw new InfernetError('wallet.locked')
      const secret = await this.#unlock.ask({ address, lock, isAgain, signal })
      const opened = await unseal(kept, await sealerOf(lock, secret)).catch(() => undefined)
      if (opened) return opened
    }
  }

  /** @throws InfernetError `wallet.key-lost` */
  async #get(name: string): Promise<SealedKey> {
    const kept = await this.#kept(this.#store.get(name))
    if (!kept) throw new InfernetError('wallet.key-lost')
    return kept
  }

  /** In the place of the one of that name, as old as that. */
  async #replace(key: SealedKey): Promise<void> {
    const present = await this.#kept(this.#store.get(key.name))
    await this.#kept(this.#store.replace({ ...key, madeAt: present?.madeAt ?? key.madeAt }))
    this.#locked.get(key.name)?.close()
    this.#locked.delete(key.name)
  }

  #list(): Promise<readonly SealedKey[]> {
    return this.#kept(this.#store.list())
  }

  async #kept<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise
    } catch (cause) {
      throw new InfernetError('wallet.no-storage', {}, { cause })
    }
  }
}

/** Whose small payments, and into which escrow. */
export interface SessionScope {
  readonly chainId: number
  readonly escrow: Address
  readonly payer: Address
}

/**
 * A key as people write it: 64 hexadecimal digits, `0x` or not, spaces around.
 *
 * @throws InfernetError `wallet.bad-key`
 */
export function parsePrivateKey(text: string): Hex {
  const [, digits] = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text.trim()) ?? []
  if (digits === undefined) throw new InfernetError('wallet.bad-key')
  const key: Hex = `0x${digits.toLowerCase()}`
  try {
    privateKeyToAccount(key) // zero, and what is beyond the curve's order, is no key
    return key
  } catch (cause) {
    throw new InfernetError('wallet.bad-key', {}, { cause })
  }
}

function newSealer(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/** @throws InfernetError `wallet.key-lost` */
async function unseal({ name, iv, sealed }: SealedKey, sealer: CryptoKey | undefined): Promise<Hex> {
  if (!sealer) throw new InfernetError('wallet.key-lost')
  try {
    const additionalData = encoded(name)
    const bytes = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, sealer, sealed)
    return bytesToHex(new Uint8Array(bytes))
  } catch (cause) {
    throw new InfernetError('wallet.key-lost', {}, { cause })
  }
}

function walletName(address: Address): string {
  return WALLET + address.toLowerCase()
}

function sessionName({ chainId, escrow, payer }: SessionScope): string {
  return `${SESSION}${chainId}:${escrow.toLowerCase()}:${payer.toLowerCase()}`
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text))
}
