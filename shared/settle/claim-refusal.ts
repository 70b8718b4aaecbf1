import type { Hex } from 'viem'
import { decodeErrorResult } from 'viem/utils'
import { escrowAbi } from '../abi/escrow.ts'

/** Why the chain refuses a claim. */
export interface ClaimRefusal {
  /** The contract's own name for it, or `unknown`. */
  readonly name: string
  /** The place in the batch that spoils it; undefined where the chain does not say. */
  readonly index: number | undefined
}

/** What to make of a refusal that names no voucher: too much gas, or a contract that took all of it. */
export const UNKNOWN_REFUSAL: ClaimRefusal = { name: 'unknown', index: undefined }

/** Reads what the escrow reverted with; undefined for what is no error of its own. */
export function readClaimRefusal(data: Hex): ClaimRefusal | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi: escrowAbi, data })
    const index: unknown = args?.[0]
    return { name: errorName, index: typeof index === 'bigint' ? Number(index) : undefined }
  } catch {
    return undefined
  }
}
