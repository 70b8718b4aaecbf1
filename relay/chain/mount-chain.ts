import type { Clock } from '#shared/base/clock.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Relay } from '../create-relay.ts'
import type { Logger } from '../observe/log.ts'
import { badOption } from '../start-error.ts'
import { createChainClient } from './chain-client.ts'
import { ChainHead } from './chain-head.ts'
import { ChainNode } from './chain-node.ts'
import { faucetHandler } from './faucet-handler.ts'
import { Faucet } from './faucet.ts'
import { loadKey } from './key-file.ts'
import { loadNetworkFile } from './load-network-file.ts'
import { mountClaims } from './mount-claims.ts'
import { ReadPath } from './read-path.ts'
import { rpcHandler } from './rpc-handler.ts'
import { TransactionSender } from './transaction-sender.ts'

export interface MountedChain {
  stop(): Promise<void>
}

/** Attaches a relay to the chain of its network file. The chain may be down: the relay starts, and says so. */
export async function mountChain(
  relay: Relay,
  { clock, log }: { clock: Clock; log: Logger },
  config: RelayConfig,
): Promise<MountedChain> {
  const { networkFile, faucetKeyFile, relayKeyFile } = config
  const network = await loadNetworkFile(networkFile)
  const node = new ChainNode({ clock, log }, { chainId: network.chainId, urls: network.rpcUrls })
  const head = new ChainHead({ node, clock }, network)
  const onAnswer = (method: string, result: string): void => relay.metrics.rpcCalls.inc({ method, result })
  const path = new ReadPath({ node, head, network, onAnswer })
  const client = createChainClient(node)
  const senders: TransactionSender[] = []
  const senderOf = async (path: string, option: string): Promise<TransactionSender> => {
    const account = await loadKey(path, { option, log })
    const sender = new TransactionSender({ client, account, clock }, network)
    senders.push(sender)
    return sender
  }
  const faucet =
    faucetKeyFile === ''
      ? undefined
      : new Faucet(
          { client, sender: await senderOf(faucetKeyFile, '--faucet-key-file'), clock, log },
          testOnly(network),
        )
  const own = relayKeyFile === '' ? undefined : await senderOf(relayKeyFile, '--relay-key-file')
  const claims =
    own && config.carryClaims === 'on'
      ? await mountClaims(relay, { client, sender: own, head, clock, log }, network, config)
      : undefined
  head.start()
  relay.metrics.watchChain({
    block: () => Number(head.last?.number ?? Number.NaN),
    headAgeSeconds: () => head.ageSeconds ?? Number.NaN,
    claimsHeld: () => claims?.held ?? 0,
  })
  relay.attachChain({
    network,
    payee: own?.address,
    health: () => ({
      chainId: network.chainId,
      block: head.last && Number(head.last.number),
      headAgeSeconds: head.ageSeconds && Math.round(head.ageSeconds),
    }),
    rpc: rpcHandler(path, clock),
    faucet: faucet && faucetHandler(faucet, (result) => relay.metrics.faucet.inc({ result })),
  })
  return {
    stop: async () => {
      head.stop()
      for (const sender of senders) sender.stop()
      await claims?.stop()
    },
  }
}

function testOnly(network: NetworkFile): NetworkFile {
  if (network.isTest) return network
  throw badOption(
    '--faucet-key-file',
    `the money of ${network.name} is real.`,
    'Leave the option out, or use a test chain.',
  )
}
