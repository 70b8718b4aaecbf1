import { decodeErrorResult, encodeFunctionData, type Address, type Hex, type PublicClient } from 'viem'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { toHex } from '#shared/base/bytes.ts'
import { encodeClaim, type ChainVoucher } from '#shared/settle/encode-claim.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { NodeError } from './node-error.ts'
import type { Call } from './transaction-sender.ts'

/** Why the contract refuses a claim. */
export interface ClaimRefusal {
  readonly name: string
  /** The place in the batch that spoils it. */
  readonly index: number
}

/** What a carrier asks of one escrow, and the calls it sends. */
export class EscrowClient {
  readonly #client: PublicClient
  readonly address: Address
  #graceSeconds: number | undefined

  constructor(client: PublicClient, address: Address) {
    this.#client = client
    this.address = address
  }

  /** Immutable, so asked once. */
  async graceSeconds(): Promise<number> {
    this.#graceSeconds ??= (
      await this.#client.readContract({ ...this.#contract, functionName: 'config' })
    ).graceSeconds
    return this.#graceSeconds
  }

  /** What a claim would bring now, shortfall included, or why nothing. @throws for an endpoint that does not answer. */
  async claimable(signed: SignedVoucher): Promise<bigint | ClaimRefusal> {
    try {
      const [paid, short] = await this.#client.readContract({
        ...this.#contract,
        functionName: 'claimable',
        args: [toChain(signed)],
      })
      return paid + short
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

/** The contract's own refusal under viem's wrappers; undefined for anything else. */
export function refusalOf(thrown: unknown): ClaimRefusal | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (!(error instanceof NodeError) || error.data === undefined) continue
    return readRefusal(error.data)
  }
  return undefined
}

function readRefusal(data: Hex): ClaimRefusal | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi: escrowAbi, data })
    const index: unknown = args?.[0]
    return { name: errorName, index: typeof index === 'bigint' ? Number(index) : 0 }
  } catch {
    return undefined
  }
}
