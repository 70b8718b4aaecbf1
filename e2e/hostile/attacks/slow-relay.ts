import type { Attack } from '../attack.ts'
import { startHostileRelay } from '../tools/hostile-relay.ts'
import { pauseOrEnd } from '../tools/tell-until-end.ts'

const ANSWER_MS = 10_000

/** A relay that whoever asks has joined, and that answers each look at its directory after ten seconds, with nobody. */
export const attack: Attack = async (_, { signal, tell }) => {
  let requests = 0
  const address = await startHostileRelay(async () => {
    tell({ requests: ++requests })
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
    return []
  })
  tell({ keys: 1, addresses: 1, requests, joins: [address] })
  await pauseOrEnd(signal)
}
