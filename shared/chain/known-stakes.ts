import { peerIdFromString } from '@libp2p/peer-id'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { ChainAddress, PeerName } from '../base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS, type Millis } from '../base/units.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Staked, Stakes } from '../schedule/record/heard.ts'

/** A stake that was read so long ago counts no more: an operator may have been jailed since. */
const COUNTS_MS = 30 * MINUTE_MS
/** One that is asked for is read again after this, while the last reading still counts. */
const READ_AGAIN_MS = 10 * MINUTE_MS
/** A node that does not answer is asked again after this. */
const RETRY_MS = MINUTE_MS
const READ_DEADLINE_MS = 8 * SECOND_MS
/** Each reading is four questions to a node that others ask as well, and two for each jailed operator with that key. */
const READ_RATE = { burst: 32, perSecond: 0.5 }
/** Of one peer: relays that lie name others than it has. */
const MAX_OPERATORS_PER_PEER = 4
/** Auditors and providers that a consumer hears of; some 200 bytes each. */
const MAX_REMEMBERED = 1024

/** What the stake contract says of an operator. */
export interface OperatorSeen {
  /** Active with at least the minimum at work, and its key is in jail with no other operator. */
  readonly isActive: boolean
  /** Raw Ed25519 key of its node, 64 lower-case hex digits; undefined where that key did not sign for it. */
  readonly peerKey: string | undefined
  /** What works for it, in base units of INF. */
  readonly stake: bigint
}

/** Reads one operator. Undefined where no chain is known. @throws whatever the node's client does */
export type ReadOperator = (
  operator: ChainAddress,
  options: { readonly signal: AbortSignal },
) => Promise<OperatorSeen | undefined>

interface Reading {
  /** Undefined where nothing could be read yet, or no chain is known. */
  seen: OperatorSeen | undefined
  seenAt: Millis | undefined
  triedAt: Millis | undefined
  going: Promise<void> | undefined
}

/**
 * Who has a stake, by the chain. Relays say which operator a peer belongs to, and the contract decides: one that is active
 * and has that peer key's signature counts in full, by the most stake where several do. `of` never waits.
 *
 * @example
 * const stakes = new KnownStakes({ clock, read: operatorReader(client, { chainId, stake }) }) // operator-reader.ts
 * await stakes.said(auditor, [operator])
 * stakes.of(auditor) // { operator, share: 1 }
 */
export class KnownStakes implements Stakes {
  readonly #clock: Clock
  readonly #read: ReadOperator
  readonly #rate: TokenBucket
  readonly #readings = new Map<ChainAddress, Reading>()
  readonly #operators = new Map<PeerName, { readonly key: string; readonly said: readonly ChainAddress[] }>()

  constructor({ clock, read }: { readonly clock: Clock; readonly read: ReadOperator }) {
    this.#clock = clock
    this.#read = read
    this.#rate = new TokenBucket(clock, READ_RATE)
  }

  of(peer: PeerName): Staked | undefined {
    const { key, said = [] } = this.#operators.get(peer) ?? {}
    let best: { readonly operator: ChainAddress; readonly stake: bigint } | undefined
    for (const operator of said) {
      void this.#look(operator)
      const { seen, seenAt = -Infinity } = this.#readings.get(operator) ?? {}
      const counts = seen?.isActive && seen.peerKey === key && this.#clock.monotonic() - seenAt < COUNTS_MS
      if (counts && (!best || seen.stake > best.stake)) best = { operator, stake: seen.stake }
    }
    return best && { operator: best.operator, share: 1 }
  }

  /**
   * Somebody says that these operators name the peer's key. Resolves when each was read, or could not be; never rejects.
   */
  async said(peer: PeerName, operators: readonly ChainAddress[]): Promise<void> {
    const { key = keyOf(peer), said: known = [] } = this.#operators.get(peer) ?? {}
    // Those that the contract confirmed stay; of what is only said the newest counts.
    const right = known.filter((operator) => this.#readings.get(operator)?.seen?.peerKey === key)
    const all = [...new Set([...right, ...operators, ...known])].slice(0, MAX_OPERATORS_PER_PEER)
    this.#operators.delete(peer)
    if (all.length > 0) this.#operators.set(peer, { key, said: all })
    trim(this.#operators)
    await Promise.all(all.map((operator) => this.#look(operator)))
  }

  /** Reads an operator where it is due, and the rate lets it. */
  async #look(operator: ChainAddress): Promise<void> {
    const now = this.#clock.monotonic()
    const reading = this.#readings.get(operator) ?? newReading()
    this.#readings.delete(operator)
    this.#readings.set(operator, reading)
    trim(this.#readings)
    const { seenAt = -Infinity, triedAt = -Infinity, going } = reading
    if (going) return going
    if (now - seenAt < READ_AGAIN_MS || now - triedAt < RETRY_MS || !this.#rate.take()) return
    reading.triedAt = now
    reading.going = this.#readNow(operator, reading)
    await reading.going
  }

  async #readNow(operator: ChainAddress, reading: Reading): Promise<void> {
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: READ_DEADLINE_MS })
    try {
      const read = (signal: AbortSignal) => this.#read(operator, { signal })
      reading.seen = await withDeadline(this.#clock, millis(READ_DEADLINE_MS), late, read)
      reading.seenAt = this.#clock.monotonic()
    } catch {
      // What was read last counts for a while; then nobody has a stake.
    } finally {
      reading.going = undefined
    }
  }
}

function newReading(): Reading {
  return { seen: undefined, seenAt: undefined, triedAt: undefined, going: undefined }
}

/** The eldest go. */
function trim(map: Map<unknown, unknown>): void {
  for (const eldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) return
    map.delete(eldest)
  }
}

/** The key inside a peer's name; empty where there is none. */
function keyOf(peer: PeerName): string {
  try {
    const key = peerIdFromString(peer).publicKey
    return key ? toHex(key.raw) : ''
  } catch {
    return ''
  }
}
