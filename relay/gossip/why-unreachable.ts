import { connect } from 'node:net'
import { SECOND_MS } from '#shared/base/units.ts'
import type { SocketAddress } from '../base/socket-address.ts'
import { systemReason } from '../base/system-reason.ts'

const LIMIT_MS = 3 * SECOND_MS

/**
 * What a plain connection to that place meets, since a failed WebSocket does not say: undefined when somebody takes it,
 * so that the fault is further up.
 */
export function whyUnreachable(
  { host, port }: Pick<SocketAddress, 'host' | 'port'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LIMIT_MS })
    const end = (reason?: string): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(reason)
    }
    const onAbort = (): void => end()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => end())
    socket.once('timeout', () => end(`no answer within ${LIMIT_MS / SECOND_MS} s`))
    socket.once('error', (cause) => end(systemReason(cause)))
  })
}
