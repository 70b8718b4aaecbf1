import { toHex, type Address, type Hex, type PublicClient } from 'viem'
import * as v from 'valibot'
import { peerIdFromString } from '@libp2p/peer-id'
import { toHex as bytesToHex } from '#shared/base/bytes.ts'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type PeerName } from '#shared/base/ids.ts'
import { stakeAt, stakeState, type StakeState } from '#shared/chain/reads.ts'
import { baseUnits, millis } from '#shared/base/units.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { Staked } from '#shared/verify/board/staked.ts'
import type { Logger } from '../observe/log.ts'
import type { ChainHead } from './chain-head.ts'
import type { ChainNode } from './chain-node.ts'
import { forEachOf } from './for-each-of.ts'
import {
  LOG_SPANS_PER_LOOK,
  MAX_LOG_BLOCKS,
  MAX_OPERATORS,
  MAX_READS_PER_LOOK,
  REORG_BLOCKS,
  REREAD_PER_LOOK,
  STAKE_LOOK_MIN_MS,
} from './limits.ts'

interface Operator {
  readonly state: StakeState
  /** Active with at least the minimum at work. */
  readonly isActive: boolean
  /** Raw Ed25519 key, 64 lower-case hex digits. */
  readonly peerKey: string
  /** What works for it, in base units of INF. */
  readonly stake: bigint
}

export interface StakeWatchComponents {
  readonly node: Pick<ChainNode, 'request'>
  readonly client: PublicClient
  readonly head: Pick<ChainHead, 'fresh'>
  readonly clock: Clock
  readonly log: Logger
}

const PARALLEL = 8
const logsSchema = v.array(
  v.object({ address: v.string(), topics: v.pipe(v.array(v.string()), v.maxLength(4)) }),
)
const OPERATOR_TOPIC = /^0x0{24}([0-9a-fA-F]{40})$/

/**
 * Knows which operators of the stake contract are active and which are jailed.
 *
 * Logs only say whom to look at: what is believed is the contract's state, read at the newest block. So a
 * reorganisation, a missing log or one that was made up costs time, never the truth.
 */
export class StakeWatch {
  readonly #components: StakeWatchComponents
  readonly #network: NetworkFile
  readonly #operators = new Map<Address, Operator>()
  readonly #byKey = new Map<string, Set<Address>>()
  readonly #named = new Set<Address>()
  #next: bigint
  #reread = 0
  #timer: { stop(): void } | undefined
  #isStopped = false

  constructor(components: StakeWatchComponents, network: NetworkFile) {
    this.#components = components
    this.#network = network
    this.#next = BigInt(network.deployBlock)
  }

  /** Operators in that state. */
  count(state: 'active' | 'jailed'): number {
    let count = 0
    for (const operator of this.#operators.values())
      if (state === 'active' ? operator.isActive : operator.state === 'jailed') count++
    return count
  }

  /**
   * False for a peer whose operator is jailed. Anybody may register anybody's key, so one that is jailed counts against
   * a peer only as long as no active operator names the same key.
   */
  mayIntroduce(peer: PeerName): boolean {
    const operators = [...(this.#byKey.get(keyOf(peer)) ?? [])].map((each) => this.#operators.get(each))
    const isJailed = operators.some((operator) => operator?.state === 'jailed')
    return !isJailed || operators.some((operator) => operator?.isActive)
  }

  /**
   * The active operator that names a peer's key, the one with most stake where several do: anybody may name anybody's
   * key, and only lends it stake that can be lost for what the peer does.
   */
  stakeOf(peer: PeerName): Staked | undefined {
    let best: Staked | undefined
    for (const address of [...(this.#byKey.get(keyOf(peer)) ?? [])].sort()) {
      const operator = this.#operators.get(address)
      if (operator?.isActive && (!best || operator.stake > best.stake))
        best = { operator: chainAddress(address), stake: baseUnits(operator.stake) }
    }
    return best
  }

  start(): void {
    this.#schedule(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    const { clock, log } = this.#components
    this.#timer = clock.schedule(millis(delayMs), () => {
      const everyMs = Math.max(STAKE_LOOK_MIN_MS, this.#network.blockSeconds * 1000)
      this.look()
        .catch((thrown: unknown) => log.debug({ err: thrown }, 'the stake contract could not be read'))
        .finally(() => this.#schedule(everyMs))
    })
  }

  /** Reads what is new, and some of what is known again. @throws InfernetError `chain.unavailable`. */
  async look(): Promise<void> {
    const { number } = await this.#components.head.fresh()
    await this.#readLogs(number)
    const named = [...this.#named].slice(0, MAX_READS_PER_LOOK)
    const known = [...this.#operators.keys()]
    const start = known.length > 0 ? this.#reread % known.length : 0
    const again = [...known.slice(start), ...known.slice(0, start)].slice(0, REREAD_PER_LOOK)
    this.#reread = start + again.length
    await forEachOf([...new Set([...named, ...again])], PARALLEL, (operator) => this.#readState(operator))
    for (const operator of named) this.#named.delete(operator)
  }

  /** Notes whom the logs name, from a little before where the last look ended. */
  async #readLogs(newest: bigint): Promise<void> {
    const first = BigInt(this.#network.deployBlock)
    if (this.#next > newest) this.#next = newest // the chain is shorter than it was
    const from = this.#next - BigInt(REORG_BLOCKS)
    let at = from > first ? from : first
    for (let span = 0; span < LOG_SPANS_PER_LOOK && at <= newest; span++) {
      const end = at + BigInt(MAX_LOG_BLOCKS) - 1n
      const to = end < newest ? end : newest
      const filter = { address: this.#network.contracts.stake, fromBlock: toHex(at), toBlock: toHex(to) }
      const read = v.safeParse(logsSchema, await this.#components.node.request('eth_getLogs', [filter]))
      for (const { address, topics } of read.success ? read.output : []) this.#note(address, topics)
      at = to + 1n
      this.#next = at
    }
  }

  #note(address: string, topics: readonly string[]): void {
    const digits = OPERATOR_TOPIC.exec(topics[1] ?? '')?.[1]
    if (address.toLowerCase() !== this.#network.contracts.stake.toLowerCase() || digits === undefined) return
    if (this.#named.size < MAX_OPERATORS) this.#named.add(`0x${digits.toLowerCase()}`)
  }

  async #readState(operator: Address): Promise<void> {
    const read = stakeAt(this.#components.client, this.#network.contracts.stake)
    const [{ state, stake }, peerKey, isActive] = await Promise.all([
      read('operatorOf', operator),
      read('peerKeyOf', operator),
      read('isActive', operator),
    ])
    this.#put(operator, { state: stakeState(state), isActive, peerKey: hexOf(peerKey), stake })
  }

  #put(address: Address, operator: Operator): void {
    const known = this.#operators.get(address)
    if (known) this.#forget(address, known.peerKey)
    if (operator.state === 'none' || (!known && this.#operators.size >= MAX_OPERATORS)) return
    this.#operators.set(address, operator)
    const same = this.#byKey.get(operator.peerKey)
    if (same) same.add(address)
    else this.#byKey.set(operator.peerKey, new Set([address]))
  }

  #forget(address: Address, peerKey: string): void {
    this.#operators.delete(address)
    const same = this.#byKey.get(peerKey)
    same?.delete(address)
    if (same?.size === 0) this.#byKey.delete(peerKey)
  }
}

const hexOf = (word: Hex): string => word.slice(2).toLowerCase()

/** The key inside a peer's name. */
function keyOf(peer: PeerName): string {
  const key = peerIdFromString(peer).publicKey
  return key ? bytesToHex(key.raw) : ''
}
