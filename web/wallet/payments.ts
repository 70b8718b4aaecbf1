import type { Address } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import type { BaseUnits } from '#shared/base/units.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { signerOf } from '#shared/chain/key-vault.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import type { Payer } from '#shared/peer/payer.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import { openTill, type Till, type TillComponents } from '#shared/settle/till.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'
import type { ChainClient } from './chain-client.ts'
import type { TabKeys } from './tab-keys.ts'

export interface PaymentsComponents {
  readonly clock: Clock
  readonly network: NetworkFile
  readonly client: ChainClient
  readonly vault: TabKeys
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

export interface TabTillInit extends Pick<TillComponents, 'bind' | 'onReceipt'> {
  /** True where this tab has the address' key: then receipts are signed by both sides. */
  readonly hasKey: boolean
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
  async payee(address: Address, { hasKey, ...init }: TabTillInit): Promise<Till> {
    const { clock, ledger: store, relayPayee, vault } = this.#components
    const operator = chainAddress(address)
    const signer = hasKey ? signerOf(await vault.wallet(address)) : undefined
    const ledger = await PayeeLedger.load(store, this.#escrow, operator)
    return openTill(
      { ...init, clock, chain: this.chain, ledger, signer },
      { escrow: this.#escrow, stake: this.#stake, operator, relay: relayPayee && chainAddress(relayPayee) },
    )
  }
}
