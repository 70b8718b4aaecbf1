import { toHex, type Address, type Hex, type PublicClient, type TransactionReceipt } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Call } from '#shared/chain/calls.ts'
import { feesNow, raised, type Fees } from '#shared/chain/fees.ts'
import { findNodeError, isCertainlyNotTaken, type NodeError } from '#shared/chain/node-error.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import { countsOf, receiptOf } from '#shared/chain/receipts.ts'
import { broadcast, signRaw } from '#shared/chain/send-raw.ts'
import { withSpareGas } from './spare-gas.ts'

export interface SenderComponents {
  readonly client: PublicClient
  readonly account: KeyVault
  readonly clock: Clock
}

export interface SenderInit {
  readonly chainId: number
  readonly blockSeconds: number
}

/** A transaction that a node has taken, or may have. */
export interface SentTransaction {
  readonly hash: Hex
  /**
   * Resolves with its receipt, or that of the dearer one that replaced it, however long the chain is away meanwhile.
   * Rejects with InfernetError `chain.displaced` when another one has its nonce, `chain.unavailable` when nodes refuse it
   * again and again and no pool has it, and when the sender stops. In each case the next one takes the place that it has
   * left, so that both never count.
   */
  readonly mined: Promise<TransactionReceipt>
}

/** Without data it only moves money. */
type Sendable = Pick<Call, 'to'> & Partial<Call>
type Ready = Sendable & { readonly gas: bigint }

interface Put {
  readonly hash: Hex
  /** What a node said that may have taken it all the same. */
  readonly refusal: NodeError | undefined
}

/** What takes another one's place offers so much of its fees. */
const RAISE_PERMILLE = 1300n
/** How often one that is not mined is sent again with higher fees. */
const MAX_REPLACEMENTS = 3
/** Raises that are tried to take the place of one whose fees are not known: to twenty times ours. */
const MAX_BLIND_RAISES = 12
/** How often nodes may refuse one in words that do not say whether they took it. */
const MAX_VAGUE_REFUSALS = 3
/** Blocks to wait before that. */
const PATIENCE_BLOCKS = 5
const MIN_PATIENCE_MS = 5000
/** Between two looks for a receipt. */
const MIN_LOOK_MS = 50
const MAX_LOOK_MS = 3000

/**
 * Sends the transactions of one account: one nonce after the other, and again with higher fees when one is stuck. What
 * is sent is followed until its fate is known, so that nothing is sent a second time beside it.
 */
export class TransactionSender {
  readonly #components: SenderComponents
  readonly #init: SenderInit
  readonly #followed = new Set<number>()
  #turn: Promise<unknown> = Promise.resolve()
  #nextNonce = 0
  /** A transaction that no run of ours follows and no block takes: the next one takes its place. */
  #isBlocked = false
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
  send(call: Sendable): Promise<SentTransaction> {
    const sent = this.#turn.then(() => this.#send(call))
    this.#turn = sent.catch(() => undefined)
    return sent
  }

