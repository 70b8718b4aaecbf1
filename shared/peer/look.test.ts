import { expect, it } from 'vitest'
import type { ModelHash } from '../base/ids.ts'
import { millis, MINUTE_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { sealDemand } from '../schedule/demand/demand-record.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import type { FoundOffer } from '../schedule/find-offers.ts'
import { LateAnswers } from '../schedule/late-answers.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer, signOffer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import { look } from './look.ts'
import { RecentPeers } from './recent-peers.ts'

const never = () => Promise.reject(new Error('nobody asks for this'))

const componentsOf = (clock: FakeClock, directories: readonly DirectoryPort[]) => ({
  ...{ clock, directories, relays: { views: [] } },
  slowRelays: new RecentPeers(clock, millis(MINUTE_MS)),
  late: new LateAnswers<ModelHash | undefined, readonly FoundOffer[]>(),
})

it('goes on 250 ms after the first relay that names somebody, and shows what the late one named with the next look', async () => {
  const clock = new FakeClock()
  const [near, far, first, second] = await Promise.all([makePeer(), makePeer(), makePeer(), makePeer()])
  const relay = async (who: TestPeer, names: TestPeer, afterMs: number): Promise<DirectoryPort> => {
    const offers = [await signOffer(names, someOffer(clock.now()))]
    const query = async () => {
      await sleep(clock, millis(afterMs))
      return { offers, total: 1 }
    }
    return { relay: who.name, announce: never, withdraw: never, query, watch: () => never }
  }
  const components = componentsOf(clock, [await relay(near, first, 10), await relay(far, second, 4000)])
  const lookFor = async () => {
    const from = clock.monotonic()
    const looking = look(components, undefined).then(({ offers }) => ({
      named: offers.map(({ offer }) => offer.provider),
      tookMs: clock.monotonic() - from,
    }))
    await clock.advance(5000)
    return looking
  }
  expect(await lookFor()).toEqual({ named: [first.name], tookMs: 260 })
  expect(await lookFor()).toEqual({ named: [first.name, second.name], tookMs: 10 })
})

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
  const view = await look(componentsOf(clock, directories), undefined)
  expect(view.demand).toEqual([
    { model: A, share: 0.75, loaded: 2 },
    { model: B, share: 0.25, loaded: 2 },
  ])
})
