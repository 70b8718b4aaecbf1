import { join } from 'node:path'
import type { PublicClient } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress } from '#shared/base/ids.ts'
import { epochMillis, SECOND_MS } from '#shared/base/units.ts'
import { ChainReader } from '#shared/settle/chain-reader.ts'
import { ClaimBox } from '#shared/settle/claim-box.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import { ClaimService } from '#shared/settle/claim-service.ts'
import { MAX_LEAVE_STREAMS } from '#shared/settle/constants.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Relay } from '../create-relay.ts'
import type { Logger } from '../observe/log.ts'
import type { ChainHead } from './chain-head.ts'
import { ClaimAftercare } from './claim-aftercare.ts'
import { ClaimCarrier } from './claim-carrier.ts'
import { EscrowClient } from './escrow-client.ts'
import { FileLedgerStore } from './file-ledger-store.ts'
import type { TransactionSender } from './transaction-sender.ts'

export interface ClaimsComponents {
  readonly client: PublicClient
  readonly sender: TransactionSender
  readonly head: ChainHead
  readonly clock: Clock
  readonly log: Logger
}

export interface MountedClaims {
  /** Vouchers that are kept. */
  readonly held: number
  stop(): Promise<void>
}

/** Keeps vouchers for providers on disk, and carries them to the chain. */
export async function mountClaims(
  relay: Relay,
  { client, sender, head, clock, log }: ClaimsComponents,
  { chainId, contracts, escrows }: NetworkFile,
  { dataFolder, carryWorth, carryEverySeconds }: RelayConfig,
): Promise<MountedClaims> {
  const store = await FileLedgerStore.open(join(dataFolder, 'claims'))
  const stake = chainAddress(contracts.stake)
  const addresses = escrows.map(({ escrow }) => chainAddress(escrow))
  const views = new Map(
    addresses.map((escrow) => [escrow, new ChainReader(client, { chainId, escrow }, stake)]),
  )
  const clients = new Map(addresses.map((escrow) => [escrow, new EscrowClient(client, escrow)]))
  const box = await ClaimBox.load({ store, views }, { chainId, stake })
  const service = new ClaimService({ clock, box })
  await relay.node.handle(SETTLE_PROTOCOL, service.handle, { maxInboundStreams: MAX_LEAVE_STREAMS })
  const aftercare = new ClaimAftercare({ box, views })
  const carrier = new ClaimCarrier(
    {
      ...{ box, views, sender, clock, log, aftercare },
      escrowOf: (escrow) => clients.get(escrow) ?? new EscrowClient(client, escrow),
      now: async () => epochMillis(Math.max(clock.now(), (await head.fresh()).timestamp * SECOND_MS)),
      blockNumber: async () => (await head.fresh()).number,
      onResult: (result) => relay.metrics.claims.inc({ result }),
    },
    { escrows, worth: carryWorth, everyMs: carryEverySeconds * SECOND_MS },
  )
  carrier.start()
  return {
    get held() {
      return box.size
    },
    stop: async () => {
      await relay.node.unhandle(SETTLE_PROTOCOL)
      await carrier.stop()
    },
  }
}
