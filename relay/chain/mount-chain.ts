import type { Clock } from '#shared/base/clock.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Relay } from '../create-relay.ts'
import type { Logger } from '../observe/log.ts'
import { ChainHead } from './chain-head.ts'
import { ChainNode } from './chain-node.ts'
import { loadNetworkFile } from './load-network-file.ts'
import { ReadPath } from './read-path.ts'
import { rpcHandler } from './rpc-handler.ts'

export interface MountedChain {
  stop(): Promise<void>
}

/** Attaches a relay to the chain of its network file. The chain may be down: the relay starts, and says so. */
export async function mountChain(
  relay: Relay,
  { clock, log }: { clock: Clock; log: Logger },
  { networkFile }: Pick<RelayConfig, 'networkFile'>,
): Promise<MountedChain> {
  const network = await loadNetworkFile(networkFile)
  const node = new ChainNode({ clock, log }, { chainId: network.chainId, urls: network.rpcUrls })
  const head = new ChainHead({ node, clock }, network)
  const onAnswer = (method: string, result: string): void => relay.metrics.rpcCalls.inc({ method, result })
  const path = new ReadPath({ node, head, network, onAnswer })
  head.start()
  relay.metrics.watchChain({
    block: () => Number(head.last?.number ?? Number.NaN),
    headAgeSeconds: () => head.ageSeconds ?? Number.NaN,
  })
  relay.attachChain({
    network,
    payee: undefined,
    health: () => ({
      chainId: network.chainId,
      block: head.last && Number(head.last.number),
      headAgeSeconds: head.ageSeconds && Math.round(head.ageSeconds),
    }),
    rpc: rpcHandler(path, clock),
    faucet: undefined,
  })
  return {
    stop: async () => head.stop(),
  }
}
