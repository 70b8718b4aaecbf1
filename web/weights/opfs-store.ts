import type { Clock } from '#shared/base/clock.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { openOpfsDevice } from './opfs-device.ts'
import { createWebLocks } from './web-locks.ts'

/** The one store of this origin, for a dedicated worker; undefined where this browser keeps nothing. */
export async function openOpfsStore(clock: Clock): Promise<FileStore | undefined> {
  // Without it a piece would be hashed in JavaScript, and such pages have no private file system either.
  if (!('subtle' in crypto)) return undefined
  const device = await openOpfsDevice(navigator.storage, clock)
  const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> =>
    crypto.subtle.digest('SHA-256', bytes)
  return device && new FileStore({ device, locks: createWebLocks(), digest, clock })
}
