import type { Hash, Hex, TransactionReceipt, TypedDataDefinition } from 'viem'
import { estimateFeesPerGas, estimateGas, getBalance, getTransactionReceipt } from 'viem/actions'
import type { Clock } from '#shared/base/clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { raceSignal, sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import type { ChainClient } from './chain-client.ts'
import { GAS_MARGIN } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import { plainAmount } from './plain-amount.ts'
import type { Call, SentTransaction, Signer } from './signer.ts'
import { TransactionTrack } from './track-transaction.ts'

/** Where an act is. The approvals are those that the visitor is asked for. */
export type ActState =
  | { readonly stage: 'checking' }
  | { readonly stage: 'asking'; readonly approval: number; readonly of: number; readonly what: string }
  | { readonly stage: 'sent' | 'stuck'; readonly hash: Hash | undefined; readonly canSpeedUp: boolean }
  | { readonly stage: 'mined'; readonly hash: Hash | undefined; readonly fee: bigint; readonly block: bigint }

/** What an act is done with. */
export interface ActTools {
  readonly signer: Signer
  readonly client: ChainClient
  readonly network: NetworkFile
  readonly signal: AbortSignal
  /** How often the visitor will be asked, as soon as it is known. */
  expect(approvals: number): void
  /** Checks, asks, sends and waits until it is in a block. `what` is shown while the wallet asks. */
  send(what: string, call: Call): Promise<TransactionReceipt>
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
  /** Called with each hash before its block is waited for, so that it is on record when the tab closes. */
  readonly onSent: (hash: Hash) => Promise<void>
}

const BATCH_POLL_MS = 1.5 * SECOND_MS

/** One act under way. */
export class RunningAct {
  readonly #components: ActComponents
  readonly #options: ActOptions
  #approval = 0
  #approvals = 1
  #fee = 0n
  #block = 0n
  #hash: Hash | undefined
  #track: TransactionTrack | undefined

  constructor(components: ActComponents, options: ActOptions) {
    this.#components = components
    this.#options = options
  }

  /** @throws InfernetError `wallet.*` */
  async run(act: Act): Promise<void> {
    const { signer, client, network } = this.#components
    const { signal, onState } = this.#options
    onState({ stage: 'checking' })
    try {
      if (signer.chainId !== network.chainId) throw new InfernetError('wallet.wrong-chain')
      await act({
        signer,
        client,
        network,
        signal,
        expect: (approvals) => (this.#approvals = approvals),
        send: (what, call) => this.#send(what, call),
        sendTogether: (what, calls) => this.#sendTogether(what, calls),
        sign: (what, data) => this.#sign(what, data),
      })
      onState({ stage: 'mined', hash: this.#hash, fee: this.#fee, block: this.#block })
    } catch (thrown) {
      throw explainFailure(thrown)
    }
  }

  /** Sends what waits again for a higher fee. @throws InfernetError `wallet.*` */
  async speedUp(): Promise<void> {
    const { speedUp } = this.#components.signer
    const track = this.#track
    if (!speedUp || !track) return
    const again = await speedUp(track.last, { signal: this.#options.signal })
    await this.#options.onSent(again.hash)
    track.add(again)
    this.#waiting(again, 'sent')
  }

  async #send(what: string, call: Call): Promise<TransactionReceipt> {
    const { signer } = this.#components
    const { signal, onState } = this.#options
    onState({ stage: 'checking' })
    const gas = await raceSignal(this.#affordableGas(call), signal)
    this.#ask(what)
    return this.#follow(await signer.send({ ...call, gas }, { signal }))
  }

  async #follow(sent: SentTransaction): Promise<TransactionReceipt> {
    const { client, clock, network, signer } = this.#components
    const { signal, onSent } = this.#options
    await onSent(sent.hash)
    const track = new TransactionTrack({ client, clock, blockSeconds: network.blockSeconds }, sent)
    this.#track = track
    this.#waiting(sent, 'sent')
    const receipt = await track.mined({
      signal,
      from: signer.address,
      onStuck: () => this.#waiting(track.last, 'stuck'),
      onRepriced: (hash) => this.#waiting({ ...sent, hash }, 'sent'),
    })
    this.#track = undefined
    this.#count(receipt)
    return receipt
  }

  async #sendTogether(what: string, calls: readonly Call[]): Promise<boolean> {
    const { signer, clock, client } = this.#components
    const { signal, onState, onSent } = this.#options
    const batches = await signer.batching({ signal })
    if (!batches) return false
    this.#ask(what)
    const id = await batches.send(calls, { signal })
    onState({ stage: 'sent', hash: undefined, canSpeedUp: false })
    for (;;) {
      const { state, hash } = await batches.status(id, { signal })
      if (state === 'failed') throw new InfernetError('wallet.reverted')
      if (state === 'confirmed') {
        if (hash) {
          await onSent(hash)
          this.#count(await getTransactionReceipt(client, { hash }))
        }
        return true
      }
      await sleep(clock, millis(BATCH_POLL_MS), { signal })
    }
  }

  async #sign(what: string, data: TypedDataDefinition): Promise<Hex> {
    this.#ask(what)
    return this.#components.signer.signTypedData(data, { signal: this.#options.signal })
  }

  /** Tries it on the chain's state of now, so that a refusal is heard before the visitor signs and pays for it. */
  async #affordableGas(call: Call): Promise<bigint> {
    const { client, signer, network } = this.#components
    const request = { account: signer.address, ...call }
    const [estimate, fees, native] = await Promise.all([
      estimateGas(client, request),
      estimateFeesPerGas(client),
      getBalance(client, { address: signer.address }),
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

  #waiting({ hash }: SentTransaction, stage: 'sent' | 'stuck'): void {
    this.#hash = hash
    this.#options.onState({ stage, hash, canSpeedUp: this.#components.signer.speedUp !== undefined })
  }

  #count(receipt: TransactionReceipt): void {
    this.#hash = receipt.transactionHash
    this.#block = receipt.blockNumber
    this.#fee += receipt.gasUsed * receipt.effectiveGasPrice
  }
}
