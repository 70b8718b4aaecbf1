import type { Hex } from 'viem'
import { hashTypedData } from 'viem/utils'
import { toHex } from '../base/bytes.ts'
import type { ChainAddress, JobId, ModelHash } from '../base/ids.ts'
import type { BaseUnits, Tokens } from '../base/units.ts'
import { recoverSigner, type ChainSigner } from './chain-signature.ts'
import { ESCROW_DOMAIN } from './constants.ts'
import type { EscrowId } from './voucher.ts'

/** What was served and paid in one job, in the words of both sides. */
export interface Receipt {
  readonly jobId: JobId
  readonly payer: ChainAddress
  readonly provider: ChainAddress
  readonly model: ModelHash
  /** SHA-256 of the last chunk: with it, each token of the job can be proved. */
  readonly head: Uint8Array
  readonly promptTokens: Tokens
  readonly outputTokens: Tokens
  /** What the signed chunks came to. */
  readonly due: BaseUnits
  /** What vouchers covered of it. */
  readonly paid: BaseUnits
}

/** A receipt with the names under it. */
export interface SignedReceipt {
  readonly receipt: Receipt
  /** The payer's key: a session of it. */
  readonly signer: ChainAddress
  readonly signature: Uint8Array
  /** By the provider's own address; undefined where it gave none. */
  readonly providerSignature: Uint8Array | undefined
}

const RECEIPT_TYPES = {
  Receipt: [
    { name: 'job', type: 'bytes16' },
    { name: 'payer', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'model', type: 'bytes32' },
    { name: 'head', type: 'bytes32' },
    { name: 'promptTokens', type: 'uint32' },
    { name: 'outputTokens', type: 'uint32' },
    { name: 'due', type: 'uint96' },
    { name: 'paid', type: 'uint96' },
  ],
} as const

/** The EIP-712 hash of a receipt, in the domain of the escrow it was paid through. @internal */
export function hashReceipt({ chainId, escrow }: EscrowId, receipt: Receipt): Hex {
  const { jobId, model, head, ...rest } = receipt
  return hashTypedData({
    domain: { ...ESCROW_DOMAIN, chainId, verifyingContract: escrow },
    types: RECEIPT_TYPES,
    primaryType: 'Receipt',
    message: { ...rest, job: `0x${jobId}`, model: `0x${model}`, head: `0x${toHex(head)}` },
  })
}

/** One side's signature under a receipt. */
export async function signReceipt(
  escrow: EscrowId,
  receipt: Receipt,
  signer: ChainSigner,
): Promise<Uint8Array> {
  return signer.sign(hashReceipt(escrow, receipt))
}

/** True when `signer` signed exactly this receipt. */
export async function isReceiptSignedBy(
  escrow: EscrowId,
  receipt: Receipt,
  { signer, signature }: { signer: ChainAddress; signature: Uint8Array },
): Promise<boolean> {
  return (await recoverSigner(hashReceipt(escrow, receipt), signature)) === signer
}
