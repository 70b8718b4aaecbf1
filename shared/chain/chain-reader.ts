import type { PublicClient } from 'viem'
import type { escrowAbi } from '../abi/escrow.ts'
import type { stakeAbi } from '../abi/stake.ts'
import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, epochMillis, SECOND_MS, type BaseUnits, type EpochMillis } from '../base/units.ts'
import { raceSignal } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type {
  ChainAccount,
  ChainOperator,
  ChainSession,
  ChainView,
  ReadOptions,
} from '../settle/chain-view.ts'
import { MAX_CHAIN_AMOUNT, MAX_EPOCH } from '../settle/constants.ts'
import type { EscrowId, PaymentLine } from '../settle/voucher.ts'
import { escrowAt, stakeAt, type Read, type ReadingClient } from './reads.ts'

type ChainClient = ReadingClient & Pick<PublicClient, 'getChainId'>

/** The latest time a date can hold; sessions may be given longer. */
const LATEST_MS = 8.64e15

/**
 * Reads escrow and stake over an injected client. It keeps nothing, except that it is the right chain.
 *
 * A node that lies about balances cannot be caught here: what it can do is make a provider work for a deposit that is
 * not there, or a payer sign to a deposit that was used up. Bonds and small windows bound that; a tab should ask a node
 * it trusts.
 */
export class ChainReader implements ChainView {
  readonly #client: ChainClient
  readonly #chainId: number
  readonly #escrow: Read<typeof escrowAbi>
  readonly #stake: Read<typeof stakeAbi>
  #isRightChain = false

  constructor(client: ChainClient, { chainId, escrow }: EscrowId, stake: ChainAddress) {
    this.#client = client
    this.#chainId = chainId
    this.#escrow = escrowAt(client, escrow)
    this.#stake = stakeAt(client, stake)
  }

  account(payer: ChainAddress, { signal }: ReadOptions = {}): Promise<ChainAccount> {
    return this.#ask(signal, async () => {
      const { balance, bond, epoch, withdrawAt } = await this.#escrow('account', payer)
      return {
        balance: amountOf(balance),
        bond: amountOf(bond),
        epoch: Number(within(BigInt(epoch), BigInt(MAX_EPOCH))),
        withdrawAt: withdrawAt === 0 ? undefined : timeOf(withdrawAt),
      }
    })
  }

  session(payer: ChainAddress, key: ChainAddress, { signal }: ReadOptions = {}): Promise<ChainSession> {
    return this.#ask(signal, async () => {
      const { cap, spent, expiry } = await this.#escrow('session', payer, key)
      return { cap: amountOf(cap), spent: amountOf(spent), expiry: timeOf(expiry) }
    })
  }

  claimed({ payer, epoch, provider, model }: PaymentLine, { signal }: ReadOptions = {}): Promise<BaseUnits> {
    return this.#ask(signal, async () =>
      amountOf(await this.#escrow('claimedOf', payer, epoch, provider, `0x${model}`)),
    )
  }

  operator(operator: ChainAddress, { signal }: ReadOptions = {}): Promise<ChainOperator> {
    return this.#ask(signal, async () => {
      const [isActive, peerKey] = await Promise.all([
        this.#stake('isActive', operator),
        this.#stake('peerKeyOf', operator),
      ])
      return { isActive, peerKey: BigInt(peerKey) === 0n ? undefined : peerKey.slice(2).toLowerCase() }
    })
  }

  /** viem decodes by the ABI and throws on anything else; that numbers are in their bounds is looked at here. */
  async #ask<T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> {
    try {
      if (!this.#isRightChain) await raceSignal(this.#expectChain(), signal)
      return await raceSignal(read(), signal)
    } catch (thrown) {
      throw InfernetError.from(thrown, 'payment.chain-unreachable')
    }
  }

  async #expectChain(): Promise<void> {
    const chainId = await this.#client.getChainId()
    if (chainId !== this.#chainId) throw new InfernetError('payment.wrong-chain', { chainId })
    this.#isRightChain = true
  }
}

/** viem reads a uint96 from a whole word: a node may have put more there than the contract ever could. */
function amountOf(value: bigint): BaseUnits {
  return baseUnits(within(value, MAX_CHAIN_AMOUNT))
}

function within(value: bigint, most: bigint): bigint {
  if (value > most) throw new RangeError('out of the bounds of its type')
  return value
}

/** Seconds on the chain as milliseconds here. */
function timeOf(seconds: number | bigint): EpochMillis {
  return epochMillis(Math.min(Number(seconds) * SECOND_MS, LATEST_MS))
}
