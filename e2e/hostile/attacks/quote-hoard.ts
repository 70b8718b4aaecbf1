import type { Attack } from '../attack.ts'
import { HostileAsker } from '../tools/hostile-asker.ts'

const NAMES_PER_PROVIDER = 140
/** As often as one name may ask: so each is there when a quote of its own expires. */
const AGAIN_MS = 500
/** For all to hold what they may. */
const FILL_MS = 10_000

/** At each provider 140 names that ask for as many quotes as they may hold, and use none. */
export const attack: Attack = async ({ providers, model }, { signal, tell }) => {
  const askers: HostileAsker[] = []
  let requests = 0
  for (const provider of providers)
    for (let i = 0; i < NAMES_PER_PROVIDER && !signal.aborted; i++)
      await HostileAsker.start(provider, signal).then(
        (asker) => askers.push(asker),
        () => undefined,
      )
  const cost = { keys: askers.length, sockets: askers.length, addresses: 1 }
  const hoard = async (asker: HostileAsker, index: number): Promise<void> => {
    // Not all in one moment: the share would have come back until the next one.
    await new Promise((resolve) => setTimeout(resolve, (AGAIN_MS * index) / askers.length))
    while (!signal.aborted) {
      await asker.askForQuote(model, signal).catch(() => undefined)
      requests++
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  const hoarding = askers.map(hoard)
  // Until they hold what they may, the quotes for all are not taken.
  await new Promise((resolve) => setTimeout(resolve, FILL_MS))
  tell({ ...cost, requests })
  await Promise.all(hoarding)
}
