import { modelHash } from '#shared/base/ids.ts'
import { makePeer, signOffer, someOffer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { MAX_QUERY_OFFERS } from '#shared/schedule/constants.ts'
import type { Attack } from '../attack.ts'
import { startHostileRelay } from '../tools/hostile-relay.ts'

/** Nobody listens there. */
const NOWHERE = '/ip4/127.0.0.1/tcp/9/ws'

/**
 * A relay that whoever asks has joined besides the honest one, and that names at each look as many providers as an answer
 * holds: all made up a moment before, idle, a million tokens a second fast, for nothing, and nowhere to be reached.
 */
export const attack: Attack = async ({ model: provided }, { signal, tell }) => {
  let [keys, requests] = [1, 0]
  const address = await startHostileRelay(async (model) => {
    tell({ keys, requests: ++requests })
    return Promise.all(
      Array.from({ length: MAX_QUERY_OFFERS }, async () => {
        keys++
        const liar = await makePeer()
        const offer = someOffer(realClock.now(), {
          model: model ?? modelHash(provided),
          addresses: [`${NOWHERE}/p2p/${liar.name}`],
          ...{ slots: 64, busySlots: 0, decodeTokensPerSecond: 1e6, prefillTokensPerSecond: 1e6 },
        })
        return signOffer(liar, offer)
      }),
    )
  })
  tell({ keys, addresses: 1, requests, joins: [address] })
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
}
