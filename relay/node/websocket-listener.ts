import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { MAX_WEBSOCKET_MESSAGE_BYTES } from '../base/limits.ts'
import type { RelayNode } from './create-node.ts'

/** The parts of `ws` and of the transport's listener that have no option of their own. */
interface ServerSocket {
  on(event: 'error', listener: (error: Error) => void): unknown
  terminate(): void
}
type OnSocket = (socket: ServerSocket, request: IncomingMessage) => void
interface SocketServer {
  readonly options: { maxPayload?: number }
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, onSocket: OnSocket): void
}
interface Listener {
  getAddrs(): { getComponents(): { value?: string }[] }[]
  readonly wsServer?: Partial<SocketServer>
}

/**
 * Makes libp2p's WebSocket listener safe for strangers, and answers its port.
 *
 * It listens to no `error` of its sockets, so one frame that breaks the protocol would end the process; and `ws` buffers
 * messages of 100 MiB by default. Both are set behind the transport's back (@libp2p/websockets 10.1.21), so this throws
 * when an upgrade of the package moves them.
 */
export function secureWebSocketListener(node: RelayNode): number {
  const { components } = node as unknown as {
    components: { transportManager: { getListeners(): Listener[] } }
  }
  const [listener] = components.transportManager.getListeners()
  const port = Number(listener?.getAddrs()[0]?.getComponents()[1]?.value)
  const server = listener?.wsServer
  if (!isSocketServer(server) || !Number.isInteger(port))
    throw new TypeError(
      '@libp2p/websockets keeps its server elsewhere now: bound its messages and catch its errors there',
    )
  server.options.maxPayload = MAX_WEBSOCKET_MESSAGE_BYTES
  const handleUpgrade = server.handleUpgrade.bind(server)
  server.handleUpgrade = (request, socket, head, onSocket) =>
    handleUpgrade(request, socket, head, (webSocket, sameRequest) => {
      webSocket.on('error', () => webSocket.terminate())
      onSocket(webSocket, sameRequest)
    })
  return port
}

function isSocketServer(server: Partial<SocketServer> | undefined): server is SocketServer {
  return typeof server?.options?.maxPayload === 'number' && typeof server.handleUpgrade === 'function'
}
