import type { Address, Hex } from 'viem'

/** One call of a contract, ready to be sent. */
export interface Call {
  readonly to: Address
  readonly data: Hex
  /** Of the coin that pays for gas. */
  readonly value?: bigint
}