  /**
   * Waits until nothing of this account is on its way, what an earlier run of this program sent included: who looks at
   * the chain after that sees what came of it. One of an earlier run that no block takes is waited for in vain: the
   * next transaction takes its place.
   *
   * @throws InfernetError `chain.unavailable` when the chain does not say, or one of ours is not mined yet.
   */
  async settled(): Promise<void> {
    const { clock } = this.#components
    const until = clock.monotonic() + this.#patienceMs
    for (let lookMs = MIN_LOOK_MS; ; lookMs = Math.min(MAX_LOOK_MS, lookMs * 1.5)) {
      const { mined, pending } = await this.#counts()
      this.#isBlocked = false
      if (pending <= mined && this.#followed.size === 0) return
      if (clock.monotonic() >= until) break
      await sleep(clock, millis(lookMs), { signal: this.#stop.signal })
    }
    if (this.#followed.size > 0) throw new InfernetError('chain.unavailable')
    this.#isBlocked = true
  }

  async #send(call: Sendable): Promise<SentTransaction> {
    this.#stop.signal.throwIfAborted()
    const ready = { ...call, gas: withSpareGas(await this.#estimate(call)) }
    const counts = await this.#counts()
    const nonce = this.#nonceAfter(counts)
    const { hash, fees } = await this.#putFirst(ready, nonce, nonce < counts.pending)
    this.#isBlocked = false
    this.#nextNonce = nonce + 1
    const mined = this.#follow(ready, nonce, fees, hash)
    mined.catch(() => undefined) // who does not wait for it is not told
    return { hash, mined }
  }

  /**
   * At the newest block, which a node may take for the one to come: where the pool holds the very transaction that this
   * one is to replace, that one seems to be refused. (viem's own estimate also asks for fees and a nonce each time.)
   */
  async #estimate({ to, data = '0x', value = 0n }: Sendable): Promise<bigint> {
    const call = { from: this.address, to, value: toHex(value), data }
    const { client } = this.#components
    return BigInt(await client.request({ method: 'eth_estimateGas', params: [call, 'latest'] }))
  }

  #counts(): Promise<{ readonly mined: number; readonly pending: number }> {
    return countsOf(this.#components.client, this.address)
  }

  /** Endpoints behind one name may not know our last transaction yet; one that was undone must not leave a gap. */
  #nonceAfter({ mined, pending }: { readonly mined: number; readonly pending: number }): number {
    const isAlone = this.#followed.size === 0
    if (isAlone && this.#isBlocked) return mined
    return isAlone && pending === mined && pending < this.#nextNonce
      ? pending
      : Math.max(pending, this.#nextNonce)
  }

  get #patienceMs(): number {
    return Math.max(MIN_PATIENCE_MS, PATIENCE_BLOCKS * this.#init.blockSeconds * 1000)
  }

  /** In another one's place it must pay more than that one, which nobody here knows the fees of. */
  async #putFirst(call: Ready, nonce: number, isReplacing: boolean): Promise<{ hash: Hex; fees: Fees }> {
    let fees = await feesNow(this.#components.client)
    for (let raises = 0; ; raises++) {
      try {
        return { hash: (await this.#put(call, nonce, fees)).hash, fees }
      } catch (thrown) {
        const isTooCheap = findNodeError(thrown)?.message.endsWith('transaction underpriced') ?? false
        if (!isReplacing || !isTooCheap || raises === MAX_BLIND_RAISES) throw thrown
        fees = raised(fees, fees, RAISE_PERMILLE)
      }
    }
  }

  /** @throws what the node refused with, where it certainly did not take it */
  async #put(call: Ready, nonce: number, fees: Fees): Promise<Put> {
    const { client, account } = this.#components
    const { to, data = '0x', value = 0n, gas } = call
    const transaction = { chainId: this.#init.chainId, nonce, to, data, value, gas, ...fees }
    const signed = await signRaw(account, transaction)
    const doubt = await broadcast(client, signed)
    if (doubt?.refusal && isCertainlyNotTaken(doubt.refusal)) throw doubt.cause
    return { hash: signed.hash, refusal: doubt?.refusal }
  }

  /**
   * Looks for the receipt until there is one, or another transaction has the nonce. While the chain is silent nothing
   * is learnt and no fee is raised; when it is back the transaction is sent anew, since its pool may be empty.
   */
  async #follow(call: Ready, nonce: number, first: Fees, firstHash: Hex): Promise<TransactionReceipt> {
    const { clock } = this.#components
    const hashes = [firstHash]
    let fees = first
    let replaced = 0
    let lookMs = MIN_LOOK_MS
    let lookedAt = clock.monotonic()
    let waitedMs = 0
    let wasSilent = false
    let passed = 0
    let refusals = 0
    this.#followed.add(nonce)
    try {
      for (;;) {
        const found = await this.#find(hashes, nonce)
        if (typeof found === 'object') return found
        // Twice: an endpoint may know of the nonce before another one has the receipt.
        passed = found === 'passed' ? passed + 1 : 0
        if (passed > 1) throw new InfernetError('chain.displaced')
        await sleep(clock, millis(lookMs), { signal: this.#stop.signal })
        lookMs = Math.min(MAX_LOOK_MS, lookMs * 1.5)
        const now = clock.monotonic()
        if (found === 'waiting' || found === 'stranded') waitedMs += now - lookedAt
        lookedAt = now
        const isLate = waitedMs >= this.#patienceMs
        if (isLate && found === 'stranded') throw new InfernetError('chain.displaced')
        const isBack = wasSilent && found !== 'silent'
        wasSilent = found === 'silent'
        if (!isLate && !isBack) continue
        if (isLate && replaced < MAX_REPLACEMENTS) {
          fees = raised(fees, await feesNow(this.#components.client).catch(() => fees), RAISE_PERMILLE)
          replaced++
        }
        waitedMs = 0
        lookMs = MIN_LOOK_MS
        // Refused when the first was mined in this very moment: its receipt is found above.
        const again = await this.#put(call, nonce, fees).catch(() => undefined)
        if (again && !hashes.includes(again.hash)) hashes.push(again.hash)
        refusals = again?.refusal && !(await this.#isPooled(nonce)) ? refusals + 1 : 0
        if (refusals >= MAX_VAGUE_REFUSALS)
          throw new InfernetError('chain.unavailable', {}, { cause: again?.refusal })
      }
    } finally {
      this.#followed.delete(nonce)
    }
  }

  /** Whether a transaction of that nonce waits for a block or is in one; as long as nobody says no, it may be. */
  async #isPooled(nonce: number): Promise<boolean> {
    return this.#counts().then(
      ({ pending }) => pending > nonce,
      () => true,
    )
  }

  /**
   * A receipt; `passed` when the nonce is used and none of these has one; `stranded` when an earlier nonce is free again
   * and nobody here will use it, as after a chain came back older: then no block ever takes this one; `silent` when the
   * chain does not say.
   */
  async #find(
    hashes: readonly Hex[],
    nonce: number,
  ): Promise<TransactionReceipt | 'waiting' | 'passed' | 'stranded' | 'silent'> {
    const { client } = this.#components
    try {
      const mined = await client.getTransactionCount({ address: this.address })
      const receipt = await receiptOf(client, hashes)
      if (receipt) return receipt
      if (mined > nonce) return 'passed'
      return mined < nonce && !this.#followed.has(mined) ? 'stranded' : 'waiting'
    } catch {
      return 'silent'
    }
  }
}
