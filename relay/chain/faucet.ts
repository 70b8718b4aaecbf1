import {
  isAddress,
  parseEther,
  parseUnits,
  zeroAddress,
  type Address,
  type Hex,
  type PublicClient,
} from 'viem'
import * as v from 'valibot'
import type { Clock } from '#shared/base/clock.ts'
import { erc20Call, type Call } from '#shared/chain/calls.ts'
import { assetAt } from '#shared/chain/reads.ts'
import { mintCall } from '#shared/chain/test-coin.ts'
import { TokenBucket } from '#shared/base/token-bucket.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { Logger } from '../observe/log.ts'
import { AddressLimiter } from '../serve/address-limiter.ts'
import type { SentTransaction, TransactionSender } from './transaction-sender.ts'

/** For gas: 10 million units of it at 2 gwei. */
const GAS_COIN = parseEther('0.02')
/** Ten times the stake that a provider begins with, or a deposit for a few million tokens. */
const TOKENS = '1000'

/** Households, classrooms and test runs share an address. */
const PER_CLIENT = { burst: 30, perSecond: 1 / (2 * 60) } as const
/** Asking again is for when the first money was spent or a transaction was lost. */
const PER_ACCOUNT = { burst: 3, perSecond: 1 / (30 * 60) } as const
/** What all the world takes in a day: who has thousands of addresses empties the faucet no faster. */
const PER_DAY = { burst: 2000, perSecond: 2000 / 86_400 } as const
/** Requests under way: each waits for a block. */
const MAX_WAITING = 32
/** Then the hashes are answered without their receipts. */
const MAX_MINING_MS = 30 * SECOND_MS
const MINING_BLOCKS = 4
/** Gifts that the chain has not decided; a chain that takes nothing any more fills no memory. */
const MAX_UNDECIDED = 1024

export interface FaucetComponents {
  readonly client: PublicClient
  readonly sender: TransactionSender
  readonly clock: Clock
  readonly log: Logger
}

/** What was sent, and whether the chain has taken it already. */
export interface Gift {
  readonly transactions: readonly { readonly symbol: string; readonly amount: string; readonly hash: Hex }[]
  readonly mined: boolean
}

type SentPart = SentTransaction & { readonly part: Part }

interface Part {
  readonly symbol: string
  readonly amount: bigint
  readonly call: Call
}

const requestSchema = v.object({
  address: v.pipe(
    v.string(),
    v.check((text) => isAddress(text, { strict: false }) && text !== zeroAddress),
    v.transform((text) => text as Address),
  ),
})

/** Gives test money away: gas, INF and the test stablecoin, as much as an account lacks. */
export class Faucet {
  readonly #components: FaucetComponents
  readonly #network: NetworkFile
  readonly #perClient: AddressLimiter
  readonly #perAccount: AddressLimiter
  readonly #perDay: TokenBucket
  /** What was sent to an account and is not decided yet: asked again, the faucet tells of that and sends no second one. */
  readonly #undecided = new Map<string, readonly SentPart[]>()

  constructor(components: FaucetComponents, network: NetworkFile) {
    const { clock } = components
    this.#components = components
    this.#network = network
    this.#perClient = new AddressLimiter(clock, { rate: PER_CLIENT, parallel: 8, total: MAX_WAITING })
    this.#perAccount = new AddressLimiter(clock, { rate: PER_ACCOUNT, parallel: 1 })
    this.#perDay = new TokenBucket(clock, PER_DAY)
  }

  /**
   * @param clientGroup whose rate it counts for
   * @throws InfernetError `faucet.bad-address`, `faucet.limited`, `faucet.busy`, `faucet.enough`, `faucet.empty`,
   * `faucet.failed` or `chain.unavailable`.
   */
  async give(body: unknown, clientGroup: string, { signal }: { signal: AbortSignal }): Promise<Gift> {
    const read = v.safeParse(requestSchema, body)
    if (!read.success) throw new InfernetError('faucet.bad-address')
    const { address } = read.output
    const leaveClient = this.#perClient.enter(clientGroup)
    if (leaveClient === 'total' || leaveClient === 'table-full') throw new InfernetError('faucet.busy')
    if (typeof leaveClient === 'string') throw new InfernetError('faucet.limited', { of: 'network' })
    const leaveAccount = this.#perAccount.enter(address.toLowerCase())
    try {
      if (typeof leaveAccount === 'string') throw new InfernetError('faucet.limited', { of: 'account' })
      return await this.#give(address, signal)
    } finally {
      leaveClient()
      if (typeof leaveAccount !== 'string') leaveAccount()
    }
  }

