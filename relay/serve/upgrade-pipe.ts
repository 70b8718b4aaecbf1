import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '#shared/base/clock.ts'
import {
  PIPE_CONNECT_TIMEOUT_MS,
  SILENCE_SWEEP_MS,
  SILENT_CLIENT_MS,
  HANDSHAKE_RATE,
  MAX_WAITING_HANDSHAKES,
  TURN_LOOK_MS,
} from '../base/limits.ts'
import { Crowd } from '../base/crowd.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { AddressLimiter, Refusal } from './address-limiter.ts'
import type { ClientAddress, FindClientAddress } from './client-address.ts'
import { PendingHandshakes, type HandshakeCut, type PendingHandshakesInit } from './pending-handshakes.ts'
import { refuseSocket } from './respond.ts'
import { Turns } from './turns.ts'

/** Why an upgrade is refused. The words are the labels of the metric. */
export type UpgradeRefusal = Refusal | 'not-ready' | 'not-websocket' | 'denied-address'

export interface UpgradePipeComponents {
  /** @default the machine's own */
  readonly clock?: Clock
  readonly limiter: AddressLimiter
  readonly clientAddress: FindClientAddress
  /** The port of libp2p's WebSocket listener on 127.0.0.1, or undefined while it is not up. */
  readonly targetPort: () => number | undefined
  readonly onAccepted?: () => void
  readonly onRefused?: (reason: UpgradeRefusal) => void
  /** A WebSocket was cut. */
  readonly onCut?: (reason: HandshakeCut | 'crowded-connections') => void
  /** False for an address that the operator turns away. @default everybody may come */
  readonly mayAddress?: (ip: string) => boolean
}

export interface UpgradePipeInit {
  /** A client that sends nothing for this long is cut. @default SILENT_CLIENT_MS */
  readonly silentMs?: number
  /** How often that is looked at. @default SILENCE_SWEEP_MS */
  readonly sweepMs?: number
  readonly handshakes?: Omit<PendingHandshakesInit, 'onCut'>
}

interface Pipe {
  readonly client: Socket
  readonly address: ClientAddress
  /** Gives its place back. */
  leave: () => void
  isJoined: boolean
  bytesRead: number
  quietMs: number
}

/**
 * Hands WebSocket upgrades to libp2p's own listener on loopback, byte for byte, once the limits allow them.
 *
 * Remembers which client stands behind which loopback port, because libp2p sees them all at 127.0.0.1.
 */
export class UpgradePipe {
  readonly #components: UpgradePipeComponents
  readonly #silentMs: number
  readonly #sweepMs: number
  readonly #turns: Turns
  readonly #handshakes: PendingHandshakes
  /** By the port from which they come to libp2p. */
  readonly #byPort = new Map<number, Pipe>()
  readonly #pipes = new Set<Pipe>()
  readonly #crowd = new Crowd<Pipe>()
  readonly #sweep: NodeJS.Timeout

