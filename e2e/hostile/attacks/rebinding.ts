import type { Attack } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { postFrom } from '../tools/post-from.ts'
import { rpcSetting } from '../tools/rpc-setting.ts'

const PAUSE_MS = 20
const HEAD = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] })
const GIFT = JSON.stringify({ address: `0x${'1'.repeat(40)}` })

/** What it would use up is its visitor's rate, so the questions come to the same door. */
export const setting = rpcSetting('eth_blockNumber')

/**
 * A page of a stranger in its visitors' browsers, whose name was made to lead to the relay after it was loaded: the
 * browser takes both for one site, and says so. It wants the chain, the faucet and the figures of the relay, as often as
 * it can. An answer ends the attack, and with it the measurement.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const origin = new URL(relays[0]?.url ?? '')
  const names = ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil.example.']
  let requests = 0
  const told = (): void => tell({ addresses: 1, sockets: requests, requests })
  while (!signal.aborted) {
    for (const name of names) {
      const page = { Host: `${name}:${origin.port}`, Origin: `http://${name}:${origin.port}` }
      const wanted = [
        { path: '/rpc', body: HEAD, headers: page },
        { path: '/rpc', body: HEAD, headers: { ...page, 'Sec-Fetch-Site': 'same-origin' } },
        { path: '/faucet', body: GIFT, headers: page },
        // Of its own site a browser says no origin when it only reads.
        { path: '/metrics', headers: { Host: page.Host } },
      ]
      for (const { path, ...rest } of wanted) {
        const url = new URL(path, origin)
        const answer = await postFrom({ ...rest, url, localAddress: hostileAddress(1) }, signal)
        requests++
        if (answer.status < 300)
          throw new Error(`${path} answers a page of ${name}: ${answer.text.slice(0, 100)}`)
      }
    }
    told()
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
