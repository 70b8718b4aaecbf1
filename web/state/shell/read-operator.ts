import * as v from 'valibot'
import { operatorReader } from '#shared/chain/operator-reader.ts'
import type { ReadOperator } from '#shared/chain/known-stakes.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { createChainClient } from '../../wallet/chain-client.ts'
import { underPage } from './address.ts'
import { fetchNetwork } from './fetch-network.ts'

const infoSchema = v.pick(networkInfoSchema, ['chain'])

/**
 * Reads operators from the chain of the network that this page belongs to; undefined where it has none.
 *
 * @throws InfernetError `schedule.no-relay`
 */
export async function openOperatorReader(signal: AbortSignal): Promise<ReadOperator | undefined> {
  const info = v.safeParse(infoSchema, await fetchNetwork(signal))
  const network = info.success ? info.output.chain : undefined
  if (!network) return undefined
  const { chainId, contracts } = network
  return operatorReader(createChainClient(network, underPage('/rpc')), { chainId, stake: contracts.stake })
}
