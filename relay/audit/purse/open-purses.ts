import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { parseUnits } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress } from '#shared/base/ids.ts'
import { ChainReader } from '#shared/chain/chain-reader.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import { CachedChainView } from '#shared/settle/cached-chain-view.ts'
import { FileLedgerStore } from '../../chain/file-ledger-store.ts'
import type { AuditMoney } from '../../chain/mount-chain.ts'
import type { Logger } from '../../observe/log.ts'
import { depositsOf, MAX_JOB_COST } from './constants.ts'
import { PurseChain } from './purse-chain.ts'
import { Purses } from './purses.ts'
import { SpendBudget } from './spend-budget.ts'

export interface OpenPursesInit {
  readonly dataFolder: string
  /** Of an hour, in whole units. */
  readonly spend: string
  /** @default FILL_WITHIN_MS */
  readonly fillWithinMs?: number | undefined
}

/**
 * The purses of an auditor whose wallet that is. What they signed lies in the folder `audit`.
 *
 * @throws StartError or InfernetError `payment.no-record` where that cannot be read
 */
export async function openPurses(
  { network, client, account, sender }: AuditMoney,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  { dataFolder, spend, fillWithinMs }: OpenPursesInit,
): Promise<Purses> {
  const { decimals, escrow: address } = payingEscrow(network)
  const escrow = { chainId: network.chainId, escrow: chainAddress(address) }
  const stake = chainAddress(network.contracts.stake)
  return Purses.open(
    {
      ...{ clock, log },
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      store: await FileLedgerStore.open(join(dataFolder, 'audit')),
      chain: new PurseChain({ client, clock, network, wallet: { account, sender } }),
      view: new CachedChainView(new ChainReader(client, escrow, stake), clock),
      budget: new SpendBudget(clock, parseUnits(spend, decimals)),
    },
    {
      ...{ escrow, stake, fillWithinMs },
      deposits: depositsOf(network.isTest, decimals),
      maxJobCost: parseUnits(MAX_JOB_COST, decimals),
    },
  )
}
