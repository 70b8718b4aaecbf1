import type { Address } from 'viem'
import { signedKeys, type StakeId } from './bindings.ts'
import type { ReadOperator } from './known-stakes.ts'
import { stakeAt, stakeState, type ReadingClient } from './reads.ts'

/** Operators in jail with one key that are read: only a court's act adds one, so there is rarely any. */
const MAX_JAILED_READ = 32

/**
 * Reads the stake contract at the newest block, for `KnownStakes`. An operator counts for the key that it named last and
 * that signed for it, and not at all while any other operator that the key ever signed for is in jail: a jail follows the
 * key to every other account.
 */
export function operatorReader(client: ReadingClient, id: StakeId): ReadOperator {
  const read = stakeAt(client, id.stake)
  const keysOf = async (operator: Address) => signedKeys(await read('bindingsOf', operator), id, operator)
  const hasJailed = async (key: string): Promise<boolean> => {
    const named = (await read('jailedWith', `0x${key}`)).slice(0, MAX_JAILED_READ)
    const jailed = await Promise.all(
      named.map(async (operator) => {
        const [{ all }, { state }] = await Promise.all([keysOf(operator), read('operatorOf', operator)])
        return all.includes(key) && stakeState(state) === 'jailed'
      }),
    )
    return jailed.includes(true)
  }
  return async (operator) => {
    const [isActive, { present }, { stake }] = await Promise.all([
      read('isActive', operator),
      keysOf(operator),
      read('operatorOf', operator),
    ])
    const counts = isActive && present !== undefined && !(await hasJailed(present))
    return { isActive: counts, peerKey: present, stake }
  }
}
