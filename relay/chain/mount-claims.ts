import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { parseUnits, type PublicClient } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import { epochMillis, SECOND_MS } from '#shared/base/units.ts'
import { signerOf, type KeyVault } from '#shared/chain/key-vault.ts'
import type { Payee } from '#shared/peer/peer.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { ClaimBox } from '#shared/settle/claim-box.ts'
import { CLAIM_WORTH_FACTOR } from '#shared/settle/constants.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import { answerProtocols } from '#shared/wire/answer-protocols.ts'
import { ClaimService } from '#shared/settle/claim-service.ts'
import { MAX_LEAVE_STREAMS } from '#shared/settle/constants.ts'
import { openTill } from '#shared/settle/till.ts'
import type { DemandMeter } from '#shared/schedule/demand/demand-meter.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { RelayConfig } from '../config/options.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import type { ChainHead } from './chain-head.ts'
import { ClaimWatch } from './claim-watch.ts'
import { ClaimCarrier } from './claim-carrier.ts'
import { EscrowClient } from '#shared/chain/escrow-client.ts'
import { FileLedgerStore } from './file-ledger-store.ts'
import { DEMAND_SHARE } from './limits.ts'
import type { TransactionSender } from './transaction-sender.ts'

export interface ClaimsComponents {
  readonly client: PublicClient
  /** The relay's own account, and what sends for it. */
  readonly account: KeyVault
  readonly sender: TransactionSender
  /** Of the relay's name. */
  readonly key: PrivateKey
  readonly head: ChainHead
  readonly clock: Clock
  readonly log: Logger
  /** Is told of what the chain paid. */
  readonly demand?: Pick<DemandMeter, 'settled'> | undefined
}

export interface MountedClaims {
  /** Vouchers that are kept. */
  readonly held: number
  /** How the seed provider is paid, where there is one. */
  readonly till: Payee | undefined
  stop(): Promise<void>
}

/**
 * Keeps vouchers on disk, for providers that leave theirs here and for the seed provider, and carries them to the
 * chain. Without `carryClaims` it takes none from others, and carries the seed provider's alone.
 */
export async function mountClaims(
  relay: RelayHost,
  { client, account, sender, key, head, clock, log, demand }: ClaimsComponents,
  { chainId, contracts, escrows }: NetworkFile,
  { dataFolder, carryClaims, carryWorth, carryEverySeconds, seedProvider }: RelayConfig,
): Promise<MountedClaims> {
  const store = await FileLedgerStore.open(join(dataFolder, 'claims'), {
    onLeftOut: (file) =>
      log.warn({ file }, 'a file among the vouchers is damaged: it is left out, and left there'),
  })
  const stake = chainAddress(contracts.stake)
  const addresses = escrows.map(({ escrow }) => chainAddress(escrow))
  const views = new Map(
    addresses.map((escrow) => [escrow, new ChainReader(client, { chainId, escrow }, stake)]),
  )
  const clients = new Map(addresses.map((escrow) => [escrow, new EscrowClient(client, escrow)]))
  const carrying: { carrier?: ClaimCarrier } = {} // which needs the box first
  const box = await ClaimBox.load(
    {
      ...{ store, views },
      isSpare: (boxed, held) => carrying.carrier?.isSpare(boxed, held) ?? false,
      leastBehind: (escrow) => leastCarried(escrows, escrow, carryWorth),
    },
    { chainId, stake },
  )
  const [main] = addresses // prices are in its asset
  const view = main && views.get(main)
  const operator = chainAddress(account.address)
  const seed =
    seedProvider === 'on' && view ? { escrow: main, chain: new CachedChainView(view, clock) } : undefined
  // At the relay's own account: it sends for one relay alone. The relay introduced the seed provider itself, so that the
  // relay's share is its own, too.
  const till =
    seed &&
    (await openTill(
      {
        ...{ clock, chain: seed.chain, ledger: await box.own(seed.escrow, operator) },
        ...{ signer: signerOf(account), bind: (terms) => makeBinding(key, terms) },
      },
      { escrow: { chainId, escrow: seed.escrow }, stake, operator, relay: operator },
    ))
  const { handle } = new ClaimService({ clock, box })
  const answered = { protocol: SETTLE_PROTOCOL, handle, maxInboundStreams: MAX_LEAVE_STREAMS }
  const unmount = await answerProtocols(relay.node, carryClaims === 'on' ? [answered] : [])
  const watch = new ClaimWatch({
    ...{ box, views },
    onPaid: (escrow, { payer, model }, amount) =>
      demand?.settled({ payer, model, shares: sharesOf(amount, escrows, escrow) }),
    beforeNote: async ({ payer, provider }) =>
      provider === operator ? seed?.chain.account(payer, { isFresh: true }) : undefined,
  })
  const carrier = new ClaimCarrier(
    {
      ...{ box, views, sender, clock, log, watch, metrics: relay.metrics.claims },
      escrowOf: (escrow) => clients.get(escrow) ?? new EscrowClient(client, escrow),
      now: async () => epochMillis(Math.max(clock.now(), (await head.fresh()).timestamp * SECOND_MS)),
      blockNumber: async () => (await head.fresh()).number,
    },
    {
      ...{ escrows, worth: carryWorth, everyMs: carryEverySeconds * SECOND_MS },
      isForOwn: carryClaims === 'off',
    },
  )
  carrying.carrier = carrier
  relay.metrics.claims.watch(() => carrier.states)
  carrier.start()
  return {
    get held() {
      return box.size
    },
    till,
    stop: async () => {
      await unmount()
      await carrier.stop()
    },
  }
}

/** What a voucher must bring to be carried at all, in base units. */
function leastCarried(escrows: NetworkFile['escrows'], escrow: ChainAddress, worth: string): bigint {
  const asset = escrows.find((each) => chainAddress(each.escrow) === escrow)
  return asset ? parseUnits(worth, asset.decimals) / CLAIM_WORTH_FACTOR + 1n : 1n
}

/** An amount in full shares of demand; none in an escrow that the network file does not name. */
function sharesOf(amount: bigint, escrows: NetworkFile['escrows'], escrow: ChainAddress): number {
  const asset = escrows.find((each) => chainAddress(each.escrow) === escrow)
  return asset ? Number(amount) / Number(parseUnits(DEMAND_SHARE, asset.decimals)) : 0
}
