import type { Address } from 'viem'
import type { ReadOperator } from './known-stakes.ts'
import { stakeAt, type ReadingClient } from './reads.ts'

/** Reads the stake contract at the newest block, for `KnownStakes`. */
export function operatorReader(client: ReadingClient, stake: Address): ReadOperator {
  const read = stakeAt(client, stake)
  return async (operator) => {
    const [isActive, peerKey, { stake: atWork }] = await Promise.all([
      read('isActive', operator),
      read('peerKeyOf', operator),
      read('operatorOf', operator),
    ])
    return { isActive, peerKey: peerKey.slice(2).toLowerCase(), stake: atWork }
  }
}
