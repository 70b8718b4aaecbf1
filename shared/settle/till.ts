import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import type { QuotePayment } from '../prompt/prompt.ts'
import type { BindingTerms } from './binding.ts'
import type { ChainSigner } from './chain-signature.ts'
import type { ChainView } from './chain-view.ts'
import { PayeeCredit } from './payee-credit.ts'
import type { HeldVoucher, PayeeLedger } from './payee-ledger.ts'
import type { SignedReceipt } from './receipt.ts'
import type { EscrowId } from './voucher.ts'

export interface TillComponents {
  readonly clock: Clock
  readonly chain: ChainView
  /** Of the operator. */
  readonly ledger: PayeeLedger
  /** The operator's key where that is here: then receipts are signed by both sides. */
  readonly signer: ChainSigner | undefined
  /** The peer's name signs that the operator is its own. */
  readonly bind: (terms: BindingTerms) => Promise<Uint8Array>
  /** Called with each receipt of a job that was served. */
  readonly onReceipt?: (receipt: SignedReceipt) => void
}

export interface TillInit {
  readonly escrow: EscrowId
  /** The stake contract. */
  readonly stake: ChainAddress
  /** The address that is paid. Vouchers name no job, so two nodes must not share one. */
  readonly operator: ChainAddress
  /** Who gets the relay's share of what this peer earns: whoever introduced it. Undefined for nobody. */
  readonly relay: ChainAddress | undefined
}

/** How a provider is paid, and what it holds of it. */
export interface Till {
  /** Stands in every quote. */
  readonly payment: QuotePayment
  readonly credit: PayeeCredit
  readonly vouchers: () => readonly HeldVoucher[]
}

const NOBODY = `0x${'0'.repeat(40)}` as ChainAddress

/** Opens the till of a provider, in a tab or beside a relay. */
export async function openTill(
  { bind, ...components }: TillComponents,
  { escrow, stake, operator, relay = NOBODY }: TillInit,
): Promise<Till> {
  const binding = await bind({ chainId: escrow.chainId, stake, operator })
  return {
    payment: { ...escrow, operator, relay, binding },
    credit: new PayeeCredit({ ...components, escrow }),
    vouchers: () => components.ledger.vouchers,
  }
}
