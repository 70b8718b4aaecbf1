import { LocalLocks, type Release, type StoreLocks } from '#shared/models/store/store-locks.ts'

/** Among the names of whatever else this origin serves. */
const PREFIX = 'infernet.models.'

/**
 * Locks among all tabs and workers of this origin; the browser frees what a dead one held. Where it has none, those of
 * this thread: two tabs then meet at the files themselves, which only one may have open.
 */
export function createWebLocks(manager: LockManager | undefined = navigator.locks): StoreLocks {
  if (!manager) return new LocalLocks()
  return {
    acquire: (name, { mode, signal }) =>
      new Promise<Release>((resolve, reject) => {
        manager
          .request(PREFIX + name, { mode, ...(signal && { signal }) }, () => held(resolve))
          .catch((thrown: unknown) => reject(thrown as Error))
      }),
    tryAcquire: (name, mode) =>
      new Promise((resolve, reject) => {
        manager
          .request(PREFIX + name, { mode, ifAvailable: true }, (lock) => {
            if (lock) return held(resolve)
            resolve(undefined)
            return undefined
          })
          .catch((thrown: unknown) => reject(thrown as Error))
      }),
  }
}

/** Held for as long as this does not resolve. */
function held(give: (release: Release) => void): Promise<void> {
  return new Promise((resolve) => give(() => resolve()))
}
