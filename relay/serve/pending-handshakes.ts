import type { Socket } from 'node:net'
import { Crowd } from '../base/crowd.ts'
import {
  HANDSHAKE_SILENCE_MS,
  HANDSHAKE_SWEEP_MS,
  MAX_PENDING_HANDSHAKES,
  SILENT_HANDSHAKE_GRACE_MS,
} from '../base/limits.ts'

/** Why a handshake is cut: it says nothing, or others need its place. */
export type HandshakeCut = 'silent-handshake' | 'crowded-handshakes'

export interface PendingHandshakesInit {
  readonly onCut?: ((reason: HandshakeCut) => void) | undefined
  /** @default MAX_PENDING_HANDSHAKES */
  readonly max?: number | undefined
  /** A client that sends nothing for this long is cut. @default HANDSHAKE_SILENCE_MS */
  readonly silentMs?: number | undefined
  /** How often that is looked at. @default HANDSHAKE_SWEEP_MS */
  readonly sweepMs?: number | undefined
}

interface Handshake {
  readonly client: Socket
  /** True once it was answered: what comes next has to come from the client. */
  isItsTurn: boolean
  quietMs: number
  readonly stopListening: () => void
}

/**
 * WebSockets whose other side has not proved yet who it is: libp2p works on so many at once, of all addresses together,
 * and waits 10 s for each.
 *
 * So who says nothing is cut early; and when all places are taken, the address with most gives one to the newcomer:
 * first one that is silent, else its newest, for what has begun shall come to its end.
 */
export class PendingHandshakes {
  readonly #init: Required<{ [K in keyof PendingHandshakesInit]: NonNullable<PendingHandshakesInit[K]> }>
  readonly #crowd = new Crowd<Handshake>()
  readonly #handshakes = new Map<Socket, Handshake>()
  readonly #sweep: NodeJS.Timeout

  constructor(init: PendingHandshakesInit = {}) {
    this.#init = {
      onCut: init.onCut ?? (() => undefined),
      max: init.max ?? MAX_PENDING_HANDSHAKES,
      silentMs: init.silentMs ?? HANDSHAKE_SILENCE_MS,
      sweepMs: init.sweepMs ?? HANDSHAKE_SWEEP_MS,
    }
    this.#sweep = setInterval(() => this.#cutSilent(), this.#init.sweepMs).unref()
  }

  get size(): number {
    return this.#handshakes.size
  }

  /** Counts the handshake of a client from its upgrade on; may cut another one, or this one. */
  begin(client: Socket, upstream: Socket, group: string): void {
    const onWord = (): void => {
      handshake.isItsTurn = false
      handshake.quietMs = 0
    }
    const onAnswer = (): void => void (handshake.isItsTurn = true)
    const handshake: Handshake = {
      client,
      isItsTurn: false,
      quietMs: 0,
      stopListening: () => {
        client.removeListener('data', onWord)
        upstream.removeListener('data', onAnswer)
      },
    }
    client.on('data', onWord).once('close', () => this.end(client))
    upstream.on('data', onAnswer)
    this.#handshakes.set(client, handshake)
    this.#crowd.add(handshake, group)
    if (this.#handshakes.size <= this.#init.max) return
    const isSilent = ({ quietMs }: Handshake): boolean => quietMs >= SILENT_HANDSHAKE_GRACE_MS
    this.#cut(this.#crowd.giveWayTo(handshake, isSilent) ?? handshake, 'crowded-handshakes')
  }

  /** It is known who the client is, or it has gone. */
  end(client: Socket): void {
    const handshake = this.#handshakes.get(client)
    if (!handshake) return
    handshake.stopListening()
    this.#handshakes.delete(client)
    this.#crowd.remove(handshake)
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#sweep)
  }

  /** Counts looks, not time: while the relay stands still it hears nobody. Nor does who waits for the relay waste time. */
  #cutSilent(): void {
    for (const handshake of this.#handshakes.values()) {
      if (!handshake.isItsTurn) continue
      handshake.quietMs += this.#init.sweepMs
      if (handshake.quietMs >= this.#init.silentMs) this.#cut(handshake, 'silent-handshake')
    }
  }

  #cut({ client }: Handshake, reason: HandshakeCut): void {
    this.end(client)
    client.destroy()
    this.#init.onCut(reason)
  }
}
