import * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { ChainAddress, ModelHash } from '../base/ids.ts'
import type { BaseUnits } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode, encode } from '../wire/codec.ts'
import { amountField, bytesUpTo, chainAddressField, integer } from '../wire/fields.ts'
import { MAX_CHAIN_AMOUNT, MAX_EPOCH } from './constants.ts'
import type { SignedVoucher } from './voucher.ts'

const chainAmount = v.pipe(
  amountField,
  v.check((amount) => amount <= MAX_CHAIN_AMOUNT, 'uint96'),
)
const signatureField = v.pipe(
  bytesUpTo(65),
  v.check((value) => value.length >= 64, 'length'),
)

/** Credit on the wire. What the quote says already (escrow, provider, model) is not repeated. */
const creditSchema = v.strictObject({
  payer: chainAddressField,
  signer: chainAddressField,
  relay: chainAddressField,
  epoch: integer(0, MAX_EPOCH),
  cumulative: chainAmount,
  signature: signatureField,
})

const receiptMessageSchema = v.strictObject({
  due: chainAmount,
  paid: chainAmount,
  signer: chainAddressField,
  signature: signatureField,
})
/** One side's word on the end of a job; what both know is not repeated. */
export interface ReceiptMessage {
  readonly due: BaseUnits
  readonly paid: BaseUnits
  readonly signer: ChainAddress
  readonly signature: Uint8Array
}

export function encodeCredit({ voucher, signer, signature }: SignedVoucher): Uint8Array {
  return encode({
    payer: fromHex(voucher.payer.slice(2)),
    signer: fromHex(signer.slice(2)),
    relay: fromHex(voucher.relay.slice(2)),
    epoch: voucher.epoch,
    cumulative: amountToBytes(voucher.cumulative),
    signature,
  })
}

/**
 * Reads credit as a voucher for this quote's provider and model; nothing of it is checked yet but its form.
 *
 * @throws InfernetError `payment.bad-voucher`
 */
export function decodeCredit(
  credit: Uint8Array,
  { operator, model }: { operator: ChainAddress; model: ModelHash },
): SignedVoucher {
  const { signer, signature, ...rest } = readForm(creditSchema, credit)
  return { voucher: { ...rest, provider: operator, model }, signer, signature }
}

export function encodeReceipt({ due, paid, signer, signature }: ReceiptMessage): Uint8Array {
  return encode({
    due: amountToBytes(due),
    paid: amountToBytes(paid),
    signer: fromHex(signer.slice(2)),
    signature,
  })
}

/** @throws InfernetError `payment.bad-voucher` */
export function decodeReceipt(receipt: Uint8Array): ReceiptMessage {
  return readForm(receiptMessageSchema, receipt)
}

function readForm<Schema extends v.GenericSchema>(schema: Schema, bytes: Uint8Array): v.InferOutput<Schema> {
  try {
    return decode(schema, bytes)
  } catch (cause) {
    throw new InfernetError('payment.bad-voucher', { reason: 'form' }, { cause })
  }
}
