import * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { ChainAddress } from '../base/ids.ts'
import {
  amountField,
  bytes,
  bytesUpTo,
  chainAddressField,
  integer,
  list,
  modelHashField,
} from '../wire/fields.ts'
import { protocolId } from '../wire/versions.ts'
import { wireErrorSchema } from '../wire/wire-error.ts'
import { MAX_CHAIN_AMOUNT, MAX_EPOCH, MAX_LEFT_VOUCHERS } from './constants.ts'
import type { SignedVoucher } from './voucher.ts'

/** A provider leaves its best vouchers with a relay, which takes them to the chain when the provider is not there. */
export const SETTLE_PROTOCOL = protocolId('settle')

const leftVoucherSchema = v.strictObject({
  payer: chainAddressField,
  signer: chainAddressField,
  relay: chainAddressField,
  model: modelHashField,
  epoch: integer(0, MAX_EPOCH),
  cumulative: v.pipe(
    amountField,
    v.check((amount) => amount > 0n && amount <= MAX_CHAIN_AMOUNT, 'uint96'),
  ),
  signature: v.pipe(
    bytesUpTo(65),
    v.check((value) => value.length >= 64, 'length'),
  ),
})

/** One request a stream: vouchers of one escrow that all pay the peer's own operator. */
export const leaveRequestSchema = v.strictObject({
  type: v.literal('leave'),
  escrow: chainAddressField,
  operator: chainAddressField,
  /** The peer's key over chain, stake contract and operator: only the payee leaves a payee's vouchers. */
  binding: bytes(64),
  vouchers: v.pipe(list(leftVoucherSchema, MAX_LEFT_VOUCHERS), v.minLength(1)),
})
export type LeaveRequest = v.InferOutput<typeof leaveRequestSchema>

/** What became of them: those that were not kept by their place, with the reason. */
export const leaveReplySchema = v.variant('type', [
  v.strictObject({
    type: v.literal('kept'),
    refused: list(
      v.strictObject({ index: integer(0, MAX_LEFT_VOUCHERS - 1), error: wireErrorSchema }),
      MAX_LEFT_VOUCHERS,
    ),
  }),
  v.strictObject({ type: v.literal('refused'), error: wireErrorSchema }),
])

/** The request as it is sent. */
export function leaveBody(
  { escrow, operator, binding }: Pick<LeaveRequest, 'escrow' | 'operator' | 'binding'>,
  vouchers: readonly SignedVoucher[],
): unknown {
  return {
    type: 'leave',
    escrow: bytesOf(escrow),
    operator: bytesOf(operator),
    binding,
    vouchers: vouchers.map(({ voucher, signer, signature }) => ({
      payer: bytesOf(voucher.payer),
      signer: bytesOf(signer),
      relay: bytesOf(voucher.relay),
      model: fromHex(voucher.model),
      epoch: voucher.epoch,
      cumulative: amountToBytes(voucher.cumulative),
      signature,
    })),
  }
}

const bytesOf = (address: ChainAddress): Uint8Array => fromHex(address.slice(2))
