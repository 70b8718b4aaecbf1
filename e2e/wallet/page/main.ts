import { walletRoom } from './wallet-room.ts'

declare global {
  interface Window {
    /** What the tests of lost answers drive. It exists in this page alone. */
    walletRoom: typeof walletRoom
  }
}

window.walletRoom = walletRoom
