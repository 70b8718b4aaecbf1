import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { raceSignal, sleep } from '../base/wait.ts'
import { RELAY_GRACE_MS } from './constants.ts'

/** Relays that were slow lately. `add` is told of one that is. */
export interface SlowRelays {
  has(relay: PeerName): boolean
  add(relay: PeerName): void
}

/** What a relay keeps, as a peer asks it. One without a name is in this process, and never rested. */
export interface RelayPort {
  readonly relay?: PeerName | undefined
}

export type AskRelaysInit<Answer> = {
  readonly signal?: AbortSignal | undefined
  /** Whether an answer says enough to go on without those that are late. */
  readonly isEnough: (answer: Answer) => boolean
  /**
   * With `slow`, relays that are late are heard behind the caller, and what they said stands for them while they rest:
   * nobody is kept out for good by being far away. By relay; those that are not asked any more are taken out.
   * @default nobody listens to whoever is late
   */
  readonly late?: Map<PeerName, Answer> | undefined
} & (
  | {
      readonly clock: Clock
      /**
       * With them, one answer that is enough ends the wait: the other relays have {@link RELAY_GRACE_MS} more, and who is
       * later is left out and told to `slow`; those that are slow by it are asked where the others say too little.
       * @default every relay is waited for
       */
      readonly slow: SlowRelays | undefined
    }
  | { readonly clock?: undefined; readonly slow?: undefined }
)

/**
 * Asks relays at once, and gives what those said that answered in time: the one place where many relays are waited for. A
 * relay that fails is left out.
 *
 * @returns the answers, in the order in which they came; none where nobody answers
 * @throws the signal's reason
 */
export async function askRelays<Port extends RelayPort, Answer>(
  ports: readonly Port[],
  ask: (port: Port, options: { readonly signal: AbortSignal }) => Promise<Answer>,
  init: AskRelaysInit<Answer>,
): Promise<Answer[]> {
  const { slow, late, isEnough } = init
  for (const relay of late?.keys() ?? []) if (ports.every((port) => port.relay !== relay)) late?.delete(relay)
  const isResting = ({ relay }: Port): boolean => relay !== undefined && (slow?.has(relay) ?? false)
  const resting = ports.filter(isResting)
  const heard = await askSome(
    ports.filter((port) => !isResting(port)),
    ask,
    init,
  )
  if (resting.length === 0) return heard
  if (!heard.some(isEnough)) return [...heard, ...(await askSome(resting, ask, init))]
  const saidLate = resting.map(({ relay }) => (relay === undefined ? undefined : late?.get(relay)))
  return [...heard, ...saidLate.filter((answer) => answer !== undefined)]
}

async function askSome<Port extends RelayPort, Answer>(
  ports: readonly Port[],
  ask: (port: Port, options: { readonly signal: AbortSignal }) => Promise<Answer>,
  { clock, slow, late, signal, isEnough }: AskRelaysInit<Answer>,
): Promise<Answer[]> {
  const left = new AbortController() // ends what nobody waits for any more
  const own = signal ? AbortSignal.any([signal, left.signal]) : left.signal
  const heard: Answer[] = []
  const missing = new Set(ports)
  const enough = Promise.withResolvers<void>()
  let isOver = false
  const asked = ports.map(async (port) => {
    const { relay } = port
    if (relay !== undefined) late?.delete(relay)
    try {
      const answer = await ask(port, { signal: own })
      if (own.aborted) return
      if (isOver) return void (relay !== undefined && late?.set(relay, answer))
      heard.push(answer)
      if (isEnough(answer)) enough.resolve()
    } catch {
      // Left out.
    } finally {
      missing.delete(port)
    }
  })
  const all = Promise.all(asked)
  const graceOver = new AbortController()
  try {
    if (!slow || !clock) await raceSignal(all, signal)
    else {
      await raceSignal(Promise.race([all, enough.promise]), signal)
      const grace = AbortSignal.any([own, graceOver.signal])
      if (missing.size > 0) await Promise.race([all, sleep(clock, millis(RELAY_GRACE_MS), { signal: grace })])
      for (const { relay } of missing) if (relay !== undefined) slow.add(relay)
    }
    return [...heard]
  } catch (thrown) {
    left.abort()
    throw thrown
  } finally {
    isOver = true
    graceOver.abort()
    if (!late) left.abort()
  }
}
