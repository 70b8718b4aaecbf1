import {
  isAddressEqual,
  recoverTypedDataAddress,
  type Address,
  type Hash,
  type Hex,
  type TransactionReceipt,
  type TypedDataDefinition,
} from 'viem'
import type { Call } from '#shared/chain/calls.ts'
import type { Clock } from '#shared/base/clock.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { countsOf } from '#shared/chain/receipts.ts'
import type { ChainClient } from './chain-client.ts'
import { GAS_MARGIN } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import { FollowedTransaction, type FollowedState } from './follow-transaction.ts'
import { plainAmount } from './plain-amount.ts'
import type { Note, SendAnswer, SendOptions, Signer } from './signer.ts'
import type { RecordBase, TransactionRecord } from './transaction-record.ts'

/** Where an act is. The approvals are those that the visitor is asked for. */
export type ActState =
  | { readonly stage: 'checking' }
  | { readonly stage: 'asking'; readonly approval: number; readonly of: number; readonly what: string }
  | FollowedState
  | { readonly stage: 'mined'; readonly hash: Hash | undefined; readonly fee: bigint; readonly block: bigint }

/** What an act is done with. */
export interface ActTools {
  readonly signer: Signer
  /** The signer's address when the act began; a wallet may change to another one meanwhile. */
  readonly account: Address
  readonly client: ChainClient
  readonly network: NetworkFile
  readonly signal: AbortSignal
  /** How often the visitor will be asked, as soon as it is known. */
  expect(approvals: number): void
  /** Checks, asks, sends and waits until it is in a block. `what` is shown while the wallet asks. */
  send(what: string, call: Call): Promise<void>
  /** Several calls as one transaction, where the wallet can; `false` where it cannot. */
  sendTogether(what: string, calls: readonly Call[]): Promise<boolean>
  sign(what: string, data: TypedDataDefinition): Promise<Hex>
}

/** Something that the visitor wants done on the chain. */
export type Act = (tools: ActTools) => Promise<void>

export interface ActComponents {
  readonly signer: Signer
  readonly client: ChainClient
  readonly network: NetworkFile
  readonly clock: Clock
}

export interface ActOptions {
  readonly signal: AbortSignal
  readonly onState: (state: ActState) => void
  /**
   * Puts a transaction on record, before it is sent and whenever more is known of it; `undefined` takes it back.
   * `hasMore` when the act needs another one after it.
   */
  readonly onRecord: (record: TransactionRecord | undefined, hasMore: boolean) => Promise<void>
  /** Whether a hash belongs to another act. */
  readonly isForeign: (hash: Hash) => boolean
  /** Whether an earlier try may still be sent by the wallet: then both are to have the same number. */
  readonly isRepeat: boolean
  /** Numbers of what was signed before and may not have reached a node: this one takes the first that is free. */
  readonly doubtful: readonly number[]
}

/** One act under way. */
export class RunningAct {
  readonly #components: ActComponents
  readonly #options: ActOptions
  readonly #account: Address
  #approval = 0
  #approvals = 1
  #fee = 0n
  #block = 0n
  #hash: Hash | undefined
  #followed: FollowedTransaction | undefined

  constructor(components: ActComponents, options: ActOptions) {
    this.#components = components
    this.#options = options
    this.#account = components.signer.address
  }

