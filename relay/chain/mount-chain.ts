import type { PrivateKey } from '@libp2p/interface'
import type { Address, PublicClient } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import type { Payee } from '#shared/peer/peer.ts'
import type { DemandMeter } from '#shared/schedule/demand/demand-meter.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { RelayConfig } from '../config/options.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import { badOption } from '../base/start-error.ts'
import { BalanceWatch } from './balance-watch.ts'
import { createChainClient } from './chain-client.ts'
import { ChainHead } from './chain-head.ts'
import { ChainNode } from './chain-node.ts'
import { faucetHandler } from './faucet-handler.ts'
import { Faucet } from './faucet.ts'
import { loadKey } from './key-file.ts'
import { loadNetworkFile } from './load-network-file.ts'
import { mountClaims } from './mount-claims.ts'
import { PublicationWatch } from './publication-watch.ts'
import { ReadPath } from './read-path.ts'
import { rpcHandler } from './rpc-handler.ts'
import { StakeWatch } from './stake-watch.ts'
import { tellBinding } from './tell-binding.ts'
import { TransactionSender } from './transaction-sender.ts'

export interface MountedChain {
  readonly stake: StakeWatch
  readonly publications: PublicationWatch
  /** How the seed provider is paid; undefined without a key of the relay's, or without a seed provider. */
  readonly till: Payee | undefined
  /** What pays for probes; undefined without a key for it. */
  readonly audit: AuditMoney | undefined
  stop(): Promise<void>
}

/** An account that probes are paid from, and the chain that it is on. */
export interface AuditMoney {
  readonly network: NetworkFile
  readonly client: PublicClient
  readonly account: KeyVault
  readonly sender: TransactionSender
}

type KeyOption = '--faucet-key-file' | '--relay-key-file' | '--audit-key-file'
const ACCOUNT_NAMES = {
  '--faucet-key-file': 'faucet',
  '--relay-key-file': 'relay',
  '--audit-key-file': 'audit',
} as const satisfies Record<KeyOption, string>

/** Attaches a relay to the chain of its network file. The chain may be down: the relay starts, and says so. */
export async function mountChain(
  relay: RelayHost,
  {
    clock,
    log,
    key,
    demand,
  }: { clock: Clock; log: Logger; key: PrivateKey; demand?: Pick<DemandMeter, 'settled'> | undefined },
  config: RelayConfig,
): Promise<MountedChain> {
  const { networkFile, faucetKeyFile, relayKeyFile, auditKeyFile } = config
  const network = await loadNetworkFile(networkFile)
  const node = new ChainNode({ clock, log }, { chainId: network.chainId, urls: network.rpcUrls })
  const head = new ChainHead({ node, clock }, network)
  const onAnswer = (method: string, result: string): void => relay.metrics.rpcCalls.inc({ method, result })
  const path = new ReadPath({ node, head, network, onAnswer })
  const client = createChainClient(node)
  const senders: TransactionSender[] = []
  const accounts: Record<string, Address> = {}
  const accountOf = async (path: string, option: KeyOption) => {
    const account = await loadKey(path, { option, log })
    accounts[ACCOUNT_NAMES[option]] = account.address
    // One account has one sequence of transactions, whatever it is used for.
    const known = senders.find(({ address }) => address === account.address)
    const sender = known ?? new TransactionSender({ client, account, clock }, network)
    if (!known) senders.push(sender)
    return { account, sender }
  }
  const faucet =
    faucetKeyFile === ''
      ? undefined
      : new Faucet(
          { client, sender: (await accountOf(faucetKeyFile, '--faucet-key-file')).sender, clock, log },
          testOnly(network),
        )
  const own = relayKeyFile === '' ? undefined : await accountOf(relayKeyFile, '--relay-key-file')
  const audit =
    auditKeyFile === ''
      ? undefined
      : { network, client, ...(await accountOf(auditKeyFile, '--audit-key-file')) }
  const hasClaims = config.carryClaims === 'on' || config.seedProvider === 'on'
  const claims =
    own && hasClaims
      ? await mountClaims(relay, { client, ...own, key, head, clock, log, demand }, network, config)
      : undefined
  const id = { chainId: network.chainId, stake: network.contracts.stake }
  if (own) await tellBinding({ key, log }, id, own.account.address)
  const stake = new StakeWatch({ node, client, head, clock, log }, network)
  const publications = new PublicationWatch({ node, client, head, clock, log }, network)
  const balances = new BalanceWatch({ client, clock, log }, accounts)
  head.start()
  stake.start()
  publications.start()
  balances.start()
  relay.metrics.watchBalances(balances.counts)
  relay.metrics.watchChain({
    block: () => Number(head.last?.number ?? Number.NaN),
    headAgeSeconds: () => head.ageSeconds ?? Number.NaN,
    claimsHeld: () => claims?.held ?? 0,
    operators: (state) => stake.count(state),
  })
  relay.attachChain({
    network,
    payee: own?.account.address,
    health: () => ({
      chainId: network.chainId,
      block: head.last && Number(head.last.number),
      headAgeSeconds: head.ageSeconds && Math.round(head.ageSeconds),
    }),
    rpc: rpcHandler(path, clock),
    faucet: faucet && faucetHandler(faucet, (result) => relay.metrics.faucet.inc({ result })),
  })
  return {
    stake,
    publications,
    till: claims?.till,
    audit,
    stop: async () => {
      head.stop()
      stake.stop()
      publications.stop()
      balances.stop()
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
