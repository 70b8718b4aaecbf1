import { QUOTE_RATE } from '#shared/prompt/constants.ts'
import type { Attack, GroundSetting } from '../attack.ts'
import { HostileAsker, quoteWords } from '../tools/hostile-asker.ts'
import { pauseOrEnd, tellUntilEnd } from '../tools/tell-until-end.ts'

/** Nearly as many as a provider has connections for: twenty are left to those who are honest. */
const NAMES = 180
/** Half as often as one name may ask: a provider that the machine kept waiting for a second has not too many before it. */
const AGAIN_MS = 2000 / QUOTE_RATE.perSecond
const TICK_MS = 5
/** For all to hold what they may. */
const FILL_MS = 10_000

/** What one provider refuses no other one gives, and the attacker, with a processor's leavings, has one to keep busy. */
export const setting: GroundSetting = { providers: 1, pauseMs: 250 }

/** At a provider 180 names that ask for as many quotes as they may hold, use none, and wait for no answer. */
export const attack: Attack = async ({ providers, model }, { signal, tell }) => {
  const [provider] = providers
  if (!provider) throw new Error('nobody provides')
  const words = quoteWords(model)
  const askers: HostileAsker[] = []
  let [requests, bytes] = [0, 0]
  while (askers.length < NAMES && !signal.aborted) askers.push(await HostileAsker.start(provider, signal))
  const told = (): void => {
    const sockets = askers.reduce((sum, { dials }) => sum + dials, 0)
    tell({ keys: askers.length, addresses: 1, sockets, streams: requests, requests, bytes })
  }
  const ask = async (asker: HostileAsker): Promise<void> => {
    await asker.return(signal)
    await asker.send(words)
    requests++
    bytes += words.length
  }
  let [turn, last] = [0, performance.now()]
  // Evenly, one after the other: between two crowds of them the share would have come back.
  const asking = setInterval(() => {
    const due = Math.min(NAMES, Math.floor((performance.now() - last) / (AGAIN_MS / NAMES)))
    last += due * (AGAIN_MS / NAMES)
    for (let i = 0; i < due; i++) {
      const asker = askers[turn++ % NAMES]
      if (asker) void ask(asker).catch(() => undefined) // it was cut
    }
    last = Math.max(last, performance.now() - AGAIN_MS)
  }, TICK_MS)
  // Until they hold what they may, the quotes for all are not taken.
  await pauseOrEnd(signal, FILL_MS)
  await tellUntilEnd(signal, told)
  clearInterval(asking)
}
