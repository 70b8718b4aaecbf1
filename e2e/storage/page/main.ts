import { storageRoom } from './storage-room.ts'

declare global {
  interface Window {
    /** What the storage's tests drive. It exists in this page alone. */
    storageRoom: typeof storageRoom
    /** The test's own: where the page stands. It may never answer. */
    storageStep: (of: 'fill' | 'pay', at: string) => Promise<void>
  }
}

window.storageRoom = storageRoom
