import {
  createPublicClient,
  defineChain,
  fallback,
  http,
  type Chain,
  type PublicClient,
  type Transport,
} from 'viem'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { RPC_TIMEOUT_MS } from './constants.ts'

/** Relays take twenty questions at once and sixteen requests at a time; a page that opens asks some thirty. */
const BATCH = { batchSize: 16, wait: 5 } as const

/** A client of the network's chain, over nodes that are asked in order. */
export type ChainClient = PublicClient<Transport, Chain>

/** The chain as viem describes one. */
export function chainOf(network: NetworkFile): Chain {
  const { chainId, name, nativeSymbol, rpcUrls, explorerUrl, isTest } = network
  return defineChain({
    id: chainId,
    name,
    nativeCurrency: { name: nativeSymbol, symbol: nativeSymbol, decimals: 18 },
    rpcUrls: { default: { http: rpcUrls } },
    testnet: isTest,
    ...(explorerUrl === undefined ? {} : { blockExplorers: { default: { name, url: explorerUrl } } }),
  })
}

/**
 * Reads and sends over the relay's read path first, then over the nodes of the network file.
 *
 * A node that fails or is late is passed over for that question; a refusal that every node would repeat (a revert) is
 * not asked twice.
 *
 * @param relayRpc the relay's read path, e.g. `https://relay.example/rpc`
 */
export function createChainClient(network: NetworkFile, relayRpc: string | undefined): ChainClient {
  const urls = [...(relayRpc === undefined ? [] : [relayRpc]), ...network.rpcUrls]
  return clientOver(
    network,
    fallback(
      urls.map((url) => node(url)),
      { retryCount: 0 },
    ),
  )
}

/** One client for each node alone, to hear whether they agree. */
export function createWitnesses(network: NetworkFile): readonly ChainClient[] {
  return network.rpcUrls.map((url) => clientOver(network, node(url)))
}

function node(url: string) {
  return http(url, { timeout: RPC_TIMEOUT_MS, retryCount: 0, batch: BATCH })
}

function clientOver(network: NetworkFile, transport: Transport): ChainClient {
  return createPublicClient({
    chain: chainOf(network),
    transport,
    // Each read says at which block: nothing older may answer for it.
    cacheTime: 0,
    pollingInterval: network.blockSeconds * 1000,
  })
}
