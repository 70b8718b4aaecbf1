import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '#shared/base/clock.ts'
import { Crowd } from '../base/crowd.ts'
import { MAX_PLAIN_SOCKETS, UNASKED_SOCKET_GRACE_MS } from '../base/limits.ts'
import type { AddressLimiter } from './address-limiter.ts'
import type { FindClientAddress } from './client-address.ts'
import type { Turns } from './turns.ts'

export interface PlainSocketsComponents {
  readonly clock: Clock
  readonly clientAddress: FindClientAddress
  /** How many new ones an address may open; undefined where a socket costs next to nothing before it asks. */
  readonly pace?: AddressLimiter | undefined
  /** When each may begin; undefined where what begins costs next to nothing. @default at once */
  readonly turns?: Turns | undefined
  /** A socket was cut: another address needs its place, or its own opens too many. */
  readonly onCut?: (reason: 'crowded' | 'address-rate') => void
}

export interface PlainSocketsInit {
  /** @default MAX_PLAIN_SOCKETS */
  readonly max?: number
  /** @default UNASKED_SOCKET_GRACE_MS */
  readonly graceMs?: number
}

interface Member {
  readonly key: string
  readonly socket: Socket
  /** Whether its turn has come: until then the server does not know it. */
  hasBegun: boolean
  /** Requests that are being answered. */
  asked: number
  /** Since when it has asked for nothing. */
  idleSince: number
}

/**
 * The sockets of the public port that are no WebSocket: those that ask, and those that have not said yet what they want.
 *
 * They have places of their own, so they take none from the WebSockets. A newcomer always gets in: when all places are
 * taken, one of the address with most goes, first one that has asked nothing for a while. So a flood takes places from
 * itself, and others in its own network still get one.
 */
export class PlainSockets {
  readonly #components: PlainSocketsComponents
  readonly #init: Required<PlainSocketsInit>
  readonly #crowd = new Crowd<Member>()
  /** By both ends: of a TLS socket only its ends tell which socket of the port it came through. */
  readonly #members = new Map<string, Member>()

  constructor(components: PlainSocketsComponents, init: PlainSocketsInit = {}) {
    this.#components = components
    this.#init = { max: MAX_PLAIN_SOCKETS, graceMs: UNASKED_SOCKET_GRACE_MS, ...init }
  }

  get size(): number {
    return this.#crowd.size
  }

  /** Counts a socket that was just accepted, and begins with it when its turn has come; false when it had to go at once. */
  admit(socket: Socket, begin: () => void): boolean {
    const { clock, clientAddress, pace, turns, onCut } = this.#components
    if (socket.destroyed) return false
    const { group } = clientAddress({ headers: {}, socket })
    const paced = pace?.enter(group)
    if (typeof paced === 'string') {
      cut(socket)
      onCut?.('address-rate')
      return false
    }
    paced?.()
    const now = clock.monotonic()
    const member: Member = { key: keyOf(socket), socket, hasBegun: false, asked: 0, idleSince: now }
    this.#members.set(member.key, member)
    this.#crowd.add(member, group)
    socket.once('close', () => this.#leave(member))
    const wastesTime = ({ asked, idleSince }: Member): boolean =>
      asked === 0 && now - idleSince >= this.#init.graceMs
    const cutCrowded = (leaver: Member): void => {
      this.#leave(leaver)
      cut(leaver.socket)
      onCut?.('crowded')
    }
    if (this.#crowd.size > this.#init.max) {
      const leaver = this.#crowd.giveWayTo(member, wastesTime) ?? member
      cutCrowded(leaver)
      if (leaver === member) return false
    }
    const beginWith = (): void => {
      member.hasBegun = true
      begin()
    }
    if (turns) {
      socket.on('error', () => undefined) // while it waits nobody else listens to it
      const giveUp = turns.wait(group, beginWith, () => cutCrowded(member))
      socket.once('close', giveUp)
    } else beginWith()
    return true
  }

  /** Gives no more turns, and cuts those that wait for one. */
  stop(): void {
    this.#components.turns?.stop()
    for (const { hasBegun, socket } of this.#members.values()) if (!hasBegun) cut(socket)
  }

  /** For `request` of the server: behind a proxy only now it is known whose socket it is. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const member = this.#members.get(keyOf(request.socket))
    if (!member) return
    member.asked++
    response.once('close', () => {
      member.asked--
      member.idleSince = this.#components.clock.monotonic()
    })
    this.#crowd.add(member, this.#components.clientAddress(request).group)
  }

  /** Gives the place of a socket back that is a WebSocket now. */
  release(socket: Socket): void {
    const member = this.#members.get(keyOf(socket))
    if (member) this.#leave(member)
  }

  #leave(member: Member): void {
    this.#crowd.remove(member)
    if (this.#members.get(member.key) === member) this.#members.delete(member.key)
  }
}

function cut(socket: Socket): void {
  socket.on('error', () => undefined) // a newcomer has nobody yet who listens to it
  socket.resetAndDestroy() // a goodbye would leave its state in the kernel for a minute
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