  /** @throws InfernetError `wallet.*`, when it is certain that nothing of it waits to be decided by the chain */
  async run(act: Act): Promise<void> {
    const { signer, client, network } = this.#components
    const { signal, onState } = this.#options
    onState({ stage: 'checking' })
    await this.#ended(() =>
      act({
        ...{ signer, account: this.#account, client, network, signal },
        expect: (approvals) => (this.#approvals = approvals),
        send: (what, call) => this.#send(what, call),
        sendTogether: (what, calls) => this.#sendTogether(what, calls),
        sign: (what, data) => this.#sign(what, data),
      }),
    )
  }

  /** Goes on with a transaction that an earlier run of the page left open. @throws InfernetError `wallet.*` */
  async resume(record: TransactionRecord, hasMore: boolean): Promise<void> {
    const doubt = record.state === 'sent' ? undefined : new InfernetError('wallet.unknown')
    await this.#ended(async () => {
      const followed = this.#follow(hasMore)
      this.#count(await followed.resume({ record, doubt }))
      if (hasMore) throw new InfernetError('wallet.part-done')
    })
  }

  /** The same transaction again, where the key is ours; otherwise the chain is looked at now. Never pays twice. */
  async again(): Promise<void> {
    await this.#followed?.again()
  }

  /** Sends what waits again for a higher fee. @throws InfernetError `wallet.*`; what waits goes on waiting */
  async speedUp(): Promise<void> {
    await this.#followed?.speedUp()
  }

  async #ended(task: () => Promise<void>): Promise<void> {
    const { signer, network } = this.#components
    try {
      if (signer.kind === 'tab' && signer.chainId !== network.chainId)
        throw new InfernetError('wallet.wrong-chain')
      await task()
      const [hash, fee, block] = [this.#hash, this.#fee, this.#block]
      this.#options.onState({ stage: 'mined', hash, fee, block })
    } catch (thrown) {
      throw explainFailure(thrown)
    }
  }

  async #send(what: string, call: Call): Promise<void> {
    const { signer } = this.#components
    const { signal, onState } = this.#options
    this.#assertSigner()
    onState({ stage: 'checking' })
    const checks = Promise.all([this.#affordableGas(call), this.#base([call])])
    const [gas, base] = await raceSignal(checks, signal)
    this.#ask(what)
    const followed = this.#follow(this.#approval < this.#approvals)
    this.#count(await followed.send((note) => signer.send({ ...call, gas }, this.#sending(base, note))))
  }

  async #sendTogether(what: string, calls: readonly Call[]): Promise<boolean> {
    const { signer } = this.#components
    const { signal } = this.#options
    this.#assertSigner()
    const batches = await signer.batching({ account: this.#account, signal })
    if (!batches) return false
    const base = await raceSignal(this.#base(calls), signal)
    this.#ask(what)
    const followed = this.#follow(false)
    const send = (note: Note): Promise<SendAnswer> => batches.send(this.#sending(base, note))
    this.#count(await followed.send(send, batches))
    return true
  }

  async #sign(what: string, data: TypedDataDefinition): Promise<Hex> {
    this.#assertSigner()
    this.#ask(what)
    const account = this.#account
    const { signal } = this.#options
    const signature = await this.#components.signer.signTypedData(data, { account, signal })
    // Some wallets sign with the account that they stand on, whichever they were asked for.
    const by = await recoverTypedDataAddress({ ...data, signature }).catch(() => undefined)
    if (!by) throw new InfernetError('wallet.failed', { reason: 'it gave no signature' })
    if (!isAddressEqual(by, account)) throw new InfernetError('wallet.other-account')
    return signature
  }

  #sending(base: RecordBase, note: Note): SendOptions {
    const { signal, isRepeat, doubtful } = this.#options
    const free = doubtful.filter((nonce) => nonce >= base.mined)
    const nonce = free.length > 0 ? Math.min(...free) : isRepeat ? base.pending : undefined
    return { signal, base, note, nonce }
  }

  /** Account and chain are those that the act began with. */
  #assertSigner(): void {
    const { signer, network } = this.#components
    if (signer.chainId !== network.chainId) throw new InfernetError('wallet.wrong-chain')
    if (signer.address !== this.#account) throw new InfernetError('wallet.other-account')
  }

  #follow(hasMore: boolean): FollowedTransaction {
    const { client, clock, network, signer } = this.#components
    const { signal, onState, onRecord, isForeign } = this.#options
    this.#followed = new FollowedTransaction(
      { client, clock, signer, blockSeconds: network.blockSeconds, isForeign },
      {
        signal,
        onState: (state) => {
          this.#hash = state.hash
          onState(state)
        },
        onRecord: (record) => onRecord(record, hasMore),
      },
    )
    return this.#followed
  }

  /** What the account had sent before this. */
  async #base(calls: readonly Call[]): Promise<RecordBase> {
    const { client, network } = this.#components
    const account = this.#account
    // The block first: what comes in between is searched, and not missed.
    const fromBlock = await client.getBlockNumber()
    return { chainId: network.chainId, account, calls, ...(await countsOf(client, account)), fromBlock }
  }

  /** Tries it on the chain's state of now, so that a refusal is heard before the visitor signs and pays for it. */
  async #affordableGas(call: Call): Promise<bigint> {
    const { client, network } = this.#components
    const account = this.#account
    const [estimate, fees, native] = await Promise.all([
      client.estimateGas({ account, ...call }),
      client.estimateFeesPerGas(),
      client.getBalance({ address: account }),
    ])
    const gas = (estimate * GAS_MARGIN.numerator) / GAS_MARGIN.denominator
    const needed = gas * fees.maxFeePerGas + (call.value ?? 0n)
    if (native < needed) {
      const symbol = network.nativeSymbol
      throw new InfernetError('wallet.no-gas', {
        needed: `${plainAmount(needed)} ${symbol}`,
        has: `${plainAmount(native)} ${symbol}`,
      })
    }
    return gas
  }

  #ask(what: string): void {
    this.#approval++
    const of = Math.max(this.#approvals, this.#approval)
    this.#options.onState({ stage: 'asking', approval: this.#approval, of, what })
  }

  #count(receipt: TransactionReceipt | undefined): void {
    this.#followed = undefined
    if (!receipt) return
    this.#hash = receipt.transactionHash
    this.#block = receipt.blockNumber
    this.#fee += receipt.gasUsed * receipt.effectiveGasPrice
  }
}
