import * as v from 'valibot'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { MAX_RELAYS } from './constants.ts'

const address = v.pipe(v.string(), v.maxLength(400), v.regex(/\/p2p\/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/))

const networkInfoSchema = v.object({
  relays: v.pipe(v.array(address), v.minLength(1)),
  otherRelays: v.optional(v.array(address), []),
  iceServers: v.optional(
    v.array(
      v.object({
        urls: v.union([v.string(), v.array(v.string())]),
        username: v.optional(v.string()),
        credential: v.optional(v.string()),
      }),
    ),
    [],
  ),
})

/** What this page needs to join the network. */
export interface NetworkInfo {
  /** The page's own relay first, then one more that it knows. */
  readonly relays: readonly string[]
  readonly iceServers: readonly RTCIceServer[]
}

/**
 * Asks the relay that serves this page for its addresses and servers.
 *
 * @throws InfernetError `schedule.no-relay`, or the signal's reason
 */
export async function readNetworkInfo({ signal }: { signal: AbortSignal }): Promise<NetworkInfo> {
  try {
    const response = await fetch('/network.json', { signal, cache: 'no-store' })
    const info = v.parse(networkInfoSchema, await response.json())
    const [own] = info.relays
    const others = [...info.otherRelays, ...info.relays.slice(1)].filter(
      (other) => nameOf(other) !== nameOf(own),
    )
    const relays = [own ?? '', ...others].slice(0, MAX_RELAYS)
    return { relays, iceServers: info.iceServers.map((server) => ({ ...server }) as RTCIceServer) }
  } catch (thrown) {
    signal.throwIfAborted()
    throw InfernetError.from(thrown, 'schedule.no-relay')
  }
}

function nameOf(text: string | undefined): string | undefined {
  return text?.split('/').at(-1)
}
