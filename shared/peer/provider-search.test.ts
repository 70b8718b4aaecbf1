import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { jobId, modelHash, peerName, type PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Task } from '../models/task.ts'
import type { DirectoryPort, QueryOptions } from '../schedule/directory-port.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { HedgeBudget } from '../schedule/policy/hedge.ts'
import { ProviderRecord } from '../schedule/record/provider-record.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { countingRandom, makePeer, signOffer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import { ProviderSearch } from './provider-search.ts'
import { RecentPeers } from './recent-peers.ts'

const needs = {
  ...{ model: someModel(), prefillTokens: 3, outputTokens: 0, maxTokens: 1, spent: 0n },
  ...{ maxPrice: {}, maxCost: undefined },
}

/** A search that one relay answers with these offers. */
async function search(task: Task, writers?: readonly TestPeer[]) {
  const clock = new FakeClock()
  const known = new ProviderRecord({ clock })
  const record = known.of(task)
  const all = writers ?? [await makePeer()]
  const testedAt = clock.now()
  const selfTest = { right: 32, total: 32, testedAt }
  const offers = await Promise.all(
    all.map((writer) => signOffer(writer, someOffer(clock.now(), { slots: 4, busySlots: 1, selfTest }))),
  )
  const directory = {
    relay: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9obbbbbb'),
    query: async () => ({ offers, total: offers.length }),
  } as unknown as DirectoryPort
  const random = { bytes: (length: number) => new Uint8Array(length) }
  const found = new ProviderSearch(
    {
      ...{ clock, record, random, offers: new OfferMemory(), directories: () => [directory] },
      node: { dial: () => Promise.reject(new Error('nobody is dialled')), getConnections: () => [] },
      hedges: new HedgeBudget(random),
      name: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
      directFailures: new RecentPeers(clock, millis(60_000)),
      unreachable: new RecentPeers(clock, millis(60_000)),
      slowRelays: new RecentPeers(clock, millis(60_000)),
    },
    { task, model: modelHash(someModel()), signal: undefined, except: new Set(), isBegun: () => false },
  )
  /** Whom it sees, and whom it asks. */
  const look = async (): Promise<{ seen: PeerName[]; asked: PeerName[] | undefined }> => {
    const seen: PeerName[] = []
    const assigning = found.assignments(needs, (fitting) => {
      seen.push(...fitting.map(({ provider }) => provider))
      return fitting
    })
    await clock.advance(5000)
    return {
      seen,
      asked: (await assigning) && all.map(({ name }) => name).filter((name) => found.hasFailed(name)),
    }
  }
  return { found, known, record, look, writers: all, clock }
}

describe('the search for a provider', () => {
  it('sees those that offer the task, and no others', async () => {
    const writing = await search('text-generation')
    expect((await writing.look()).seen).toEqual(writing.writers.map(({ name }) => name))
    expect((await (await search('feature-extraction')).look()).seen).toEqual([])
  })

  it('does not ask again who cannot do it, and blames it only where it is to blame', async () => {
    const { found, record, writers } = await search('text-generation')
    const name = writers[0]!.name
    found.fail(name, new InfernetError('wire.malformed'), { isToBlame: false })
    expect(found.hasFailed(name)).toBe(true)
    expect(record.beliefsIn(name).presence).toBe(1)
    found.fail(name, new InfernetError('stream.bad-chunk'))
    expect(record.beliefsIn(name).presence).toBe(0.5)
  })

  it('knows how much of the places is taken', async () => {
    const { found, look } = await search('text-generation')
    expect(found.use).toBe(1)
    await look()
    expect(found.use).toBe(0.25)
  })
})

