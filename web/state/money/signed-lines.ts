import { chainAddress } from '#shared/base/ids.ts'
import { PayerLedger, type PayerLine } from '#shared/settle/payer-ledger.ts'
import type { EscrowOnChain, Snapshot } from '../../wallet/read-snapshot.ts'
import type { MoneyServices } from './money-services.ts'

/** What this browser signed for that payer in the escrow's present epoch; nothing where it keeps no records. */
export async function signedLines(
  { ledger, network }: Pick<MoneyServices, 'ledger' | 'network'>,
  payer: Snapshot['address'],
  { escrow, epoch }: Pick<EscrowOnChain, 'escrow' | 'epoch'>,
): Promise<readonly PayerLine[]> {
  const id = { chainId: network.chainId, escrow: chainAddress(escrow) }
  return new PayerLedger(ledger, id, chainAddress(payer)).lines(epoch).catch(() => [])
}

/** Of one escrow: signed and not yet claimed, and claimed. */
export interface SignedSum {
  readonly signed: bigint
  readonly claimed: bigint
}

/** What this browser signed in the present epoch of each escrow, in the order of the snapshot. */
export function signedSums(
  money: Pick<MoneyServices, 'ledger' | 'network'>,
  { address, escrows }: Snapshot,
): Promise<readonly SignedSum[]> {
  return Promise.all(
    escrows.map(async (escrow) => {
      const lines = await signedLines(money, address, escrow)
      const claimed = lines.reduce((sum, line) => sum + line.claimed, 0n)
      return { claimed, signed: lines.reduce((sum, line) => sum + line.cumulative, -claimed) }
    }),
  )
}
