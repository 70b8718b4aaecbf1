import { LocalLocks, Wanted, type Release, type StoreLocks } from '#shared/models/store/store-locks.ts'

/** Among the names of whatever else this origin serves. */
const PREFIX = 'infernet.models.'

/**
 * Locks among all tabs and workers of this origin; the browser frees what a dead one held. Where it has none, those of
 * this thread: two tabs then meet at the files themselves, which only one may have open.
 */
export function createWebLocks(manager: LockManager | undefined = navigator.locks): StoreLocks {
  if (!manager) return new LocalLocks()
  const wanted = new WantedHere()
  const request = (name: string, options: LockOptions): Promise<Release | undefined> =>
    new Promise((resolve, reject) => {
      manager
        .request(PREFIX + name, options, (lock) => {
          if (lock) return held(resolve)
          resolve(undefined)
          return undefined
        })
        .catch((thrown: unknown) => reject(thrown as Error))
    })
  return {
    async acquire(name, { mode, signal, onWanted }) {
      signal?.throwIfAborted()
      const stop = wanted.listen(name, onWanted)
      try {
        const free = await request(name, { mode, ifAvailable: true })
        if (!free) wanted.tell(name, onWanted)
        const release = free ?? (await request(name, { mode, ...(signal && { signal }) }))
        return () => {
          stop()
          release?.()
        }
      } catch (thrown) {
        stop()
        throw thrown
      }
    },
    tryAcquire: (name, mode) => request(name, { mode, ifAvailable: true }),
  }
}

/** What is wanted, in all tabs and workers. */
class WantedHere extends Wanted {
  #channel: BroadcastChannel | undefined

  override listen(name: string, onWanted: (() => void) | undefined): () => void {
    if (onWanted) this.#open()
    return super.listen(name, onWanted)
  }

  override tell(name: string, by?: () => void): void {
    super.tell(name, by)
    this.#open()?.postMessage(name)
  }

  #open(): BroadcastChannel | undefined {
    if (this.#channel || typeof BroadcastChannel === 'undefined') return this.#channel
    this.#channel = new BroadcastChannel(`${PREFIX}wanted`)
    this.#channel.onmessage = ({ data }) => super.tell(String(data))
    return this.#channel
  }
}

/** Held for as long as this does not resolve. */
function held(give: (release: Release) => void): Promise<void> {
  return new Promise((resolve) => give(() => resolve()))
}
