import { storageRoom } from './storage-room.ts'
import { weightsRoom } from './weights-room.ts'

declare global {
  interface Window {
    /** What the storage's tests drive. It exists in this page alone. */
    storageRoom: typeof storageRoom
    weightsRoom: typeof weightsRoom
    /** The test's own: where the page stands. It may never answer. */
    storageStep: (of: 'fill' | 'pay', at: string) => Promise<void>
  }
}

window.storageRoom = storageRoom
window.weightsRoom = weightsRoom
