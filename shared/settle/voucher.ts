import type { Hex } from 'viem'
import { hashTypedData } from 'viem/utils'
import type { ChainAddress, ModelHash } from '../base/ids.ts'
import type { BaseUnits } from '../base/units.ts'
import { recoverSigner, type ChainSigner } from './chain-signature.ts'
import { ESCROW_DOMAIN } from './constants.ts'

/** One deployment of the escrow contract. */
export interface EscrowId {
  readonly chainId: number
  readonly escrow: ChainAddress
}

/** Whose money goes to whom: the account on chain that one row of vouchers counts up. */
export interface PaymentLine {
  readonly payer: ChainAddress
  /** The provider's address on the chain, not its peer. */
  readonly provider: ChainAddress
  readonly model: ModelHash
  /** Which deposit: a completed withdrawal begins a new one. */
  readonly epoch: number
}

/** "Everything this payer has ever owed that provider for that model, in this epoch, is `cumulative`." */
export interface Voucher extends PaymentLine {
  /** The relay's payee, named in the quote; all zeros for none. */
  readonly relay: ChainAddress
  readonly cumulative: BaseUnits
}

export interface SignedVoucher {
  readonly voucher: Voucher
  /** The payer itself, or a session key that it authorised on the chain. */
  readonly signer: ChainAddress
  readonly signature: Uint8Array
}

/** The order of the fields is part of what is hashed: it equals the contract's type string. */
const VOUCHER_TYPES = {
  Voucher: [
    { name: 'payer', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'model', type: 'bytes32' },
    { name: 'relay', type: 'address' },
    { name: 'epoch', type: 'uint32' },
    { name: 'cumulative', type: 'uint96' },
  ],
} as const

/** The EIP-712 hash that is signed, the same as `Escrow.hashVoucher`. @internal */
export function hashVoucher({ chainId, escrow }: EscrowId, voucher: Voucher): Hex {
  return hashTypedData({
    domain: { ...ESCROW_DOMAIN, chainId, verifyingContract: escrow },
    types: VOUCHER_TYPES,
    primaryType: 'Voucher',
    message: { ...voucher, model: `0x${voucher.model}` },
  })
}

/** Signs a voucher. It is as good as money from here on: what it says must be on record before. */
export async function signVoucher(
  escrow: EscrowId,
  voucher: Voucher,
  signer: ChainSigner,
): Promise<SignedVoucher> {
  const signature = await signer.sign(hashVoucher(escrow, voucher))
  return { voucher, signer: signer.address, signature }
}

/**
 * True when the named signer signed exactly this voucher for exactly this escrow. Whether the payer authorised it is
 * for the chain to say. A payer that is a contract (ERC-1271) cannot be checked off the chain and pays by session keys.
 */
export async function isSignedBy(escrow: EscrowId, signed: SignedVoucher): Promise<boolean> {
  const { voucher, signer, signature } = signed
  return (await recoverSigner(hashVoucher(escrow, voucher), signature)) === signer
}
