import { toHex, type Address, type PublicClient } from 'viem'
import * as v from 'valibot'
import { peerIdFromString } from '@libp2p/peer-id'
import { toHex as bytesToHex } from '#shared/base/bytes.ts'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type PeerName } from '#shared/base/ids.ts'
import { signedKeys, type BindingOnChain, type SignedKeys } from '#shared/chain/bindings.ts'
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
  /** All that it named, as the contract tells it: what was verified is not verified again. */
  readonly bindings: readonly BindingOnChain[]
  /** Of those, what the keys really signed. */
  readonly keys: SignedKeys
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
 * Knows which operators of the stake contract are active and which are jailed. Anybody may name anybody's key there, so
 * only a key that has signed for an operator lends it to a peer; then a jail counts against that key wherever else it is
 * named, now or later, until the court ends it.
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

  /** False for a peer whose key ever signed for an operator that is jailed now, whomever it signs for today. */
  mayIntroduce(peer: PeerName): boolean {
    const signed = [...(this.#byKey.get(keyOf(peer)) ?? [])]
    return !signed.some((address) => this.#operators.get(address)?.state === 'jailed')
  }

  /**
   * The active operator that names a peer's key last and has its signature, the one with most stake where several do.
   * Undefined for a peer that may not be introduced.
   */
  stakeOf(peer: PeerName): Staked | undefined {
    if (!this.mayIntroduce(peer)) return undefined
    const key = keyOf(peer)
    let best: Staked | undefined
    for (const address of [...(this.#byKey.get(key) ?? [])].sort()) {
      const operator = this.#operators.get(address)
      if (operator?.isActive && operator.keys.present === key && (!best || operator.stake > best.stake))
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
    const [{ state, stake }, bindings, isActive] = await Promise.all([
      read('operatorOf', operator),
      read('bindingsOf', operator),
      read('isActive', operator),
    ])
    const known = this.#operators.get(operator)
    const { chainId, contracts } = this.#network
    const keys = areSame(known?.bindings, bindings)
      ? known.keys
      : await signedKeys(bindings, { chainId, stake: contracts.stake }, operator)
    this.#put(operator, { state: stakeState(state), isActive, bindings, keys, stake })
  }

  #put(address: Address, operator: Operator): void {
    const known = this.#operators.get(address)
    if (known) this.#forget(address, known.keys)
    if (operator.state === 'none' || (!known && this.#operators.size >= MAX_OPERATORS)) return
    this.#operators.set(address, operator)
    for (const key of operator.keys.all) {
      const same = this.#byKey.get(key)
      if (same) same.add(address)
      else this.#byKey.set(key, new Set([address]))
    }
  }

  #forget(address: Address, { all }: SignedKeys): void {
    this.#operators.delete(address)
    for (const key of all) {
      const same = this.#byKey.get(key)
      same?.delete(address)
      if (same?.size === 0) this.#byKey.delete(key)
    }
  }
}

function areSame(
  known: readonly BindingOnChain[] | undefined,
  read: readonly BindingOnChain[],
): known is readonly BindingOnChain[] {
  const isSame = (a: BindingOnChain | undefined, b: BindingOnChain): boolean =>
    a?.peerKey === b.peerKey && a.r === b.r && a.s === b.s
  return known?.length === read.length && read.every((binding, i) => isSame(known[i], binding))
}

/** The key inside a peer's name. */
function keyOf(peer: PeerName): string {
  const key = peerIdFromString(peer).publicKey
  return key ? bytesToHex(key.raw) : ''
}
