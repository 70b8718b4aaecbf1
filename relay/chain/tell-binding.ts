import type { PrivateKey } from '@libp2p/interface'
import type { Address } from 'viem'
import { chainAddress } from '#shared/base/ids.ts'
import { bindingForChain, type StakeId } from '#shared/chain/bindings.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import type { Logger } from '../observe/log.ts'

/**
 * Logs what the stake contract asks of an account that stakes for this node: a binding that the node's own key signed.
 * It is no secret, and worth nothing for any other account.
 */
export async function tellBinding(
  { key, log }: { readonly key: PrivateKey; readonly log: Logger },
  { chainId, stake }: StakeId,
  operator: Address,
): Promise<void> {
  const terms = { chainId, stake: chainAddress(stake), operator: chainAddress(operator) }
  const binding = bindingForChain(key.publicKey.raw, await makeBinding(key, terms))
  log.info({ stake, operator, binding }, 'to stake for this node, its account registers with this binding')
}
