import type { Hex } from 'viem'
import { privateKeyToAddress, sign } from 'viem/accounts'
import { recoverAddress } from 'viem/utils'
import { fromHex, toHex } from '../base/bytes.ts'
import { chainAddress, type ChainAddress } from '../base/ids.ts'

/** The order of secp256k1 (SEC 2, part 2.4.1). */
const CURVE_ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n

/** A secp256k1 key that signs without asking anybody: a session key in the tab, or a provider's own. */
export interface ChainSigner {
  readonly address: ChainAddress
  /** Signs a 32-byte hash. Gives 65 bytes, or 64 in the compact form of ERC-2098. */
  sign(hash: Hex): Promise<Uint8Array>
}

/** A signer over 32 secret bytes. Signatures are deterministic (RFC 6979), low in s and compact. @internal */
export function createChainSigner(secret: Uint8Array): ChainSigner {
  const privateKey: Hex = `0x${toHex(secret)}`
  return {
    address: chainAddress(privateKeyToAddress(privateKey)),
    sign: async (hash) => {
      const { r, s, yParity } = await sign({ hash, privateKey })
      const compact = BigInt(s) | (BigInt(yParity ?? 0) << 255n)
      return fromHex(r.slice(2).padStart(64, '0') + compact.toString(16).padStart(64, '0'))
    },
  }
}

/**
 * Who signed a hash; undefined for what the contract would refuse as well: another length than 64 or 65 bytes, an s in
 * the upper half (the same signature could be written twice), a recovery bit that is neither 27 nor 28.
 */
export async function recoverSigner(hash: Hex, signature: Uint8Array): Promise<ChainAddress | undefined> {
  const parts = readSignature(signature)
  if (!parts) return undefined
  const { r, s, parity } = parts
  if (r === 0n || r >= CURVE_ORDER || s === 0n || s > CURVE_ORDER / 2n) return undefined
  try {
    const full: Hex = `0x${word(r)}${word(s)}${parity === 0 ? '1b' : '1c'}`
    return chainAddress(await recoverAddress({ hash, signature: full }))
  } catch {
    return undefined // r is no point of the curve
  }
}

function readSignature(signature: Uint8Array): { r: bigint; s: bigint; parity: 0 | 1 } | undefined {
  if (signature.length !== 64 && signature.length !== 65) return undefined
  const r = BigInt(`0x${toHex(signature.subarray(0, 32))}`)
  const second = BigInt(`0x${toHex(signature.subarray(32, 64))}`)
  if (signature.length === 64)
    return { r, s: second & ((1n << 255n) - 1n), parity: second >> 255n === 0n ? 0 : 1 }
  const recovery = signature[64]
  return recovery === 27 || recovery === 28 ? { r, s: second, parity: recovery === 27 ? 0 : 1 } : undefined
}

function word(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}
