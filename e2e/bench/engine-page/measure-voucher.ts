import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits, millis, type Millis } from '#shared/base/units.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import { isSignedBy, signVoucher } from '#shared/settle/voucher.ts'

/** What one voucher costs both sides together, in milliseconds of this machine. */
export interface VoucherTimes {
  readonly signMs: Millis
  readonly verifyMs: Millis
}

/** Signs and verifies vouchers in a row, after a few to warm up, and gives the mean of each. */
export async function measureVoucher(clock: Pick<Clock, 'monotonic'>, count = 200): Promise<VoucherTimes> {
  const signer = createChainSigner(new Uint8Array(32).fill(7))
  const address = chainAddress(`0x${'11'.repeat(20)}`)
  const escrow = { chainId: 31337, escrow: address }
  const line = {
    payer: address,
    provider: address,
    relay: address,
    model: modelHash('22'.repeat(32)),
    epoch: 0,
  }
  let signMs = 0
  let verifyMs = 0
  const warmUp = Math.ceil(count / 10)
  for (let i = 0; i < count + warmUp; i++) {
    const begun = clock.monotonic()
    const signed = await signVoucher(escrow, { ...line, cumulative: baseUnits(BigInt(i)) }, signer)
    const made = clock.monotonic()
    await isSignedBy(escrow, signed)
    if (i < warmUp) continue
    signMs += made - begun
    verifyMs += clock.monotonic() - made
  }
  return { signMs: millis(signMs / count), verifyMs: millis(verifyMs / count) }
}

/** Sign plus verify as a share of the time a chunk takes at that speed, in percent. */
export function voucherShareOfChunk({ signMs, verifyMs }: VoucherTimes, chunkMs: Millis): number {
  return ((signMs + verifyMs) / chunkMs) * 100
}
