import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { composeRelay } from '../compose.ts'
import { configWith } from '../config/load-config.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Relay } from '../create-relay.ts'
import { loadIdentity } from '../identity.ts'
import { createLog } from '../observe/log.ts'
import { CHAIN_ID } from './fake-chain.ts'
import { temporaryFolder } from './fixtures.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const

/** A network whose contracts stand nowhere; what is behind its endpoints is the test's business. */
export function someNetwork(
  rpcUrls: readonly string[] = [],
  changes: Partial<NetworkFile> = {},
): NetworkFile {
  return {
    version: 1,
    name: 'Test',
    chainId: CHAIN_ID,
    rpcUrls: [...rpcUrls],
    isTest: true,
    nativeSymbol: 'ETH',
    blockSeconds: 1,
    deployBlock: 0,
    contracts: {
      timelock: address('1'),
      token: address('2'),
      models: address('3'),
      stake: address('4'),
      treasury: address('1'),
    },
    escrows: [{ asset: address('2'), escrow: address('5'), symbol: 'INF', decimals: 18 }],
    ...changes,
  }
}

/** A relay as an operator runs it, attached to that chain, in this process. */
export async function startChainRelay(
  network: NetworkFile,
  changes: Partial<RelayConfig> = {},
  log = createLog('silent'),
): Promise<Relay> {
  const dataFolder = changes.dataFolder ?? (await temporaryFolder()).path
  const networkFile = join(dataFolder, 'network.json')
  const privateKey = await loadIdentity(dataFolder) // makes the folder as well
  await writeFile(networkFile, JSON.stringify(network))
  const own = { host: '127.0.0.1', port: 0, pageFolder: join(dataFolder, 'no-page') }
  const config = configWith({ ...own, networkFile, ...changes, dataFolder })
  const relay = composeRelay({ privateKey, log }, { config, version: '0.0.0-test' })
  await relay.start()
  return relay
}
