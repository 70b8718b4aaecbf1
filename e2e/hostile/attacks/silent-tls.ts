import { connect, type Socket } from 'node:net'
import { TLS_SOCKET_RATE } from '../../../relay/base/limits.ts'
import type { Attack, GroundSetting } from '../attack.ts'
import { clientHello } from '../tools/client-hello.ts'
import { hostileBlock } from '../tools/from-address.ts'
import { pauseOrEnd, tellUntilEnd } from '../tools/tell-until-end.ts'

/** Each in a block of its own. */
const ADDRESSES = 32
const TICK_MS = 50
const STAND_MS = 5000

/** What this keeps out is whoever opens a socket, so each question opens one. */
export const setting: GroundSetting = {
  hasTls: true,
  providers: 0,
  pauseMs: 250,
  question: { kind: 'http', path: '/network.json' },
}

/**
 * Thirty-two addresses that open as many sockets as they may. Over two of three the whole first word of a TLS handshake is
 * said, so that the relay signs, and over the others half of it; nothing is said after that.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const { hostname, port } = new URL(relays[0]?.url ?? '')
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  const hello = await clientHello(hostname)
  const half = hello.subarray(0, hello.length / 2)
  const held = new Set<Socket>()
  let [sockets, bytes] = [0, 0]
  const open = (localAddress: string): void => {
    const words = ++sockets % 3 === 0 ? half : hello
    const socket = connect({ host, port: Number(port), localAddress })
    held.add(socket)
    socket.on('error', () => undefined).once('close', () => held.delete(socket))
    socket.once('connect', () => {
      socket.write(words)
      bytes += words.length
    })
    socket.resume()
  }
  let last = performance.now()
  const opening = setInterval(() => {
    const now = performance.now()
    const each = Math.min(
      TLS_SOCKET_RATE.burst,
      Math.floor(((now - last) * TLS_SOCKET_RATE.perSecond) / 1000),
    )
    if (each > 0) last = now
    for (let n = 1; n <= ADDRESSES; n++) for (let i = 0; i < each; i++) open(hostileBlock(n))
  }, TICK_MS)
  await pauseOrEnd(signal, STAND_MS)
  await tellUntilEnd(signal, () => tell({ addresses: ADDRESSES, sockets, bytes }), held)
  clearInterval(opening)
}
