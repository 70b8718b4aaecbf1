import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface SilentUpgrade {
  /** Of the relay. */
  readonly url: string
  /** Where it comes from. */
  readonly localAddress: string
}

/**
 * A WebSocket that a relay has taken, and over which nothing is said; undefined when it was refused or cut. The socket is
 * handed over before anything is known.
 */
export async function silentUpgrade(
  { url, localAddress }: SilentUpgrade,
  onSocket: (socket: Socket) => void,
): Promise<Socket | undefined> {
  const { hostname, port } = new URL(url)
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  const socket = connect({ host, port: Number(port), localAddress })
  onSocket(socket)
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  socket.on('error', () => undefined).once('close', () => resolve(undefined))
  socket.once('data', (answer: Buffer) => {
    const isTaken = answer.toString('latin1').startsWith('HTTP/1.1 101 ')
    if (!isTaken) socket.destroy()
    resolve(isTaken ? socket : undefined)
  })
  socket.write(
    [
      'GET / HTTP/1.1',
      `Host: ${host}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      '\r\n',
    ].join('\r\n'),
  )
  return promise
}
