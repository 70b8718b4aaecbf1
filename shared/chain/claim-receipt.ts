import { isAddressEqual, parseEventLogs, type Address, type TransactionReceipt } from 'viem'
import { escrowAbi } from '../abi/escrow.ts'

const BPS = 10_000n

/** What an escrow gives who brings it vouchers; never changes. */
export interface CarryTerms {
  readonly tipBps: bigint
  /** In base units of the asset, for each voucher. */
  readonly tipCap: bigint
}

/** What a transaction brought, in base units of the asset. */
export interface Brought {
  /** Moved from payers to providers. */
  readonly paid: bigint
  /** Credited to the relay: its tips, and its share of what it introduced. */
  readonly credit: bigint
}

/** The least that a voucher must pay for its tip to be anything. */
export function leastTipped({ tipBps }: Pick<CarryTerms, 'tipBps'>): bigint {
  return tipBps === 0n ? 1n : (BPS + tipBps - 1n) / tipBps
}

/** Reads the escrow's own events, as its contract counts them. */
export function readBrought(
  { logs }: Pick<TransactionReceipt, 'logs'>,
  { escrow, relay, terms }: { escrow: Address; relay: Address; terms: CarryTerms },
): Brought {
  const ours = logs.filter(({ address }) => isAddressEqual(address, escrow))
  let paid = 0n
  let credit = 0n
  for (const { eventName, args } of parseEventLogs({
    abi: escrowAbi,
    eventName: ['Claimed', 'Swept'],
    logs: ours,
  })) {
    if (eventName === 'Swept') credit += isAddressEqual(args.relay, relay) ? args.relayed : 0n
    else {
      paid += args.paid
      const tip = (args.paid * terms.tipBps) / BPS
      if (!isAddressEqual(args.provider, relay)) credit += tip < terms.tipCap ? tip : terms.tipCap
    }
  }
  return { paid, credit }
}
