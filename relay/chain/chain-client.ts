import { createPublicClient, custom, type PublicClient } from 'viem'
import type { ChainNode } from './chain-node.ts'

/** Viem's client over the relay's own endpoints, with their bounds and deadlines in place of viem's. */
export function createChainClient(node: Pick<ChainNode, 'request'>): PublicClient {
  const request = ({ method, params }: { method: string; params?: readonly unknown[] }): Promise<unknown> =>
    node.request(method, params ?? [])
  return createPublicClient({ transport: custom({ request }, { retryCount: 0 }), cacheTime: 0 })
}
