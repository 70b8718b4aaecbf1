import { bytesToHex, hexToBytes, type Address, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** A private key as it is kept: sealed by a key that no script can read out. */
export interface SealedKey {
  readonly name: string
  readonly address: Address
  readonly sealer: CryptoKey
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
  remove(name: string): Promise<void>
}

const WALLET = 'wallet:'
const SESSION = 'session:'

/**
 * The private keys of this tab.
 *
 * Each is sealed with AES-GCM under a WebCrypto key of its own that cannot be exported, and kept in this browser's own
 * database. That keeps keys out of whatever reads the database's plain values (backups, devtools' exports, a copied
 * profile read by a script); it does not keep them from code that runs on this page, which is why the page runs
 * none but its own. What is lost with the browser's data is lost: hence `reveal`.
 */
export class TabKeys {
  readonly #store: SealedKeyStore
  readonly #now: () => number

  constructor(store: SealedKeyStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** The addresses of the wallets that are kept here, the oldest first. */
  async wallets(): Promise<readonly Address[]> {
    const kept = await this.#list()
    return kept
      .filter(({ name }) => name.startsWith(WALLET))
      .toSorted((a, b) => a.madeAt - b.madeAt)
      .map(({ address }) => address)
  }

  /** Opens the wallet of that address. @throws InfernetError `wallet.key-lost` */
  async wallet(address: Address): Promise<KeyVault> {
    return privateKeyToAccount(await this.#open(walletName(address)))
  }

  /** Makes the first wallet, unless another tab was quicker; returns the address of whichever is first. */
  async makeWallet(): Promise<Address> {
    const sealed = await this.#seal(generatePrivateKey(), walletName)
    return (await this.#kept(this.#store.putFirst(sealed, WALLET))).address
  }

  /**
   * Takes a private key from the visitor. One that is here already stays as it is; no other is touched.
   *
   * @throws InfernetError `wallet.bad-key`
   */
  async importWallet(text: string): Promise<Address> {
    const sealed = await this.#seal(parsePrivateKey(text), walletName)
    await this.#kept(this.#store.put(sealed))
    return sealed.address
  }

  /** The private key in clear, for the visitor's own copy. */
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

  async #seal(key: Hex, nameOf: (address: Address) => string): Promise<SealedKey> {
    const { address } = privateKeyToAccount(key)
    const name = nameOf(address)
    const sealer = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ])
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const bytes = hexToBytes(key)
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: encoded(name) },
      sealer,
      new Uint8Array(bytes),
    )
    bytes.fill(0)
    return { name, address, sealer, iv, sealed: new Uint8Array(sealed), madeAt: this.#now() }
  }

  async #open(name: string): Promise<Hex> {
    const kept = await this.#kept(this.#store.get(name))
    if (!kept) throw new InfernetError('wallet.key-lost')
    try {
      const { sealer, iv, sealed } = kept
      const bytes = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv, additionalData: encoded(name) },
        sealer,
        sealed,
      )
      return bytesToHex(new Uint8Array(bytes))
    } catch (cause) {
      throw new InfernetError('wallet.key-lost', {}, { cause })
    }
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
 * @internal
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

function walletName(address: Address): string {
  return WALLET + address.toLowerCase()
}

function sessionName({ chainId, escrow, payer }: SessionScope): string {
  return `${SESSION}${chainId}:${escrow.toLowerCase()}:${payer.toLowerCase()}`
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text))
}
