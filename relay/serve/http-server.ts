import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import {
  HTTP_CHECK_MS,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_KEEP_ALIVE_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_STALL_MS,
  MAX_HTTP_HEADER_BYTES,
  MAX_HTTP_HEADERS,
} from '../base/limits.ts'
import { StartError } from '../base/start-error.ts'
import { systemCode, systemReason } from '../base/system-reason.ts'
import type { Certificate } from './certificate.ts'
import type { PlainSockets } from './plain-sockets.ts'
import type { UpgradePipe } from './upgrade-pipe.ts'

export interface HttpServerInit {
  readonly host: string
  readonly port: number
  /** Who stands at the door: sockets that ask, and those that have not asked yet. */
  readonly sockets: PlainSockets
  /** Speaks https and wss with it; without it http and ws. */
  readonly certificate?: Certificate | undefined
}

/** The one public port. */
export class HttpServer {
  readonly #server: Server | TlsServer
  readonly #init: HttpServerInit

  constructor(answer: RequestListener, pipe: UpgradePipe, init: HttpServerInit) {
    this.#init = init
    const options: ServerOptions = {
      maxHeaderSize: MAX_HTTP_HEADER_BYTES,
      headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
      requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
      keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
      connectionsCheckingInterval: HTTP_CHECK_MS,
      noDelay: true,
      // Some clients offer h2c with each request; only a WebSocket is an upgrade here.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    }
    this.#server = init.certificate
      ? createTlsServer(
          {
            ...options,
            ...init.certificate.current,
            minVersion: 'TLSv1.2',
            handshakeTimeout: HTTP_HEADERS_TIMEOUT_MS,
          },
          answer,
        )
      : createServer(options, answer)
    admitFirst(this.#server, init.sockets)
    this.#server.prependListener('request', init.sockets.onRequest)
    this.#server.on('upgrade', (request, socket, head) => {
      if (pipe.handle(request, socket, head)) init.sockets.release(request.socket)
    })
    this.#server.maxHeadersCount = MAX_HTTP_HEADERS
    this.#server.timeout = HTTP_STALL_MS
    init.certificate?.onChange((renewed) => (this.#server as TlsServer).setSecureContext(renewed))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#init.port
  }

  /** Where a browser on this machine opens the page. */
  get url(): string {
    const { host, certificate } = this.#init
    const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
    return `${certificate ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${this.port}/`
  }

  /** @throws StartError when the port is taken or may not be used. */
  async listen(): Promise<void> {
    const { host, port } = this.#init
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen({ host, port, backlog: 1024 }, resolve)
    try {
      await promise
    } catch (cause) {
      const code = systemCode(cause) ?? ''
      const reason =
        { EADDRINUSE: 'is in use', EACCES: 'may not be used by this user' }[code] ??
        `cannot be opened (${systemReason(cause)})`
      throw new StartError(
        `Port ${port} on ${host} ${reason}.`,
        'Choose another with --port, or 0 for any free one.',
        { cause },
      )
    } finally {
      this.#server.removeListener('error', reject)
    }
  }

  /** Takes no more, lets answers that are being sent end until the signal aborts, then cuts them. */
  async close({ signal }: { signal: AbortSignal }): Promise<void> {
    this.#init.sockets.stop()
    const { promise, resolve } = Promise.withResolvers<void>()
    const cut = (): void => this.#server.closeAllConnections()
    this.#server.close(() => resolve()) // closes idle connections too
    if (signal.aborted) cut()
    signal.addEventListener('abort', cut, { once: true })
    await promise
    signal.removeEventListener('abort', cut)
  }
}

/** Asks the door before anything is made for a socket: not even a TLS handshake begins for one that has to go. */
function admitFirst(server: Server | TlsServer, sockets: PlainSockets): void {
  const listeners = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    sockets.admit(socket, () => {
      for (const listener of listeners) listener.call(server, socket)
    })
  })
}
