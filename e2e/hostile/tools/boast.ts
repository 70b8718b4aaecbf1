import type { PrivateKey } from '@libp2p/interface'
import { modelHash } from '#shared/base/ids.ts'
import { offerBody } from '#shared/schedule/offer.ts'
import { someOffer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { sign, type Signed } from '#shared/wire/signed.ts'

/** Nobody listens there, and a dial ends at once. */
export const NOWHERE = '/ip4/127.0.0.1/tcp/9/ws'

/** The offer that everybody would want: idle, for nothing, and a million tokens a second fast. */
export function boast(key: PrivateKey, model: string, addresses: readonly string[]): Promise<Signed> {
  const now = realClock.now()
  const offer = someOffer(now, {
    model: modelHash(model),
    addresses,
    sequence: now,
    ...{ slots: 64, busySlots: 0, decodeTokensPerSecond: 1e6, prefillTokensPerSecond: 1e6 },
  })
  return sign('offer', offerBody(offer), key)
}
