import type { Attack, GroundSetting } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { postFrom } from '../tools/post-from.ts'

const PAUSE_MS = 20
/** What a proxy on the relay's own machine may make of a request from outside: a name, or none, for who asks. */
const PROXIED: readonly Readonly<Record<string, string>>[] = [
  { 'X-Real-IP': '198.51.100.7' },
  { 'X-Forwarded-For': 'unknown' },
  { 'X-Forwarded-For': '127.0.0.1, 127.0.0.1' },
  { 'X-Forwarded-For': '' },
  { Forwarded: 'for=_hidden' },
  { Via: '1.1 edge' },
  { 'CF-Connecting-IP': '198.51.100.7' },
  { Host: 'relay.example' },
]

/** As an operator behind one proxy has it. */
export const setting: GroundSetting = {
  providers: 0,
  pauseMs: 500,
  relayArgs: ['--trust-proxy', '1'],
  question: { kind: 'http', path: '/health' },
}

/**
 * Somebody outside who reads the figures of a relay through the proxy in front of it, by all that proxies make of a
 * request. An answer ends the attack, and with it the measurement.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const url = new URL('/metrics', relays[0]?.url)
  let requests = 0
  while (!signal.aborted) {
    for (const headers of PROXIED) {
      const { status, text } = await postFrom({ url, localAddress: hostileAddress(1), headers }, signal)
      requests++
      if (status < 300) throw new Error(`figures for ${JSON.stringify(headers)}: ${text.slice(0, 100)}`)
    }
    tell({ addresses: 1, sockets: requests, requests })
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
