import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { MAX_QUERY_OFFERS } from '#shared/schedule/constants.ts'
import type { SignedOffer } from '#shared/schedule/offer.ts'
import { makePeer, signOffer, someOffer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { Attack } from '../attack.ts'
import { startHostileRelay } from '../tools/hostile-relay.ts'

/** Nobody listens there. */
const NOWHERE = '/ip4/127.0.0.1/tcp/9/ws'
/** Answers that are made before they are asked for, so that this relay is the first to answer. */
const READY = 4
const REFILL_MS = 50
/** An offer lives a minute. */
const FRESH_MS = 30_000

/**
 * A relay that whoever asks has joined besides the honest one, and that names at each look as many providers as an answer
 * holds: all made up a moment before, idle, a million tokens a second fast, for nothing, and nowhere to be reached.
 */
export const attack: Attack = async ({ model }, { signal, tell }) => {
  let [keys, requests] = [1, 0]
  let ready: { readonly offers: readonly SignedOffer[]; readonly at: number }[] = []
  const fill = async (): Promise<void> => {
    ready = ready.filter(({ at }) => realClock.monotonic() - at < FRESH_MS)
    while (ready.length < READY && !signal.aborted) {
      ready.push({ offers: await madeUp(modelHash(model)), at: realClock.monotonic() })
      keys += MAX_QUERY_OFFERS
    }
  }
  await fill()
  const address = await startHostileRelay(async () => {
    requests++
    return ready.shift()?.offers ?? madeUp(modelHash(model))
  })
  tell({ keys, addresses: 1, requests, joins: [address] })
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, REFILL_MS))
    await fill()
    tell({ keys, requests })
  }
}

function madeUp(model: ModelHash): Promise<SignedOffer[]> {
  const make = async (): Promise<SignedOffer> => {
    const liar = await makePeer()
    const offer = someOffer(realClock.now(), {
      ...{ model, addresses: [`${NOWHERE}/p2p/${liar.name}`], slots: 64, busySlots: 0 },
      ...{ decodeTokensPerSecond: 1e6, prefillTokensPerSecond: 1e6 },
    })
    return signOffer(liar, offer)
  }
  return Promise.all(Array.from({ length: MAX_QUERY_OFFERS }, make))
}
