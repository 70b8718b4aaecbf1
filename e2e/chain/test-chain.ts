import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  createTestClient,
  createWalletClient,
  http,
  parseEther,
  publicActions,
  walletActions,
  type Address,
  type PublicClient,
  type TestClient,
  type Transport,
  type WalletClient,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { startChainRelay } from '../../relay/testing/chain-fixtures.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { keepWholeState, keptBlock } from './chain-state.ts'
import { killChain } from './kill-chain.ts'
import { startLocalChain, type LocalChain } from './local-chain.ts'
import { ourContracts } from './our-contracts.ts'

/** How fast viem looks for receipts on a chain that mines at once. */
const POLLING_MS = 20

type Wallet = WalletClient<Transport, typeof foundry, PrivateKeyAccount>

/** The real contracts on a chain of their own, and relays that are attached to it; `await using` ends all of it. */
export interface TestChain extends AsyncDisposable {
  readonly chain: LocalChain
  /** Kills the chain and starts it with what was on its disk. */
  restart(): Promise<void>
  readonly network: NetworkFile
  /** Reads, mines, travels in time, reorganises. */
  readonly client: TestClient & PublicClient
  /** An account with gas. */
  account(balance?: bigint): Promise<PrivateKeyAccount>
  wallet(account: PrivateKeyAccount): Wallet
  relay(changes?: Partial<RelayConfig>, network?: Partial<NetworkFile>): Promise<Relay>
}

export async function startTestChain(): Promise<TestChain> {
  const folder = await mkdtemp(join(tmpdir(), 'infernet-chain-'))
  let chain = await startLocalChain(ourContracts, { folder })
  let client = clientOf(chain.anvil.url)
  const relays: Relay[] = []
  return {
    get chain() {
      return chain
    },
    restart: async () => {
      await killChain(chain)
      chain = await startLocalChain(ourContracts, { folder })
      client = clientOf(chain.anvil.url) // its port may have gone to another test's chain
    },
    network: chain.network,
    get client() {
      return client
    },
    account: async (balance = parseEther('10')) => {
      const account = privateKeyToAccount(generatePrivateKey())
      await client.setBalance({ address: account.address, value: balance })
      return account
    },
    wallet: (account) => walletOf(chain.anvil.url, account),
    relay: async (changes = {}, network = {}) => {
      const relay = await startChainRelay({ ...chain.network, ...network }, changes)
      relays.push(relay)
      return relay
    },
    [Symbol.asyncDispose]: async () => {
      for (const relay of relays) await relay.stop()
      await chain.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Waits for what is on the chain now: one that is killed sooner comes back without it, or without contracts. */
export async function untilOnDisk({ chain, client }: TestChain): Promise<void> {
  const stateFile = join(dirname(chain.networkFile), 'state.json')
  const block = Number(await client.getBlockNumber())
  const isKept = (): boolean => keepWholeState(stateFile) && (keptBlock(stateFile) ?? -1) >= block
  await until('the block to be on the disk', isKept)
}

/** An address that nobody has. */
export function nobody(): Address {
  return privateKeyToAccount(generatePrivateKey()).address
}

function clientOf(url: string): TestClient & PublicClient {
  const options = { chain: foundry, transport: http(url), pollingInterval: POLLING_MS, cacheTime: 0 } as const
  return createTestClient({ mode: 'anvil', ...options })
    .extend(publicActions)
    .extend(walletActions)
}

function walletOf(url: string, account: PrivateKeyAccount): Wallet {
  return createWalletClient({
    account,
    chain: foundry,
    transport: http(url),
    pollingInterval: POLLING_MS,
  })
}
