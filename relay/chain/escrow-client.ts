import { encodeFunctionData, type Address, type PublicClient } from 'viem'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { toHex } from '#shared/base/bytes.ts'
import { readClaimRefusal, UNKNOWN_REFUSAL, type ClaimRefusal } from '#shared/settle/claim-refusal.ts'
import { encodeClaim, type ChainVoucher } from '#shared/settle/encode-claim.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import type { CarryTerms } from './claim-receipt.ts'
import { NodeError } from './node-error.ts'
import type { Call } from './transaction-sender.ts'

/** What an escrow was deployed with. */
export interface EscrowTerms extends CarryTerms {
  readonly graceSeconds: number
}

/** What a carrier asks of one escrow, and the calls it sends. */
export class EscrowClient {
  readonly #client: PublicClient
  readonly address: Address
  #terms: EscrowTerms | undefined

  constructor(client: PublicClient, address: Address) {
    this.#client = client
    this.address = address
  }

  /** Immutable, so asked once. */
  async terms(): Promise<EscrowTerms> {
    if (this.#terms) return this.#terms
    const { graceSeconds, tipBps, tipCap } = await this.#client.readContract({
      ...this.#contract,
      functionName: 'config',
    })
    return (this.#terms = { graceSeconds, tipBps: BigInt(tipBps), tipCap })
  }

  /**
   * What a claim would move to the provider now, or why nothing. What it would note as a shortfall pays nobody for days,
   * and mostly never.
   *
   * @throws for an endpoint that does not answer.
   */
  async claimable(signed: SignedVoucher): Promise<bigint | ClaimRefusal> {
    try {
      const [paid] = await this.#client.readContract({
        ...this.#contract,
        functionName: 'claimable',
        args: [toChain(signed)],
      })
      return paid
    } catch (thrown) {
      const refusal = refusalOf(thrown)
      if (refusal) return refusal
      throw thrown
    }
  }

  /** What a provider may still claim today; all there can be for one with stake. */
  dailyLeft(provider: Address): Promise<bigint> {
    return this.#client.readContract({ ...this.#contract, functionName: 'dailyLeft', args: [provider] })
  }

  /** Why the chain would refuse these at once; undefined when it would not. @throws as {@link claimable} does. */
  async refusalOfBatch(batch: readonly SignedVoucher[], account: Address): Promise<ClaimRefusal | undefined> {
    try {
      await this.#client.call({ account, ...this.claim(batch) })
      return undefined
    } catch (thrown) {
      const refusal = refusalOf(thrown)
      if (refusal) return refusal
      throw thrown
    }
  }

  async potOf({ voucher }: SignedVoucher): Promise<bigint> {
    const { gross } = await this.#client.readContract({
      ...this.#contract,
      functionName: 'potOf',
      args: [voucher.provider, `0x${voucher.model}`, voucher.relay],
    })
    return gross
  }

  creditOf(owner: Address): Promise<bigint> {
    return this.#client.readContract({ ...this.#contract, functionName: 'creditOf', args: [owner] })
  }

  claim(batch: readonly SignedVoucher[]): Call {
    return { to: this.address, data: encodeClaim(batch.map(toChain)) }
  }

  sweep({ voucher: { provider, model, relay } }: SignedVoucher): Call {
    const args = [provider, `0x${model}`, relay] as const
    return { to: this.address, data: encodeFunctionData({ abi: escrowAbi, functionName: 'sweep', args }) }
  }

  collect(owner: Address): Call {
    return {
      to: this.address,
      data: encodeFunctionData({ abi: escrowAbi, functionName: 'collect', args: [owner] }),
    }
  }

  get #contract() {
    return { address: this.address, abi: escrowAbi } as const
  }
}

function toChain({ voucher, signer, signature }: SignedVoucher): ChainVoucher {
  return {
    voucher: { ...voucher, model: `0x${voucher.model}` },
    signer,
    signature: `0x${toHex(signature)}`,
  }
}

/** Words of a node that ran out of gas with it: no other node will do better. */
const OUT_OF_GAS = new Set([
  'execution reverted',
  'out of gas',
  'gas required exceeds allowance',
  'intrinsic gas too high',
  'exceeds block gas limit',
  'gas limit reached',
])

/** The chain's refusal under viem's wrappers; undefined for anything else. */
export function refusalOf(thrown: unknown): ClaimRefusal | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (!(error instanceof NodeError)) continue
    const said = error.data === undefined ? undefined : readClaimRefusal(error.data)
    if (said) return said
    return OUT_OF_GAS.has(error.message) ? UNKNOWN_REFUSAL : undefined
  }
  return undefined
}
