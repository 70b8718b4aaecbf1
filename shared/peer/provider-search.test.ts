import { describe, expect, it } from 'vitest'
import { modelHash, peerName, type PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { ProviderMemory } from '../schedule/policy/provider-memory.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer, signOffer, someModel, someOffer } from '../testing/peers.ts'
import { ProviderSearch } from './provider-search.ts'
import { RecentPeers } from './recent-peers.ts'

const needs = {
  ...{ model: someModel(), prefillTokens: 3, outputTokens: 0, maxTokens: 1, spent: 0n },
  ...{ maxPrice: {}, maxCost: undefined },
}

async function search(task: 'text-generation' | 'feature-extraction') {
  const clock = new FakeClock()
  const memory = new ProviderMemory(clock)
  const writer = await makePeer()
  const offers = [await signOffer(writer, someOffer(clock.now()))]
  const directory = {
    relay: writer.name,
    query: async () => ({ offers, total: 1 }),
  } as unknown as DirectoryPort
  const seen: PeerName[] = []
  const found = new ProviderSearch(
    {
      ...{ clock, memory, trust: memory, offers: new OfferMemory(), directories: () => [directory] },
      node: { dial: () => Promise.reject(new Error('nobody is dialled')), getConnections: () => [] },
      random: { bytes: (length: number) => new Uint8Array(length) },
      name: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
      directFailures: new RecentPeers(clock, millis(60_000)),
    },
    { task, model: modelHash(someModel()), signal: undefined, except: new Set(), isBegun: () => false },
  )
  await found.assignments(needs, (offers) => {
    seen.push(...offers.map(({ provider }) => provider))
    return []
  })
  return { found, memory, writer, seen }
}

describe('the search for a provider', () => {
  it('sees those that offer the task, and no others', async () => {
    const writing = await search('text-generation')
    expect(writing.seen).toEqual([writing.writer.name])
    expect((await search('feature-extraction')).seen).toEqual([])
  })

  it('does not ask again who cannot do it, and blames it only where it is to blame', async () => {
    const { found, memory, writer } = await search('text-generation')
    found.fail(writer.name, new InfernetError('wire.malformed'), { isToBlame: false })
    expect(found.hasFailed(writer.name)).toBe(true)
    expect(memory.trustIn(writer.name)).toBe(1)
    found.fail(writer.name, new InfernetError('stream.bad-chunk'))
    expect(memory.trustIn(writer.name)).toBeLessThan(1)
  })
})
