import { hexToBytes, type Address, type LocalAccount } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import type { BaseUnits } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Payee, Payer } from '#shared/peer/peer.ts'
import type { BindingTerms } from '#shared/settle/binding.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import { ChainReader } from '#shared/settle/chain-reader.ts'
import type { ChainSigner } from '#shared/settle/chain-signature.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import { PayeeLedger, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'
import type { ChainClient } from './chain-client.ts'
import type { KeyVault } from './key-vault.ts'
import { payingEscrow } from './paying-escrow.ts'

export interface PaymentsComponents {
  readonly clock: Clock
  readonly network: NetworkFile
  readonly client: ChainClient
  readonly vault: KeyVault
  readonly ledger: LedgerStore
  /** Who gets the relay's share of what this tab earns: whoever introduced it. Undefined for nobody. */
  readonly relayPayee: Address | undefined
}

export interface PurseInit {
  /** The most one answer may come to. */
  readonly maxJobCost: BaseUnits
  /** Called with the receipt of each answer that was paid. */
  readonly onReceipt: (receipt: SignedReceipt) => void
}

export interface TillInit {
  /** The tab's name signs that the address is its own. */
  readonly bind: (terms: BindingTerms) => Promise<Uint8Array>
  /** True where this tab has the address' key: then receipts are signed by both sides. */
  readonly hasKey: boolean
  /** Called with each receipt of a job that was served; only with the address' key here do both sides sign it. */
  readonly onReceipt: (receipt: SignedReceipt) => void
}

/** How this tab is paid, and what it holds of it. */
export interface Till extends Payee {
  readonly vouchers: () => readonly HeldVoucher[]
}

/** Puts purse and till of `shared/settle` together for this tab: its keys, its records, its way to the chain. */
export class Payments {
  readonly #components: PaymentsComponents
  readonly #escrow: EscrowId
  readonly #stake: ChainAddress
  /** What the chain says, remembered for some seconds. */
  readonly chain: ChainView

  constructor(components: PaymentsComponents) {
    const { network, client, clock } = components
    this.#components = components
    this.#escrow = { chainId: network.chainId, escrow: chainAddress(payingEscrow(network).escrow) }
    this.#stake = chainAddress(network.contracts.stake)
    this.chain = new CachedChainView(new ChainReader(client, this.#escrow, this.#stake), clock)
  }

  /** Pays from that account's deposit, by the session key of this tab, which is made where there is none. */
  async payer(account: Address, { maxJobCost, onReceipt }: PurseInit): Promise<Payer> {
    const { clock, vault, ledger } = this.#components
    const payer = chainAddress(account)
    const key = await vault.sessionKey({ ...this.#escrow, payer: account })
    return new PayerCredit(
      {
        clock,
        escrow: this.#escrow,
        stake: this.#stake,
        payer,
        signer: signerOf(key),
        chain: this.chain,
        ledger: new PayerLedger(ledger, this.#escrow, payer),
        onReceipt,
      },
      { maxJobCost },
    )
  }

  /** Is paid at that address. */
  async payee(address: Address, { bind, hasKey, onReceipt }: TillInit): Promise<Till> {
    const { clock, ledger, relayPayee, vault } = this.#components
    const key = hasKey ? await vault.wallet(address) : undefined
    const operator = chainAddress(address)
    const { chainId, escrow } = this.#escrow
    const binding = await bind({ chainId, stake: this.#stake, operator })
    const relay = chainAddress(relayPayee ?? NOBODY)
    const held = await PayeeLedger.load(ledger, this.#escrow, operator)
    const credit = new PayeeCredit({
      clock,
      escrow: this.#escrow,
      chain: this.chain,
      ledger: held,
      signer: key && signerOf(key),
      onReceipt,
    })
    return { payment: { chainId, escrow, operator, relay, binding }, credit, vouchers: () => held.vouchers }
  }
}

const NOBODY: Address = `0x${'0'.repeat(40)}`

function signerOf(account: LocalAccount): ChainSigner {
  const { sign } = account
  if (!sign) throw new InfernetError('wallet.unsupported', { method: 'sign' })
  return {
    address: chainAddress(account.address),
    sign: async (hash) => hexToBytes(await sign({ hash })),
  }
}