  constructor(components: UpgradePipeComponents, init: UpgradePipeInit = {}) {
    this.#components = components
    this.#silentMs = init.silentMs ?? SILENT_CLIENT_MS
    this.#sweepMs = init.sweepMs ?? SILENCE_SWEEP_MS
    this.#turns = new Turns(components.clock ?? nodeClock, {
      rate: HANDSHAKE_RATE,
      max: MAX_WAITING_HANDSHAKES,
      lookMs: TURN_LOOK_MS,
    })
    this.#handshakes = new PendingHandshakes({ ...init.handshakes, onCut: components.onCut })
    // One timer for all sockets: 1000 idle timers would be rescheduled at each frame.
    this.#sweep = setInterval(() => this.#dropSilent(), this.#sweepMs).unref()
  }

  /** WebSockets that are piped now. */
  get size(): number {
    return this.#pipes.size
  }

  /** Who connected from that loopback port; undefined when it was not piped by us. */
  clientBehind(port: number): ClientAddress | undefined {
    return this.#byPort.get(port)?.address
  }

  /** Tells that whoever is behind that loopback port has proved who it is. */
  markJoined(port: number): void {
    const pipe = this.#byPort.get(port)
    if (!pipe) return
    pipe.isJoined = true
    this.#handshakes.end(pipe.client)
  }

  /** Takes an `upgrade` of the HTTP server; false when it was refused. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const client = socket as Socket // an HTTP server hands over net or TLS sockets
    client.on('error', () => client.destroy())
    const { limiter, clientAddress, targetPort, onRefused } = this.#components
    if (!isWebSocketRequest(request)) {
      onRefused?.('not-websocket')
      return refuse(client, 400, 'Bad Request')
    }
    const port = targetPort()
    if (port === undefined) {
      onRefused?.('not-ready')
      return refuse(client, 503, 'Service Unavailable')
    }
    const address = clientAddress(request)
    if (this.#components.mayAddress?.(address.ip) === false) {
      onRefused?.('denied-address')
      return refuse(client, 403, 'Forbidden')
    }
    const pipe: Pipe = { client, address, leave: () => undefined, isJoined: false, bytesRead: 0, quietMs: 0 }
    const leave = limiter.enter(address.group, 1, () => this.#makeRoom(pipe))
    if (typeof leave === 'string') {
      onRefused?.(leave)
      const isOurs = leave === 'total' || leave === 'table-full'
      return refuse(client, isOurs ? 503 : 429, isOurs ? 'Service Unavailable' : 'Too Many Requests')
    }
    pipe.leave = leave
    this.#pipes.add(pipe)
    this.#crowd.add(pipe, address.group)
    client.once('close', () => this.#close(pipe))
    client.setTimeout(0) // the server's stall timeout is for answers; silence is swept here
    const begin = (): void => this.#open(request, pipe, head, port)
    const lose = (): void => {
      this.#close(pipe)
      this.#components.onCut?.('crowded-handshakes')
      refuseSocket(client, 503, 'Service Unavailable')
    }
    client.once('close', this.#turns.wait(address.group, begin, lose))
    return true
  }

  /** Cuts all pipes. */
  close(): void {
    clearInterval(this.#sweep)
    this.#handshakes.stop()
    this.#turns.stop()
    for (const { client } of this.#pipes) client.destroy()
  }

  /** When all places are taken, who has most gives one to who has less: first one that has not joined yet. */
  #makeRoom(newcomer: Pipe): boolean {
    this.#crowd.add(newcomer, newcomer.address.group)
    const leaver = this.#crowd.giveWayTo(newcomer, ({ isJoined }) => !isJoined)
    if (!leaver || leaver === newcomer || leaver.address.group === newcomer.address.group) {
      this.#crowd.remove(newcomer)
      return false
    }
    this.#close(leaver)
    leaver.client.destroy()
    this.#components.onCut?.('crowded-connections')
    return true
  }

  #close(pipe: Pipe): void {
    pipe.leave()
    this.#pipes.delete(pipe)
    this.#crowd.remove(pipe)
  }

  #open(request: IncomingMessage, pipe: Pipe, head: Buffer, port: number): void {
    const { client } = pipe
    const upstream = connect({ host: '127.0.0.1', port, noDelay: true, timeout: PIPE_CONNECT_TIMEOUT_MS })
    client.setNoDelay(true)
    client.setKeepAlive(true, SILENT_CLIENT_MS)
    upstream.once('timeout', () => upstream.destroy())
    upstream.on('error', () => upstream.destroy())
    upstream.once('connect', () => {
      upstream.setTimeout(0)
      const localPort = upstream.localPort ?? 0
      this.#byPort.set(localPort, pipe)
      upstream.once('close', () => this.#byPort.delete(localPort))
      this.#components.onAccepted?.()
      upstream.write(upgradeRequest(request))
      if (head.length > 0) upstream.write(head)
      this.#handshakes.begin(client, upstream, pipe.address.group)
      client.pipe(upstream)
      upstream.pipe(client)
    })
    // The server's sockets allow half-open ends, so `pipe` alone would leave one side standing after the other closed.
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => {
      this.#pipes.delete(pipe)
      if (client.writableEnded) client.destroySoon()
      else client.destroy()
    })
  }

  /** Only what the client sends counts: writing to a vanished client succeeds for minutes. */
  #dropSilent(): void {
    for (const pipe of this.#pipes) {
      if (pipe.client.bytesRead !== pipe.bytesRead) pipe.quietMs = 0
      else pipe.quietMs += this.#sweepMs
      pipe.bytesRead = pipe.client.bytesRead
      if (pipe.quietMs >= this.#silentMs) pipe.client.destroy()
    }
  }
}

function refuse(client: Socket, status: number, reason: string): false {
  refuseSocket(client, status, reason)
  return false
}

function isWebSocketRequest({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  )
}

/** Written anew from what a handshake needs: no cookie, no second length, nothing for two parsers to differ about. */
function upgradeRequest({ headers }: IncomingMessage): string {
  return [
    'GET / HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${headers['sec-websocket-key']}`,
    '\r\n',
  ].join('\r\n')
}
