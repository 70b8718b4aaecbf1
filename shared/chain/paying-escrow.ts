import { InfernetError } from '../errors/infernet-error.ts'
import type { NetworkFile } from './network-file.ts'

/**
 * The one escrow that answers are paid through, whatever else the network has: prices are amounts of its asset, in
 * offers, quotes and limits alike, and nothing says what one of it is in another asset.
 */
export function payingEscrow({ escrows: [first] }: NetworkFile): NetworkFile['escrows'][number] {
  if (!first) throw new InfernetError('settle.bad-network-file', { field: 'escrows' })
  return first
}
