import type { ContractFunctionArgs, Hex } from 'viem'
import { encodeFunctionData, size, slice } from 'viem/utils'
import { escrowAbi } from '../abi/escrow.ts'
import { toHex } from '../base/bytes.ts'
import type { SignedVoucher } from '../settle/voucher.ts'

/** A voucher as the contract takes it. */
export type ChainVoucher = ContractFunctionArgs<typeof escrowAbi, 'nonpayable', 'claim'>[0][number]

const WORD_BYTES = 32

export function toChainVoucher({ voucher, signer, signature }: SignedVoucher): ChainVoucher {
  return { voucher: { ...voucher, model: `0x${voucher.model}` }, signer, signature: `0x${toHex(signature)}` }
}

/**
 * The call that claims all of these: the cheaper one where all go to one pot and are signed in the compact form. Both
 * do the same, and a refusal of either names the place in `batch`.
 */
export function encodeClaim(batch: readonly ChainVoucher[]): Hex {
  const [first] = batch
  if (!first || !batch.every((entry) => isCompact(entry) && potOf(entry) === potOf(first)))
    return encodeFunctionData({ abi: escrowAbi, functionName: 'claim', args: [batch] })
  const { provider, model, relay } = first.voucher
  const entries = batch.map(({ voucher: { payer, epoch, cumulative }, signer, signature }) => {
    const words = [slice(signature, 0, WORD_BYTES), slice(signature, WORD_BYTES)] as const
    return { payer, epoch, cumulative, signer, signature: words }
  })
  const args = [provider, model, relay, entries] as const
  return encodeFunctionData({ abi: escrowAbi, functionName: 'claimToPot', args })
}

function isCompact({ signature }: ChainVoucher): boolean {
  return size(signature) === 2 * WORD_BYTES
}

function potOf({ voucher: { provider, model, relay } }: ChainVoucher): string {
  return `${provider} ${model} ${relay}`.toLowerCase()
}
