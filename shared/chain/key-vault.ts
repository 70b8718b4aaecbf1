import {
  hexToBytes,
  type Address,
  type Hex,
  type TransactionSerializableEIP1559,
  type TypedDataDefinition,
} from 'viem'
import { chainAddress } from '../base/ids.ts'
import type { ChainSigner } from '../settle/chain-signature.ts'

/**
 * One secp256k1 key as whoever signs with it sees it, wherever it lies: in a browser, or in an operator's file. A locked
 * one in a browser asks its person first; every other signs without asking anybody. What protects it where it lies is for
 * its keeper to say (`web/wallet/tab-keys.ts`, `relay/chain/key-file.ts`). Nothing here gives the key out.
 */
export interface KeyVault {
  readonly address: Address
  sign(what: { readonly hash: Hex }): Promise<Hex>
  signTransaction(transaction: TransactionSerializableEIP1559): Promise<Hex>
  signTypedData(data: TypedDataDefinition): Promise<Hex>
}

/** What signs vouchers and receipts with that key. */
export function signerOf(vault: KeyVault): ChainSigner {
  return {
    address: chainAddress(vault.address),
    sign: async (hash) => hexToBytes(await vault.sign({ hash })),
  }
}
