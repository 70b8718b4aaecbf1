import type { Address, PublicClient } from 'viem'
import type { escrowAbi } from '../abi/escrow.ts'
import type { ClaimRefusal } from '../settle/sift-claims.ts'
import { claimCall, type Pot } from './calls.ts'
import type { CarryTerms } from './claim-receipt.ts'
import { refusalOf } from './claim-refusal.ts'
import type { ChainVoucher } from './encode-claim.ts'
import { escrowAt, type Read } from './reads.ts'

/** What an escrow was deployed with. */
export interface EscrowTerms extends CarryTerms {
  readonly graceSeconds: number
}

/** What whoever claims asks of one escrow: a provider's tab for itself, a relay for all. */
export class EscrowClient {
  readonly #client: Pick<PublicClient, 'readContract' | 'call'>
  readonly #explain: (thrown: unknown) => unknown
  readonly #read: Read<typeof escrowAbi>
  readonly address: Address
  #terms: EscrowTerms | undefined

  /** @param explain what to throw for a chain that does not answer. @default what viem throws */
  constructor(
    client: Pick<PublicClient, 'readContract' | 'call'>,
    address: Address,
    explain: (thrown: unknown) => unknown = (thrown) => thrown,
  ) {
    this.#client = client
    this.#explain = explain
    this.#read = escrowAt(client, address)
    this.address = address
  }

  /** Immutable, so asked once. */
  async terms(): Promise<EscrowTerms> {
    if (this.#terms) return this.#terms
    const { graceSeconds, tipBps, tipCap } = await this.#answer(this.#read('config'))
    return (this.#terms = { graceSeconds, tipBps: BigInt(tipBps), tipCap })
  }

  /**
   * What a claim would move to the provider now, in base units of the asset, or why nothing. What it would note as a
   * shortfall pays nobody for days, and mostly never.
   */
  async claimable(entry: ChainVoucher): Promise<bigint | ClaimRefusal> {
    const said = await this.#answerOrRefusal(this.#read('claimable', entry))
    return 'name' in said ? said : said[0]
  }

  /** What a provider may still claim on this day of UTC; all there can be for one with stake. */
  dailyLeft(provider: Address): Promise<bigint> {
    return this.#answer(this.#read('dailyLeft', provider))
  }

  /** What a payer may still pay on this day of UTC to all providers without stake together. */
  payerDailyLeft(payer: Address): Promise<bigint> {
    return this.#answer(this.#read('payerDailyLeft', payer))
  }

  /** Why the chain would refuse these at once, sent by `account`; undefined when it would not. Sends nothing. */
  refusalOfBatch(batch: readonly ChainVoucher[], account: Address): Promise<ClaimRefusal | undefined> {
    const tried = this.#client.call({ account, ...claimCall(this.address, batch) })
    return this.#answerOrRefusal(tried.then(() => undefined))
  }

  /** What waits in a pot, how much of it is tips, and when the first of it came, in seconds. */
  potOf({
    provider,
    model,
    relay,
  }: Pot): Promise<{ readonly gross: bigint; readonly tips: bigint; readonly since: number }> {
    return this.#answer(this.#read('potOf', provider, model, relay))
  }

  creditOf(owner: Address): Promise<bigint> {
    return this.#answer(this.#read('creditOf', owner))
  }

  async #answer<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } catch (thrown) {
      throw this.#explain(thrown)
    }
  }

  #answerOrRefusal<T>(asked: Promise<T>): Promise<T | ClaimRefusal> {
    return this.#answer(
      asked.catch((thrown: unknown) => {
        const refusal = refusalOf(thrown)
        if (refusal) return refusal
        throw thrown
      }),
    )
  }
}
