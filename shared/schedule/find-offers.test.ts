import { describe, expect, it } from 'vitest'
import type { PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { raceSignal, sleep } from '../base/wait.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { makePeer, signOffer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import type { DirectoryPort, QueryOptions } from './directory-port.ts'
import { findOffers } from './find-offers.ts'

const never = () => Promise.reject(new Error('nobody asks for this'))

async function scene(
  relays: readonly { afterMs: number; names?: number; total?: number; fails?: boolean }[],
) {
  const clock = new FakeClock()
  const slow = new Set<PeerName>()
  const asked: { readonly index: number; readonly besides: readonly PeerName[] | undefined }[] = []
  const peers = await Promise.all(relays.map(() => makePeer()))
  const writers: TestPeer[][] = []
  const directories = await Promise.all(
    relays.map(async ({ afterMs, names = 1, total = names, fails }, index): Promise<DirectoryPort> => {
      const named = await Promise.all(Array.from({ length: names }, () => makePeer()))
      writers.push(named)
      const offers = await Promise.all(named.map((writer) => signOffer(writer, someOffer(clock.now()))))
      const query = async (_: unknown, __: number, { besides, signal }: QueryOptions = {}) => {
        asked.push({ index, besides })
        await raceSignal(sleep(clock, millis(afterMs)), signal)
        if (fails) throw new Error('it is down')
        return { offers, total }
      }
      return { relay: peers[index]!.name, announce: never, withdraw: never, watch: () => never, query }
    }),
  )
  /** Who was found, by the relay that named it, and after how long. */
  const find = async (options: Partial<Parameters<typeof findOffers>[2]> = {}) => {
    const from = clock.monotonic()
    let tookMs = Number.NaN
    const finding = findOffers(directories, someModel(), { clock, slow, ...options }).then(
      (found) => {
        tookMs = clock.monotonic() - from
        return found.flatMap(({ relays: by }) =>
          by.map((relay) => peers.findIndex(({ name }) => name === relay)),
        )
      },
      (thrown: unknown) => (thrown as InfernetError).code,
    )
    await clock.advance(20_000)
    return { found: await finding, tookMs }
  }
  const slowOnes = () => peers.flatMap(({ name }, index) => (slow.has(name) ? [index] : []))
  return { find, slowOnes, asked, slow, peers, directories, clock }
}

describe('a look at several relays', () => {
  it('goes on 250 ms after the first that names somebody, and does not wait for the late one again', async () => {
    const { find, slowOnes, asked } = await scene([{ afterMs: 20 }, { afterMs: 10_000 }, { afterMs: 260 }])
    expect(await find()).toEqual({ found: [0, 2], tookMs: 270 })
    expect(slowOnes()).toEqual([1])
    asked.length = 0
    expect(await find()).toEqual({ found: [0, 2], tookMs: 260 })
    expect(asked.map(({ index }) => index)).toEqual([0, 2])
  })

  it('waits for the others where the first names nobody, or fails', async () => {
    const { find, slowOnes } = await scene([
      { afterMs: 20, names: 0 },
      { afterMs: 30, fails: true },
      { afterMs: 3000 },
    ])
    expect(await find()).toEqual({ found: [2], tookMs: 3000 })
    expect(slowOnes()).toEqual([])
  })

  it('asks those that are slow where the quick ones name nobody', async () => {
    const { find, slow, peers } = await scene([{ afterMs: 20, names: 0 }, { afterMs: 3000 }])
    slow.add(peers[1]!.name)
    expect(await find()).toEqual({ found: [1], tookMs: 3020 })
  })

  it('waits for all where it is not told which are slow', async () => {
    const { find } = await scene([{ afterMs: 20 }, { afterMs: 4000 }])
    expect(await find({ slow: undefined })).toEqual({ found: [0, 1], tookMs: 4000 })
  })

  it('says that there is no relay only where none answers', async () => {
    const { find } = await scene([
      { afterMs: 20, fails: true },
      { afterMs: 300, fails: true },
    ])
    expect((await find()).found).toBe('schedule.no-relay')
  })

  it('tells each relay what it named before, and hears whether there is more', async () => {
    const { find, asked, peers } = await scene([{ afterMs: 20, total: 40 }, { afterMs: 20 }])
    let more = 0
    const besides = (relay: PeerName) => (relay === peers[0]!.name ? [peers[1]!.name] : [])
    await find({ besides, onMore: () => more++ })
    expect([more, asked.map((each) => each.besides?.length)]).toEqual([1, [1, 0]])
  })

  it('ends at once with its signal', async () => {
    const { directories, clock, slow } = await scene([{ afterMs: 20_000 }])
    const stop = new AbortController()
    const finding = findOffers(directories, someModel(), { clock, slow, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(finding).rejects.toThrow('enough')
  })
})
