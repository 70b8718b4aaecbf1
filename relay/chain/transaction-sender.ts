import { keccak256, type Address, type Hex, type PrivateKeyAccount, type TransactionReceipt } from 'viem'
import type { PublicClient } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { NodeError } from './node-error.ts'

export interface SenderComponents {
  readonly client: PublicClient
  readonly account: PrivateKeyAccount
  readonly clock: Clock
}

export interface SenderInit {
  readonly chainId: number
  readonly blockSeconds: number
}

export interface Call {
  readonly to: Address
  readonly data?: Hex
  readonly value?: bigint
  /** @default estimated, with a fifth on top */
  readonly gas?: bigint
}

/** A transaction that a node has taken. */
export interface SentTransaction {
  readonly hash: Hex
  /** Resolves with its receipt, or that of the dearer one that replaced it; rejects when it was never mined. */
  readonly mined: Promise<TransactionReceipt>
}

interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** How often one that is not mined is sent again with higher fees: nodes want an eighth more to replace one. */
const MAX_REPLACEMENTS = 3
const RAISE_PERCENT = 130n
/** Blocks to wait before that. */
const PATIENCE_BLOCKS = 5
const MIN_PATIENCE_MS = 5000
/** Between two looks for a receipt. */
const MIN_LOOK_MS = 50
const MAX_LOOK_MS = 3000

/** Sends the transactions of one account: one nonce after the other, and again with higher fees when one is stuck. */
export class TransactionSender {
  readonly #components: SenderComponents
  readonly #init: SenderInit
  #turn: Promise<unknown> = Promise.resolve()
  #nextNonce = 0
  #stop = new AbortController()

  constructor(components: SenderComponents, init: SenderInit) {
    this.#components = components
    this.#init = init
  }

  get address(): Address {
    return this.#components.account.address
  }

  /** Gives up all waiting. What is sent already may still be mined. */
  stop(): void {
    this.#stop.abort(new InfernetError('chain.unavailable'))
  }

  /**
   * Sends in turn.
   *
   * @throws NodeError or viem's error for what the chain refuses, InfernetError `chain.unavailable`.
   */
  send(call: Call): Promise<SentTransaction> {
    const sent = this.#turn.then(() => this.#send(call))
    this.#turn = sent.catch(() => undefined)
    return sent
  }

  async #send(call: Call): Promise<SentTransaction> {
    const { client, account } = this.#components
    this.#stop.signal.throwIfAborted()
    const gas = call.gas ?? ((await client.estimateGas({ account, ...call })) * 6n) / 5n
    const fees = await this.#fees()
    const nonce = await this.#nonce()
    const hash = await this.#put({ ...call, gas }, nonce, fees)
    this.#nextNonce = nonce + 1
    const mined = this.#follow({ ...call, gas }, nonce, fees, hash)
    mined.catch(() => undefined) // who does not wait for it is not told
    return { hash, mined }
  }

  /** Endpoints behind one name may not know our last transaction yet; one that was dropped must not leave a gap. */
  async #nonce(): Promise<number> {
    const { client } = this.#components
    const pending = await client.getTransactionCount({ address: this.address, blockTag: 'pending' })
    const mined = await client.getTransactionCount({ address: this.address })
    return pending === mined && pending < this.#nextNonce && this.#followed.size === 0
      ? pending
      : Math.max(pending, this.#nextNonce)
  }

  readonly #followed = new Set<number>()

  async #fees(): Promise<Fees> {
    const { client } = this.#components
    const [block, tip] = await Promise.all([client.getBlock(), client.estimateMaxPriorityFeePerGas()])
    const base = block.baseFeePerGas ?? 0n
    return { maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
  }

  async #put(call: Call & { gas: bigint }, nonce: number, fees: Fees): Promise<Hex> {
    const { client, account } = this.#components
    const { to, data, value = 0n, gas } = call
    const raw = await account.signTransaction({
      ...{ type: 'eip1559', chainId: this.#init.chainId, nonce, to, value, gas },
      ...fees,
      ...(data === undefined ? {} : { data }),
    })
    try {
      await client.sendRawTransaction({ serializedTransaction: raw })
    } catch (thrown) {
      // An endpoint may have taken it and then not answered: the receipt tells. A refusal is final.
      if (findNodeError(thrown)) throw thrown
    }
    return keccak256(raw)
  }

  async #follow(
    call: Call & { gas: bigint },
    nonce: number,
    first: Fees,
    firstHash: Hex,
  ): Promise<TransactionReceipt> {
    const hashes = [firstHash]
    let fees = first
    this.#followed.add(nonce)
    try {
      for (let replaced = 0; ; replaced++) {
        const receipt = await this.#lookFor(hashes)
        if (receipt) return receipt
        if (replaced === MAX_REPLACEMENTS) throw new InfernetError('chain.unavailable')
        fees = raised(fees, await this.#fees().catch(() => fees))
        // Refused when the first was mined in this very moment: its receipt is found above.
        const again = await this.#put(call, nonce, fees).catch(() => undefined)
        if (again) hashes.push(again)
      }
    } finally {
      this.#followed.delete(nonce)
    }
  }

  async #lookFor(hashes: readonly Hex[]): Promise<TransactionReceipt | undefined> {
    const { client, clock } = this.#components
    const blockMs = this.#init.blockSeconds * 1000
    const until = clock.monotonic() + Math.max(MIN_PATIENCE_MS, PATIENCE_BLOCKS * blockMs)
    let lookMs = MIN_LOOK_MS
    while (clock.monotonic() < until) {
      for (const hash of hashes) {
        const receipt = await client.getTransactionReceipt({ hash }).catch(() => undefined)
        if (receipt) return receipt
      }
      await sleep(clock, millis(lookMs), { signal: this.#stop.signal })
      lookMs = Math.min(MAX_LOOK_MS, lookMs * 1.5)
    }
    return undefined
  }
}

function raised(last: Fees, now: Fees): Fees {
  const higher = (a: bigint, b: bigint): bigint =>
    (a * RAISE_PERCENT) / 100n > b ? (a * RAISE_PERCENT) / 100n : b
  return {
    maxFeePerGas: higher(last.maxFeePerGas, now.maxFeePerGas),
    maxPriorityFeePerGas: higher(last.maxPriorityFeePerGas, now.maxPriorityFeePerGas),
  }
}

/** The refusal of a node under viem's wrappers. */
function findNodeError(thrown: unknown): NodeError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if (error instanceof NodeError) return error
  return undefined
}
