import { toHex, type Address, type Hex } from 'viem'
import { concatBytes, fromHex } from '../base/bytes.ts'
import { chainAddress } from '../base/ids.ts'
import { keyVerifiesBinding } from '../settle/binding.ts'

/** A binding as the stake contract keeps it: the raw Ed25519 key, and both halves of its signature. */
export interface BindingOnChain {
  readonly peerKey: Hex
  readonly r: Hex
  readonly s: Hex
}

/** One deployment of the stake contract. */
export interface StakeId {
  readonly chainId: number
  readonly stake: Address
}

/** The contract takes no more of one operator. */
const MAX_PEER_KEYS = 16
const HALF_BYTES = 32

/** @param rawKey 32 bytes @param binding the 64 bytes of `makeBinding` */
export function bindingForChain(rawKey: Uint8Array, binding: Uint8Array): BindingOnChain {
  return {
    peerKey: toHex(rawKey),
    r: toHex(binding.subarray(0, HALF_BYTES)),
    s: toHex(binding.subarray(HALF_BYTES)),
  }
}

/** What an operator's bindings prove. Raw Ed25519 keys, 64 lower-case hex digits each. */
export interface SignedKeys {
  /** The one that it named last; undefined where that one did not sign for it. */
  readonly present: string | undefined
  /** All that ever signed for it. */
  readonly all: readonly string[]
}

/**
 * Which of the keys that an operator names have signed for it. The contract verifies none: anybody may name anybody's
 * key, and only a signature says that it is the operator's. Never throws.
 */
export async function signedKeys(
  bindings: readonly BindingOnChain[],
  { chainId, stake }: StakeId,
  operator: Address,
): Promise<SignedKeys> {
  const terms = { chainId, stake: chainAddress(stake), operator: chainAddress(operator) }
  const named = bindings.slice(-MAX_PEER_KEYS)
  const signed = await Promise.all(
    named.map(async ({ peerKey, r, s }) => {
      const key = digitsOf(peerKey)
      const binding = concatBytes(fromHex(digitsOf(r)), fromHex(digitsOf(s)))
      return (await keyVerifiesBinding(binding, terms, key)) ? key : undefined
    }),
  )
  return { present: signed.at(-1), all: [...new Set(signed.filter((key) => key !== undefined))] }
}

const digitsOf = (word: Hex): string => word.slice(2).toLowerCase()
