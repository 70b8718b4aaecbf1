import type { Address, Hash, Hex, TypedDataDefinition } from 'viem'
import type { NetworkFile } from '#shared/settle/network-file.ts'

/** One call of a contract, ready to be sent. */
export interface Call {
  readonly to: Address
  readonly data: Hex
  /** Of the coin that pays for gas. */
  readonly value?: bigint
}

/** A transaction that a node has taken, not yet one that is in a block. */
export interface SentTransaction {
  readonly hash: Hash
  /** The sender's count; `undefined` where the wallet keeps it to itself. */
  readonly nonce: number | undefined
}

/** A batch as a wallet reports on it (EIP-5792). */
export interface BatchStatus {
  readonly state: 'pending' | 'confirmed' | 'failed'
  readonly hash: Hash | undefined
}

/** What sends several calls as one transaction with one approval (EIP-5792). */
export interface BatchSender {
  /** @throws InfernetError `wallet.*`; the returned id names the batch at this wallet alone */
  send(calls: readonly Call[], options: { readonly signal: AbortSignal }): Promise<string>
  status(id: string, options: { readonly signal: AbortSignal }): Promise<BatchStatus>
}

/**
 * Whoever signs for the visitor: the wallet in this tab, or one that a browser extension brought.
 *
 * Everything throws an InfernetError `wallet.*`, and every wait ends with the signal.
 */
export interface Signer {
  readonly kind: 'tab' | 'injected'
  /** As the wallet calls itself, bounded. */
  readonly name: string
  /** A `data:` URL. */
  readonly icon: string | undefined
  readonly address: Address
  /** The chain it is on; `undefined` while it does not say. */
  readonly chainId: number | undefined
  send(
    call: Call & { readonly gas: bigint },
    options: { readonly signal: AbortSignal },
  ): Promise<SentTransaction>
  signTypedData(data: TypedDataDefinition, options: { readonly signal: AbortSignal }): Promise<Hex>
  /** The same transaction for a higher fee; only where the key is ours. */
  readonly speedUp?: (
    sent: SentTransaction,
    options: { readonly signal: AbortSignal },
  ) => Promise<SentTransaction>
  /** Resolves with `undefined` where the wallet cannot send several calls as one. */
  batching(options: { readonly signal: AbortSignal }): Promise<BatchSender | undefined>
  /** Moves to the network's chain, adding it where the wallet does not know it. */
  switchChain(network: NetworkFile, options: { readonly signal: AbortSignal }): Promise<void>
  onChange(callback: () => void): () => void
}
