import * as v from 'valibot'
import { amountToBytes, fromHex } from '../../base/bytes.ts'
import type { ChainAddress, PeerName } from '../../base/ids.ts'
import type { BaseUnits } from '../../base/units.ts'
import { amountField, chainAddressField } from '../../wire/fields.ts'

/** An active operator of the stake contract that names a peer's key as its own, by a relay's word. */
export interface Staked {
  readonly operator: ChainAddress
  /** What works for the operator, in base units of INF. */
  readonly stake: BaseUnits
}

/** Undefined where no active operator names that peer's key, or no chain is known. */
export type StakeOf = (peer: PeerName) => Staked | undefined

/** On the wire: 20 bytes and an amount. */
export const stakedSchema = v.strictObject({ operator: chainAddressField, stake: amountField })

/** For an object that is encoded: nothing, where nobody staked. */
export function stakedBody(staked: Staked | undefined): { staked?: unknown } {
  if (!staked) return {}
  return {
    staked: { operator: fromHex(staked.operator.slice(2)), stake: amountToBytes(staked.stake) },
  }
}
