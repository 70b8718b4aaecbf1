import { expect, it } from 'vitest'
import { sealDemand } from '../schedule/demand/demand-record.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer, someModel } from '../testing/peers.ts'
import { look } from './look.ts'

const never = () => Promise.reject(new Error('nobody asks for this'))

it('tells what is wanted by the word of all relays, and leaves out what one did not sign', async () => {
  const clock = new FakeClock()
  const now = clock.now()
  const [A, B] = [someModel('a'), someModel('b')]
  const demand = (model: typeof A) => ({ model, quarter: 1, day: 1, loaded: 2 })
  const peers = await Promise.all([makePeer(), makePeer(), makePeer()])
  const [first, second, forger] = peers.map(({ name }) => name)
  const records = new Map([
    [first, await sealDemand([demand(A)], { key: peers[0].key, now })],
    [second, await sealDemand([demand(A), demand(B)], { key: peers[1].key, now })],
    [forger, await sealDemand([demand(B)], { key: peers[0].key, now })],
  ])
  const directories = peers.map(({ name }): DirectoryPort => {
    const answer = { offers: [], total: 0, demand: records.get(name) }
    return { relay: name, announce: never, withdraw: never, query: async () => answer, watch: () => never }
  })
  const view = await look({ clock, directories, relays: { views: [] } }, undefined)
  expect(view.demand).toEqual([
    { model: A, share: 0.75, loaded: 2 },
    { model: B, share: 0.25, loaded: 2 },
  ])
})
