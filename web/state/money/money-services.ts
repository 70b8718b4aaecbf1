import type { Address, Hash, Hex } from 'viem'
import type { PeerName } from '#shared/base/ids.ts'
import type { ClaimRefusal } from '#shared/settle/sift-claims.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import type { BindingOnChain } from '#shared/chain/bindings.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { PaymentLine } from '#shared/settle/voucher.ts'
import type { Act, ActOptions } from '../../wallet/act.ts'
import type { ClaimEntry, EarnedLine } from '../../wallet/acts.ts'
import type { DepositInit, DepositWay } from '../../wallet/deposit.ts'
import type { Faucet } from '../../wallet/faucet.ts'
import type { InjectedWallet, InjectedWallets } from '../../wallet/injected-wallets.ts'
import type { Fate } from '../../wallet/look-up.ts'
import type { TabKeys, Unlock } from '../../wallet/tab-keys.ts'
import type { Payments } from '../../wallet/payments.ts'
import type { Claimable, PotOnChain } from '../../wallet/read-lines.ts'
import type { EscrowOnChain, Snapshot, SnapshotQuestion } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import type { TransactionRecord } from '../../wallet/transaction-record.ts'
import type { SessionServices } from '../session/services.ts'
import type { MoneyEntry } from './money-entries.ts'

/** An act under way. */
export interface ActRun {
  /** @throws InfernetError `wallet.*`, when it is certain that nothing of it waits to be decided by the chain */
  run(act: Act): Promise<void>
  /** Goes on with what an earlier run of the page left open. @throws InfernetError `wallet.*` */
  resume(record: TransactionRecord, hasMore: boolean): Promise<void>
  /** The very same once more, or a look at the chain; never pays twice. */
  again(): Promise<void>
  speedUp(): Promise<void>
}

export type ActRunOptions = ActOptions

/** Where entries are kept: the newest first. */
export interface EntryStore {
  list(): Promise<readonly MoneyEntry[]>
  put(entry: MoneyEntry): Promise<void>
  remove(id: string): Promise<void>
}

/** Everything the wallet's state needs from outside: the chain, the keys, the extensions and this browser's records. */
export interface MoneyServices {
  readonly network: NetworkFile
  readonly vault: TabKeys
  readonly injected: InjectedWallets
  readonly faucet: Faucet | undefined
  readonly entries: EntryStore
  /** Vouchers and receipts, as the ledgers of `settle` write them. */
  readonly ledger: LedgerStore
  /** Purse and till: how answers are paid, and how this tab is. */
  readonly payments: Pick<Payments, 'payer' | 'payee'>
  /** The raw Ed25519 key behind a peer's name: what the stake counts for, with that key's signature. */
  peerKey(name: PeerName): Hex
  /** Signs with that key that an operator is its own. @throws InfernetError `wallet.no-name` */
  bind(operator: Address): Promise<BindingOnChain>
  tabSigner(address: Address): Promise<Signer>
  connect(
    wallet: InjectedWallet,
    options: { readonly signal: AbortSignal; readonly mayAsk: boolean },
  ): Promise<Signer | undefined>
  /** @throws InfernetError `wallet.unreachable`, `wallet.foreign-node` */
  read(question: SnapshotQuestion): Promise<Snapshot>
  /** Whether other nodes tell the same of the same block; `undefined` when none says. */
  confirm(snapshot: Snapshot): Promise<boolean | undefined>
  readClaimable(escrow: Address, entries: readonly ClaimEntry[]): Promise<readonly Claimable[]>
  /** What a provider may still claim today. @throws InfernetError `wallet.unreachable` */
  dailyLeft(escrow: Address, provider: Address): Promise<bigint>
  /** What a payer may still pay today to all providers without stake. @throws InfernetError `wallet.unreachable` */
  payerDailyLeft(escrow: Address, payer: Address): Promise<bigint>
  /** Why the chain would refuse these at once; undefined when it would not. @throws InfernetError `wallet.unreachable` */
  tryClaim(
    escrow: Address,
    init: { readonly from: Address; readonly entries: readonly ClaimEntry[] },
  ): Promise<ClaimRefusal | undefined>
  readPots(escrow: EscrowOnChain, lines: readonly EarnedLine[]): Promise<readonly PotOnChain[]>
  /** What the chain has counted of a line, remembered for some seconds. @throws InfernetError `payment.*` */
  claimed(line: PaymentLine, options?: { readonly isFresh?: boolean }): Promise<bigint>
  /** A payer's account and session of the main escrow, remembered for some seconds. */
  readonly chain: Pick<ChainView, 'account' | 'session'>
  /** What a unit of gas costs now, in the smallest unit of the coin. @throws InfernetError `wallet.unreachable` */
  gasPrice(): Promise<bigint>
  /** Whether a transaction is in a block, failed there, or is in none. */
  outcome(hash: Hash): Promise<{ readonly block: number; readonly succeeded: boolean } | undefined>
  /** What the chain says of a transaction, found by account and number where its hash is not known. Never throws. */
  lookUp(record: TransactionRecord, isForeign: (hash: Hash) => boolean): Promise<Fate>
  act(signer: Signer, options: ActRunOptions): ActRun
  depositWay(signer: Signer, init: DepositInit): Promise<DepositWay>
}

/** What the wallet's state needs of the page, and how it gets at the chain. */
export interface WalletServices extends SessionServices {
  /** The chain and the wallets; `undefined` where this network uses no money. */
  openMoney(options: {
    readonly signal: AbortSignal
    /** Asks the visitor to open a locked wallet of this tab. */
    readonly unlock: Unlock
  }): Promise<MoneyServices | undefined>
}
