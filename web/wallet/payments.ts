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
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'
import type { ChainClient } from './chain-client.ts'
import type { KeyVault } from './key-vault.ts'

export interface PaymentsComponents {
  readonly clock: Clock
  readonly network: NetworkFile
  readonly client: ChainClient
  readonly vault: KeyVault
  readonly ledger: LedgerStore
  /** Who gets the relay's share of what this tab earns: whoever introduced it. Undefined for nobody. */
  readonly relayPayee: Address | undefined
  /** Called with each receipt, of answers that were paid and of jobs that were served. */
  readonly onReceipt: (role: 'payer' | 'payee', receipt: SignedReceipt) => void
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
    const [first] = network.escrows // prices are in its asset
    if (!first) throw new InfernetError('settle.bad-network-file', { field: 'escrows' })
    this.#components = components
    this.#escrow = { chainId: network.chainId, escrow: chainAddress(first.escrow) }
    this.#stake = chainAddress(network.contracts.stake)
    this.chain = new CachedChainView(new ChainReader(client, this.#escrow, this.#stake), clock)
  }

  /**
   * Pays from that account's deposit, by the session key of this tab, which is made where there is none.
   *
   * @param maxJobCost the most one answer may come to
   */
  async payer(account: Address, maxJobCost: BaseUnits): Promise<Payer> {
    const { clock, vault, ledger, onReceipt } = this.#components
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
        onReceipt: (receipt) => onReceipt('payer', receipt),
      },
      { maxJobCost },
    )
  }

  /**
   * Is paid at that address.
   *
   * @param bind the tab's name signs that the address is its own
   * @param key the address' key where this tab has it: then receipts are signed by both sides
   */
  async payee(
    address: Address,
    bind: (terms: BindingTerms) => Promise<Uint8Array>,
    key?: LocalAccount,
  ): Promise<Payee> {
    const { clock, ledger, relayPayee, onReceipt } = this.#components
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
      onReceipt: (receipt) => onReceipt('payee', receipt),
    })
    return { payment: { chainId, escrow, operator, relay, binding }, credit }
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
