import type { Attack } from '../attack.ts'
import { flood } from '../tools/flood.ts'
import { HostileAsker } from '../tools/hostile-asker.ts'

const NAMES_PER_PROVIDER = 2
/** Quotes are refused beyond two a second: then it waits. */
const AGAIN_MS = 250

/**
 * At each provider two names that open one job after the other, and send as many heartbeats on it as the stream takes:
 * each costs the provider a reading, and one that it answers a writing.
 */
export const attack: Attack = async ({ providers, model }, { signal, tell }) => {
  let [keys, streams, bytes] = [0, 0, 0]
  const askers: HostileAsker[] = []
  const beat = { type: 'beat', beat: 1, echo: false }
  const floodOn = async (asker: HostileAsker): Promise<void> => {
    while (!signal.aborted) {
      try {
        await asker.return(signal)
        const stream = await asker.open(model, signal)
        streams++
        bytes += await flood(stream, beat, signal)
        stream.abort(new Error('the next one'))
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
      tell({ streams, bytes, sockets: askers.reduce((sum, { dials }) => sum + dials, 0) })
    }
  }
  for (const provider of providers)
    for (let i = 0; i < NAMES_PER_PROVIDER; i++) askers.push(await HostileAsker.start(provider, signal))
  keys = askers.length
  tell({ keys, sockets: keys, addresses: 1 })
  await Promise.all(askers.map(floodOn))
}
