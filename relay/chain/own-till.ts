import type { PrivateKey } from '@libp2p/interface'
import { hexToBytes, type PrivateKeyAccount } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress } from '#shared/base/ids.ts'
import type { Payee } from '#shared/peer/peer.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import type { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'

export interface OwnTillComponents {
  readonly clock: Clock
  readonly chain: ChainView
  /** Of the relay's own account, in the box that it carries from. */
  readonly ledger: PayeeLedger
  readonly account: PrivateKeyAccount
  /** Of the relay's name, which is the seed provider's as well. */
  readonly key: PrivateKey
}

export interface OwnTillInit extends EscrowId {
  readonly stake: `0x${string}`
}

/**
 * How the seed provider is paid: at the relay's own account, as a tab is at its wallet's.
 *
 * Vouchers name no job, so two nodes must not share an operator. That account belongs to one relay already: two
 * programs that send from one key take each other's nonces. And who introduced the seed provider is the relay itself,
 * so the relay's share is its own, too.
 */
export async function openOwnTill(
  { clock, chain, ledger, account, key }: OwnTillComponents,
  { chainId, escrow, stake }: OwnTillInit,
): Promise<Payee> {
  const operator = chainAddress(account.address)
  const binding = await makeBinding(key, { chainId, stake: chainAddress(stake), operator })
  const signer = {
    address: operator,
    sign: async (hash: `0x${string}`) => hexToBytes(await account.sign({ hash })),
  }
  return {
    payment: { chainId, escrow, operator, relay: operator, binding },
    credit: new PayeeCredit({ clock, escrow: { chainId, escrow }, chain, ledger, signer }),
  }
}
