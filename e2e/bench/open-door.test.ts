import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { openDoor } from './open-door.ts'

it('serves the page without isolation, and leaves the mesh at the relay’s own address', async () => {
  const relays = ['/ip4/127.0.0.1/tcp/1/ws/p2p/12D3Koo']
  const relay = createServer(({ url }, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.end(url === '/network.json' ? JSON.stringify({ relays, isAnnounced: false }) : 'page')
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  await using door = await openDoor(`http://127.0.0.1:${(relay.address() as AddressInfo).port}/`)
  const page = await fetch(door.url)
  expect([await page.text(), page.headers.get('cross-origin-opener-policy')]).toEqual(['page', null])
  // Else the page would look for the relay at the door, which carries no mesh.
  const info = await fetch(new URL('/network.json', door.url))
  expect(await info.json()).toEqual({ relays, isAnnounced: true })
  relay.closeAllConnections()
  relay.close()
})
