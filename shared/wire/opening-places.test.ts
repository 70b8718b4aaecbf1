import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { OpeningPlaces, SILENT_OPENING_MS, type OpeningPlace } from './opening-places.ts'

const INIT = { total: 8, perPeer: 4, perConnection: 2, busy: 'stream.busy' } as const

interface Opened {
  readonly place: OpeningPlace
  /** Sends a part of the first frame. */
  speak(): Promise<void>
}

describe('OpeningPlaces', () => {
  let clock: FakeClock
  let places: OpeningPlaces
  let cut: string[]

  beforeEach(() => {
    cut = []
    clock = new FakeClock()
    places = new OpeningPlaces(clock, INIT)
  })

  const connectionOf = (name: string): Connection =>
    ({ remotePeer: { toString: () => name }, abort: () => cut.push(name) }) as unknown as Connection

  const open = async (connection: Connection): Promise<Opened> => {
    const [ours, theirs]: Stream[] = await streamPair()
    if (!ours || !theirs) throw new RangeError('a pair has two streams')
    const place = places.enter(theirs, connection)
    const heard = new Promise<void>((resolve) =>
      theirs.addEventListener('message', () => resolve(), { once: true }),
    )
    const speak = async (): Promise<void> => {
      ours.send(Uint8Array.of(1))
      await heard
    }
    return { place, speak }
  }

  const openMany = async (connection: Connection, count: number): Promise<Opened[]> => {
    const opened = []
    for (let i = 0; i < count; i++) opened.push(await open(connection))
    return opened
  }

  const staying = (opened: readonly Opened[]): boolean[] => opened.map(({ place }) => !place.signal.aborted)

  it('turns away the oldest silent stream of a connection that opens too many', async () => {
    const connection = connectionOf('a')
    const first = await open(connection)
    await first.speak()
    const others = await openMany(connection, 3)
    expect(staying([first, ...others])).toEqual([true, false, false, true])
    expect(others[0]?.place.signal.reason).toMatchObject({ code: 'stream.busy' })
  })

  it('counts the connections of one peer together', async () => {
    const opened = []
    for (let i = 0; i < 5; i++) opened.push(...(await openMany(connectionOf('a'), 2)))
    expect(staying(opened).filter(Boolean)).toHaveLength(INIT.perPeer)
    expect(staying(opened).slice(-INIT.perPeer)).toEqual([true, true, true, true])
  })

  it('takes the place from whoever has the most', async () => {
    const modest = await open(connectionOf('modest'))
    const greedy = await openMany(connectionOf('greedy'), 2)
    const others = await Promise.all(['b', 'c', 'd', 'e', 'f'].map((name) => open(connectionOf(name))))
    const late = await open(connectionOf('late'))
    expect(staying([modest, ...greedy, ...others, late])).toEqual([
      true,
      ...[false, true],
      ...[true, true, true, true, true],
      true,
    ])
  })

  it('lets a newcomer in, whatever those before it do', async () => {
    const crowd = await Promise.all([...'abcdefgh'].map((name) => open(connectionOf(name))))
    for (const each of crowd) await each.speak()
    const newcomer = await open(connectionOf('new'))
    expect(staying([newcomer])).toEqual([true])
    expect(staying(crowd)).toEqual([false, true, true, true, true, true, true, true])
    expect(places.size).toBe(INIT.total)
  })

  it('takes the place of a late one before that of one that has just begun', async () => {
    const crowd = await Promise.all([...'abcdefg'].map((name) => open(connectionOf(name))))
    for (const each of crowd) await each.speak()
    const [first, second] = crowd
    first?.place.leave()
    await clock.advance(SILENT_OPENING_MS + 1)
    const young = await Promise.all(['y', 'z'].map((name) => open(connectionOf(name))))
    for (const each of young) await each.speak()
    await open(connectionOf('new'))
    expect(second?.place.signal.aborted).toBe(true)
    expect(staying(young)).toEqual([true, true])
  })

  it('lets silence last while places are not scarce, and not when they are', async () => {
    const silent = await open(connectionOf('silent'))
    await clock.advance(SILENT_OPENING_MS + 1)
    await Promise.all(['b', 'c', 'd'].map((name) => open(connectionOf(name))))
    expect(staying([silent])).toEqual([true])
    await open(connectionOf('e'))
    expect(staying([silent])).toEqual([false])
  })

  it('cuts a connection that is turned away again and again, and none for what others do', async () => {
    const greedy = connectionOf('greedy')
    await openMany(greedy, INIT.perConnection + 32)
    expect(cut).toEqual([])
    await open(greedy)
    expect(cut).toEqual(['greedy'])
    await clock.advance(SILENT_OPENING_MS / 2)
    const modest = connectionOf('modest')
    for (let i = 0; i < 100; i++) {
      const { place } = await open(modest)
      await Promise.all(Array.from({ length: INIT.total }, (_, n) => open(connectionOf(`${i} ${n}`))))
      expect(place.signal.aborted).toBe(true)
    }
    expect(cut).toEqual(['greedy'])
  })

  it('counts nobody who has left', async () => {
    const connection = connectionOf('a')
    for (const { place } of await openMany(connection, INIT.perConnection)) {
      place.leave()
      place.leave()
    }
    expect(places.size).toBe(0)
    expect(staying(await openMany(connection, INIT.perConnection))).toEqual([true, true])
  })
})
