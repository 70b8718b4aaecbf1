import type { Socket } from 'node:net'
import type { Attack, GroundSetting } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { silentUpgrade } from '../tools/silent-upgrade.ts'
import { pauseOrEnd, tellUntilEnd } from '../tools/tell-until-end.ts'

const ADDRESSES = 16
/** As many new ones a second from each as a relay allows. */
const A_SECOND = 8

/** What this keeps out is whoever joins, so each question comes from a node that has just joined. */
export const setting: GroundSetting = { isEachNew: true }

/** Sixteen addresses that never open more WebSockets a second than they may, and say nothing over any of them. */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const url = relays[0]?.url ?? ''
  const held = new Set<Socket>()
  let sockets = 0
  const open = (): void => {
    for (let n = 1; n <= ADDRESSES; n++)
      void silentUpgrade({ url, localAddress: hostileAddress(n) }, (socket) => {
        held.add(socket)
        sockets++
        socket.once('close', () => held.delete(socket))
      })
  }
  const opening = setInterval(open, 1000 / A_SECOND)
  // Until what is opened in ten seconds stands, which is how long libp2p waits for a handshake.
  await pauseOrEnd(signal, 10_000)
  await tellUntilEnd(signal, () => tell({ addresses: ADDRESSES, sockets }), held)
  clearInterval(opening)
}