  async #give(address: Address, signal: AbortSignal): Promise<Gift> {
    const key = address.toLowerCase()
    const sent = this.#undecided.get(key) ?? (await this.#send(address, signal))
    this.#keep(key, sent)
    const mined = await this.#areMined(sent)
    const transactions = sent.map(({ hash, part: { symbol, amount } }) => ({
      symbol,
      amount: String(amount),
      hash,
    }))
    return { transactions, mined }
  }

  async #send(address: Address, signal: AbortSignal): Promise<readonly SentPart[]> {
    if (this.#undecided.size >= MAX_UNDECIDED) throw new InfernetError('faucet.busy')
    const parts = await this.#partsFor(address)
    if (!this.#perDay.take()) throw new InfernetError('faucet.empty')
    const sent: SentPart[] = []
    try {
      for (const part of parts) {
        signal.throwIfAborted()
        sent.push({ ...(await this.#components.sender.send(part.call)), part })
      }
    } catch (cause) {
      this.#components.log.warn({ err: cause, sent: sent.length }, 'the faucet could not send')
      if (sent.length === 0) throw InfernetError.from(cause, 'faucet.failed')
    }
    return sent
  }

  #keep(key: string, sent: readonly SentPart[]): void {
    if (this.#undecided.has(key)) return
    this.#undecided.set(key, sent)
    void Promise.allSettled(sent.map(({ mined }) => mined)).then(() => this.#undecided.delete(key))
  }

  async #areMined(sent: readonly SentTransaction[]): Promise<boolean> {
    const limitMs = Math.min(
      MAX_MINING_MS,
      MINING_BLOCKS * this.#network.blockSeconds * 1000 + 10 * SECOND_MS,
    )
    const late = sleep(this.#components.clock, millis(limitMs)).then(() => undefined)
    const receipts = Promise.all(sent.map(({ mined }) => mined)).catch((cause: unknown) => {
      throw new InfernetError('faucet.failed', {}, { cause })
    })
    const done = await Promise.race([receipts, late])
    if (done?.some(({ status }) => status !== 'success')) throw new InfernetError('faucet.failed')
    return done !== undefined
  }

  /** Of each kind of money that the account has less than half a gift of. */
  async #partsFor(address: Address): Promise<readonly Part[]> {
    const { client, sender } = this.#components
    const parts: Part[] = []
    let lacks = 0
    if ((await client.getBalance({ address })) < GAS_COIN / 2n) {
      lacks++
      if ((await client.getBalance({ address: sender.address })) > 2n * GAS_COIN)
        parts.push({
          symbol: this.#network.nativeSymbol,
          amount: GAS_COIN,
          call: { to: address, data: '0x', value: GAS_COIN },
        })
    }
    for (const { asset, symbol, decimals } of this.#network.escrows) {
      const amount = parseUnits(TOKENS, decimals)
      if ((await this.#balance(asset, address)) >= amount / 2n) continue
      lacks++
      const call = await this.#callFor(asset, address, amount)
      if (call) parts.push({ symbol, amount, call })
    }
    if (lacks === 0) throw new InfernetError('faucet.enough')
    if (parts.length === 0) throw new InfernetError('faucet.empty')
    return parts
  }

  /** A transfer of what the faucet has, or the mint of a coin that anybody may mint. */
  async #callFor(asset: Address, to: Address, amount: bigint): Promise<Call | undefined> {
    const { client, sender } = this.#components
    if ((await this.#balance(asset, sender.address)) >= amount)
      return erc20Call(asset, 'transfer', [to, amount])
    const mint = mintCall(asset, to, amount)
    const isAllowed = client.estimateGas({ account: sender.address, ...mint }).then(
      () => true,
      () => false,
    )
    return (await isAllowed) ? mint : undefined
  }

  #balance(asset: Address, of: Address): Promise<bigint> {
    return assetAt(this.#components.client, asset)('balanceOf', of)
  }
}
