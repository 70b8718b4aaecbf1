import { keccak256, type Hex, type PublicClient, type TransactionSerializableEIP1559 } from 'viem'
import type { KeyVault } from './key-vault.ts'
import { findNodeError, type NodeError } from './node-error.ts'

/** A transaction as nodes take it, and what they know it by. */
export interface SignedTransaction {
  readonly raw: Hex
  readonly hash: Hex
}

/** Why it is not known whether a node has a transaction. */
export interface SendDoubt {
  readonly cause: unknown
  /** What a node said; undefined when none answered. It may have taken it all the same: `isCertainlyNotTaken`. */
  readonly refusal: NodeError | undefined
}

export async function signRaw(
  vault: KeyVault,
  transaction: Omit<TransactionSerializableEIP1559, 'type'>,
): Promise<SignedTransaction> {
  const raw = await vault.signTransaction({ ...transaction, type: 'eip1559' })
  return { raw, hash: keccak256(raw) }
}

/** Gives nodes what was signed; undefined when one says that it has it. */
export async function broadcast(
  client: Pick<PublicClient, 'sendRawTransaction' | 'getTransaction'>,
  { raw, hash }: SignedTransaction,
): Promise<SendDoubt | undefined> {
  try {
    await client.sendRawTransaction({ serializedTransaction: raw })
  } catch (cause) {
    // An endpoint may have taken it and then not answered, or answered an error; a second one may refuse what the first
    // one has in a block by now. So the chain is asked.
    const known = await client.getTransaction({ hash }).catch(() => undefined)
    if (!known) return { cause, refusal: findNodeError(cause) }
  }
  return undefined
}