describe('a provider that was found to cheat', () => {
  const job = (digit: string) => jobId(digit.repeat(32))

  it('is asked after one difference only where there is nobody else', async () => {
    const [cheat, honest] = [await makePeer(), await makePeer()]
    const both = await search('text-generation', [cheat, honest])
    both.known.stoppedEarly(cheat.name, job('1'))
    expect((await both.look()).asked).toEqual([honest.name])
    expect((await both.look()).asked).toEqual([cheat.name, honest.name]) // the other one failed
    const alone = await search('text-generation', [cheat])
    alone.known.stoppedEarly(cheat.name, job('1'))
    expect((await alone.look()).asked).toEqual([cheat.name])
  })

  it('is never asked after two, and the reason says so where there is nobody else', async () => {
    const [cheat, honest] = [await makePeer(), await makePeer()]
    const both = await search('text-generation', [cheat, honest])
    for (const digit of ['1', '2']) both.known.stoppedEarly(cheat.name, job(digit))
    expect(await both.look()).toEqual({ seen: [honest.name], asked: [honest.name] })
    const alone = await search('text-generation', [cheat])
    for (const digit of ['1', '2']) alone.known.stoppedEarly(cheat.name, job(digit))
    expect(await alone.look()).toEqual({ seen: [], asked: undefined })
    expect(() => alone.found.waitForSomeone()).toThrow(
      expect.objectContaining({ code: 'schedule.none-trusted', facts: { excluded: 1 } }),
    )
  })
})

describe('where most that are named are not there', () => {
  const PAGE = 4

  /** A relay that names these in pages, the first `PAGE` that are not named already, and a way to `reachable` alone. */
  async function paged(count: number, reachable: readonly number[], { lies = 0 } = {}) {
    const clock = new FakeClock()
    const record = new ProviderRecord({ clock }).of('text-generation')
    const all = await Promise.all(Array.from({ length: count }, () => makePeer()))
    const offers = await Promise.all(all.map((writer) => signOffer(writer, someOffer(clock.now()))))
    let queries = 0
    const directory = {
      relay: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9obbbbbb'),
      query: async (_: unknown, __: number, { besides = [] }: QueryOptions = {}) => {
        queries++
        const left = offers.filter(({ provider }) => !besides.includes(provider))
        return { offers: left.slice(0, PAGE), total: left.length + lies }
      },
    } as unknown as DirectoryPort
    const dialled: PeerName[] = []
    const components = {
      ...{
        clock,
        record,
        random: countingRandom(),
        offers: new OfferMemory(),
        directories: () => [directory],
      },
      node: {
        getConnections: (peer?: { toString(): string }) => {
          const name = peerName(String(peer))
          dialled.push(name)
          return reachable.some((index) => all[index]!.name === name) ? [standing] : []
        },
        dial: () => Promise.reject(new Error('nobody is there')),
      },
      hedges: new HedgeBudget(countingRandom()),
      name: peerName('12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa'),
      directFailures: new RecentPeers(clock, millis(60_000)),
      unreachable: new RecentPeers(clock, millis(30_000)),
      slowRelays: new RecentPeers(clock, millis(60_000)),
    }
    /** Whom a fresh question reaches for, one look after the other until nobody is left. */
    const askAll = async (looks = 99): Promise<number[]> => {
      dialled.length = 0
      const model = modelHash(someModel())
      const found = new ProviderSearch(components, {
        ...{ task: 'text-generation', model, signal: undefined, except: new Set<PeerName>() },
        isBegun: () => false,
      })
      for (let look = 0; look < looks; look++) {
        const assigning = found.assignments(needs, (fitting) => fitting)
        await clock.advance(2000)
        if (!(await assigning)) break
      }
      return [...new Set(dialled)].map((name) => all.findIndex((each) => each.name === name))
    }
    return { askAll, queries: () => queries, clock }
  }
  /** Opens no stream: who has it was reached, and refuses. */
  const standing = {
    ...{ status: 'open', limits: undefined, remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1/ws') },
    newStream: () => Promise.reject(new Error('no')),
    abort: () => undefined,
  } as unknown as Connection

  it('asks for the next pages until somebody is named who can be asked', async () => {
    const { askAll } = await paged(15, [13])
    expect((await askAll()).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 15 }, (_, index) => index),
    )
  })

  it('remembers who was not there: the next question goes to the others first', async () => {
    const { askAll, clock } = await paged(7, [6])
    await askAll()
    expect(await askAll(1)).toEqual([6])
    await clock.advance(30_000)
    expect((await askAll(1)).length).toBeGreaterThan(1)
  })

  it('asks those who were not there where nobody else is left', async () => {
    const { askAll } = await paged(3, [])
    await askAll()
    expect((await askAll()).length).toBe(3)
  })

  it('does not believe for ever that there is more', async () => {
    const { askAll, queries } = await paged(60, [], { lies: 1000 })
    await askAll(1)
    expect(queries()).toBe(1)
    await askAll(1)
    expect(queries()).toBe(3)
  })
})
