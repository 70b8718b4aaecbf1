import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'

interface IdentitySchema extends DBSchema {
  keys: { key: string; value: Uint8Array }
}

const LOCK = 'infernet/identity'

/**
 * This tab's Ed25519 key.
 *
 * A tab that has lent keeps its name, because reputation hangs on it; one that only asks takes a new one at each
 * start, so that nobody can follow an asker. Two tabs of one browser never share a name: the second finds the lock
 * taken and stays without a lasting one.
 */
export class Identity {
  readonly key: PrivateKey
  readonly #mayKeep: boolean

  private constructor(key: PrivateKey, mayKeep: boolean) {
    this.key = key
    this.#mayKeep = mayKeep
  }

  /** Loads the kept key or makes a new one. Without IndexedDB (private windows) every name is a new one. */
  static async open(): Promise<Identity> {
    const mayKeep = await takeLock()
    const kept = mayKeep ? await load().catch(() => undefined) : undefined
    return new Identity(kept ?? (await generateKeyPair('Ed25519')), mayKeep)
  }

  /** From now on this name is kept. Called when lending begins. */
  async keep(): Promise<void> {
    if (!this.#mayKeep) return
    const database = await open()
    await database.put('keys', privateKeyToProtobuf(this.key), 'peer')
    database.close()
  }
}

function open(): Promise<IDBPDatabase<IdentitySchema>> {
  return openDB<IdentitySchema>('infernet-identity', 1, {
    upgrade: (database) => void database.createObjectStore('keys'),
  })
}

async function load(): Promise<PrivateKey | undefined> {
  const database = await open()
  const bytes = await database.get('keys', 'peer')
  database.close()
  return bytes ? privateKeyFromProtobuf(bytes) : undefined
}

/** Resolves at once with whether the lock is ours; it is held until the page ends. */
function takeLock(): Promise<boolean> {
  if (!('locks' in navigator)) return Promise.resolve(false)
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      return lock ? new Promise<void>(() => undefined) : undefined
    })
  })
}
