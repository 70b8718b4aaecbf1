import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { openDB, type DBSchema } from 'idb'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { makeBinding, type BindingTerms } from '#shared/settle/binding.ts'

/** Keeps one key. Both throw where the browser keeps nothing (private windows). */
interface KeyStore {
  /** The key that is kept: this one when there was none. In one go, so that two tabs at once get the same. */
  keep(made: Uint8Array): Promise<Uint8Array>
}

export interface IdentityComponents {
  readonly store: KeyStore
  /** Undefined where the browser has none. */
  readonly locks: LockManager | undefined
}

type Release = () => Promise<unknown>

const LOCK = 'infernet/identity'

/**
 * A name in the network: the Ed25519 key behind it, for as long as a node stands under it.
 *
 * Asking takes a new one each time, so that nobody can follow an asker from page to page, nor from what the tab provides
 * to what it asks. Nothing that an asker owns hangs on its name: vouchers and deposits are by the wallet's address,
 * what a tab remembers of providers is in its own memory, and a provider's limits per name stand beside others that a
 * new name does not reset (the total rate of quotes, the payer's record).
 *
 * Providing keeps its name, because reputation and stake hang on it. Two tabs of one browser never provide under one name:
 * the second finds the lock taken and provides under a new one, for as long as it provides.
 */
export class Identity {
  readonly key: PrivateKey
  readonly #release: Release | undefined

  private constructor(key: PrivateKey, release?: Release) {
    this.key = key
    this.#release = release
  }

  static async toAsk(): Promise<Identity> {
    return new Identity(await generateKeyPair('Ed25519'))
  }

  static async toProvide(components: IdentityComponents = browserComponents()): Promise<Identity> {
    const release = await takeLock(components.locks)
    const key = release ? await keptKey(components.store).catch(() => undefined) : undefined
    return new Identity(key ?? (await generateKeyPair('Ed25519')), release)
  }

  /** Resolves when another node may provide under this name. */
  async release(): Promise<void> {
    await this.#release?.()
  }
}

/**
 * The name under which this browser provides, whether or not it does now: what is staked, is staked for this one.
 * Undefined where no name lasts.
 */
export async function providingName(
  { store, locks }: IdentityComponents = browserComponents(),
): Promise<PeerName | undefined> {
  const key = await providingKey(store, locks)
  return key && peerName(peerIdFromPrivateKey(key).toString())
}

/** A key's word that an operator is its own. */
export interface SignedName {
  /** The raw Ed25519 key, 32 bytes. */
  readonly key: Uint8Array
  /** 64 bytes. */
  readonly binding: Uint8Array
}

/** Signs, under the name of {@link providingName}, that an operator is its own. Undefined where no name lasts. */
export async function bindProvidingName(
  terms: BindingTerms,
  { store, locks }: IdentityComponents = browserComponents(),
): Promise<SignedName | undefined> {
  const key = await providingKey(store, locks)
  return key && { key: key.publicKey.raw, binding: await makeBinding(key, terms) }
}

async function providingKey(
  store: KeyStore,
  locks: LockManager | undefined,
): Promise<PrivateKey | undefined> {
  return locks && keptKey(store).catch(() => undefined)
}

async function keptKey(store: KeyStore): Promise<PrivateKey> {
  const made = await generateKeyPair('Ed25519')
  return privateKeyFromProtobuf(await store.keep(privateKeyToProtobuf(made)))
}

/** Gives at once what lets the lock go, or undefined when another tab has it. It falls with the page in any case. */
function takeLock(locks: LockManager | undefined): Promise<Release | undefined> {
  if (!locks) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const released = Promise.withResolvers<void>()
    const over = locks.request(LOCK, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(undefined)
      // The lock is free only when the request itself has settled, a task after this promise.
      resolve(() => (released.resolve(), over))
      return released.promise
    })
    over.catch(reject)
  })
}

interface IdentitySchema extends DBSchema {
  keys: { key: string; value: Uint8Array }
}

function browserComponents(): IdentityComponents {
  return { store: { keep: keepInBrowser }, locks: 'locks' in navigator ? navigator.locks : undefined }
}

async function keepInBrowser(made: Uint8Array): Promise<Uint8Array> {
  const database = await openDB<IdentitySchema>('infernet-identity', 1, {
    upgrade: (opened) => void opened.createObjectStore('keys'),
  })
  try {
    const keys = database.transaction('keys', 'readwrite').store
    const kept = await keys.get('peer')
    if (!kept) await keys.put(made, 'peer')
    return kept ?? made
  } finally {
    database.close()
  }
}
