import type { Shares } from './read-snapshot.ts'

/** The provider's part of an amount, as the contract splits it: every other share is rounded down. */
export function providedOf(
  gross: bigint,
  {
    relayBps,
    burnBps,
    treasuryBps,
    royaltyBps,
    hasRelay,
  }: Shares & { royaltyBps: number; hasRelay: boolean },
): bigint {
  const others = [hasRelay ? relayBps : 0, burnBps, treasuryBps, royaltyBps]
  return others.reduce((left, bps) => left - (gross * BigInt(bps)) / 10_000n, gross)
}
