import { decodeErrorResult, parseAbi, type Abi, type Hex } from 'viem'
import { escrowAbi } from '../abi/escrow.ts'
import { stakeAbi } from '../abi/stake.ts'
import type { ClaimRefusal } from '../settle/sift-claims.ts'
import { findNodeError } from './node-error.ts'

/** What every ERC-20 of OpenZeppelin's may say (EIP-6093, ERC-2612). */
const assetErrors = parseAbi([
  'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
  'error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error ERC20InvalidReceiver(address receiver)',
  'error ERC2612ExpiredSignature(uint256 deadline)',
  'error ERC2612InvalidSigner(address signer, address owner)',
  'error SafeERC20FailedOperation(address token)',
])

const OUR_ERRORS: Abi = [...escrowAbi, ...stakeAbi, ...assetErrors].filter(({ type }) => type === 'error')

/** A contract's own error. */
export interface Revert {
  readonly name: string
  readonly args: readonly unknown[]
}

/** Reads what one of our contracts reverted with; undefined for what is no error of theirs. */
export function readRevert(data: Hex, abi: Abi = OUR_ERRORS): Revert | undefined {
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi, data })
    return { name: errorName, args }
  } catch {
    return undefined
  }
}

/** What to make of a refusal that names no voucher: too much gas, or a contract that took all of it. */
const UNKNOWN_REFUSAL: ClaimRefusal = { name: 'unknown', index: undefined }

/** Words of a node that ran out of gas with it: no other node will do better. */
const OUT_OF_GAS = new Set([
  'execution reverted',
  'out of gas',
  'gas required exceeds allowance',
  'intrinsic gas too high',
  'exceeds block gas limit',
  'gas limit reached',
])

/** The chain's refusal of claims under viem's wrappers; undefined for anything else, as a node that is down. */
export function refusalOf(thrown: unknown): ClaimRefusal | undefined {
  const error = findNodeError(thrown)
  const said = error?.data && readRevert(error.data, escrowAbi)
  if (said) {
    const [index] = said.args
    return { name: said.name, index: typeof index === 'bigint' ? Number(index) : undefined }
  }
  return error && OUT_OF_GAS.has(error.message) ? UNKNOWN_REFUSAL : undefined
}
