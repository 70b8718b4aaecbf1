import type { Address, Hex, TypedDataDefinition } from 'viem'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { Call } from '#shared/chain/calls.ts'
import type { RecordBase, TransactionRecord } from './transaction-record.ts'

/**
 * Puts on record what is about to be sent; nothing is sent before it resolves, and nothing at all when it rejects.
 * `undefined` takes it back: it is certain that nothing was sent.
 */
export type Note = (record: TransactionRecord | undefined) => Promise<void>

export interface SendOptions {
  readonly signal: AbortSignal
  readonly base: RecordBase
  readonly note: Note
  /** The number to ask a wallet for, so that this one and an earlier one cannot both count. */
  readonly nonce?: number | undefined
}

/** Whose signature it is to be: a wallet may change to another account meanwhile. */
export interface SignOptions {
  readonly account: Address
  readonly signal: AbortSignal
}

/** What is known after a transaction was given away. */
export interface SendAnswer {
  readonly record: TransactionRecord
  /** Why it is not known whether anybody has it; `undefined` when somebody says that they have. */
  readonly doubt: InfernetError | undefined
}

/** A batch as a wallet reports on it (EIP-5792). `unknown` where the wallet is certain that it never took it. */
export interface BatchStatus {
  readonly state: 'pending' | 'confirmed' | 'failed' | 'unknown'
  readonly hash: Hex | undefined
}

/** What sends several calls as one transaction with one approval (EIP-5792). */
export interface BatchSender {
  /** @throws InfernetError `wallet.*` where it is certain that nothing was sent */
  send(options: SendOptions): Promise<SendAnswer>
  status(id: string, options: { readonly signal: AbortSignal }): Promise<BatchStatus>
}

/** Sends what is on record again; the number stays the same, so that only one can count. */
export type SendAgain = (
  record: TransactionRecord,
  options: Pick<SendOptions, 'signal' | 'note'>,
) => Promise<SendAnswer>

/**
 * Whoever signs for the visitor: the wallet in this tab, or one that a browser extension brought.
 *
 * Everything throws an InfernetError `wallet.*`, and every wait ends with the signal.
 */
export interface Signer {
  readonly kind: 'tab' | 'injected'
  /** Each signature asks its person, also one that nobody ordered. @default only those of a `tab` do not */
  readonly asks?: boolean
  /** As the wallet calls itself, bounded. */
  readonly name: string
  /** A `data:` URL. */
  readonly icon: string | undefined
  readonly address: Address
  /** The chain it is on; `undefined` while it does not say. */
  readonly chainId: number | undefined
  /** @throws InfernetError `wallet.*` where it is certain that nothing was sent; everything else is a doubt */
  send(call: Call & { readonly gas: bigint }, options: SendOptions): Promise<SendAnswer>
  /** By that account and no other. */
  signTypedData(data: TypedDataDefinition, options: SignOptions): Promise<Hex>
  /** The very same bytes; only where the key is ours. For a higher fee where the chain asks for more by now. */
  readonly sendAgain?: SendAgain
  /** The same for a higher fee; only where the key is ours. */
  readonly speedUp?: SendAgain
  /** Resolves with `undefined` where the wallet cannot send several calls as one. */
  batching(options: SignOptions): Promise<BatchSender | undefined>
  /** Asks the wallet for chain and account anew, and tells what has changed: not all of them tell it by themselves. */
  look?(options: { readonly signal: AbortSignal }): Promise<void>
  /** Moves to the network's chain, adding it where the wallet does not know it. */
  switchChain(network: NetworkFile, options: { readonly signal: AbortSignal }): Promise<void>
  onChange(callback: () => void): () => void
}
