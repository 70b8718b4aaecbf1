import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../base/ids.ts'
import { MINUTE_MS } from '../base/units.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { countingRandom } from '../testing/peers.ts'
import { GOLDEN_LIFE_MS } from '../verify/board/constants.ts'
import type { RecordsPort } from '../verify/board/records-port.ts'
import { GoldenAnnouncer, type GoldenAnnouncerComponents } from './golden-announcer.ts'

const DAY_MS = GOLDEN_LIFE_MS
const unused = (): Promise<never> => Promise.reject(new Error('unused'))

describe('GoldenAnnouncer', () => {
  let clock: FakeClock
  let relays: PeerName[]
  let told: { relay: PeerName; record: number }[]
  let refusing: Set<PeerName>
  let made: number
  let isFree: boolean
  let fails: boolean
  let relaysChange: () => void
  let announcer: GoldenAnnouncer | undefined
  const [first, second] = [peerName('first'), peerName('second')]

  beforeEach(() => {
    clock = new FakeClock()
    relays = [first]
    told = []
    refusing = new Set()
    made = 0
    isFree = true
    fails = false
  })
  afterEach(() => announcer?.stop())

  const portOf = (relay: PeerName): RecordsPort => ({
    publishGolden: async (golden) => {
      if (refusing.has(relay)) throw new Error('this relay knows nothing of records')
      told.push({ relay, record: golden.body[0] ?? 0 })
    },
    ...{ publishVerdict: unused, findGolden: unused, findVerdicts: unused, count: unused },
  })
  const start = async (
    make: GoldenAnnouncerComponents['make'] = async () => {
      if (fails) throw new Error('the device is lost')
      const golden = { body: Uint8Array.of(++made), signature: new Uint8Array(64) }
      return { golden, at: clock.now() }
    },
  ): Promise<void> => {
    announcer = new GoldenAnnouncer({
      ...{ clock, random: countingRandom(), make, isFree: () => isFree },
      registers: {
        get registers() {
          return relays.map((relay) => ({ relay, port: portOf(relay) }))
        },
        onChange: (callback) => {
          relaysChange = callback
          return () => undefined
        },
      },
    })
    await clock.advance(0)
  }

  it('tells each relay once, and makes it once for all of them', async () => {
    relays = [first, second]
    await start()
    expect(told).toEqual([
      { relay: first, record: 1 },
      { relay: second, record: 1 },
    ])
    relaysChange()
    await clock.advance(DAY_MS / 4)
    expect(told).toHaveLength(2)
  })

  it('tells a relay that comes later, and one that comes again', async () => {
    await start()
    relays = [first, second]
    relaysChange()
    await clock.advance(0)
    expect(told.map(({ relay }) => relay)).toEqual([first, second])
    relays = [second]
    relaysChange()
    await clock.advance(0)
    relays = [first, second]
    relaysChange()
    await clock.advance(0)
    expect(told.map(({ relay }) => relay)).toEqual([first, second, first])
    expect(made).toBe(1)
  })

  it('makes it again before it expires', async () => {
    await start()
    await clock.advance(0.6 * DAY_MS)
    expect(told).toEqual([
      { relay: first, record: 1 },
      { relay: first, record: 2 },
    ])
    await clock.advance(3 * DAY_MS)
    expect(made).toBeGreaterThanOrEqual(6)
    expect(made).toBeLessThanOrEqual(9)
  })

  it('makes it anew at once when the engine was tested again, and tells each relay', async () => {
    relays = [first, second]
    await start()
    announcer?.renew()
    await clock.advance(0)
    expect(told.slice(2)).toEqual([
      { relay: first, record: 2 },
      { relay: second, record: 2 },
    ])
    await clock.advance(DAY_MS / 4)
    expect(told).toHaveLength(4)
  })

  it('waits for a relay, and until the engine is free: askers come first', async () => {
    relays = []
    isFree = false
    await start()
    await clock.advance(MINUTE_MS)
    relays = [first]
    relaysChange()
    await clock.advance(MINUTE_MS)
    expect([made, told]).toEqual([0, []])
    isFree = true
    await clock.advance(10_000)
    expect(told).toEqual([{ relay: first, record: 1 }])
  })

  it('tries a relay that does not take it again, and not all the time', async () => {
    relays = [first, second]
    refusing.add(second)
    await start()
    expect(told.map(({ relay }) => relay)).toEqual([first])
    await clock.advance(5 * MINUTE_MS)
    refusing.clear()
    await clock.advance(MINUTE_MS)
    expect(told).toHaveLength(1)
    await clock.advance(6 * MINUTE_MS)
    expect(told.map(({ relay }) => relay)).toEqual([first, second])
    expect(made).toBe(1)
  })

  it('tries an engine that failed again, and says nothing of a model that has no golden prompts', async () => {
    fails = true
    await start()
    expect(told).toEqual([])
    fails = false
    await clock.advance(12 * MINUTE_MS)
    expect(told).toHaveLength(1)
    announcer?.stop()
    let asked = 0
    await start(async () => {
      asked++
      return undefined
    })
    relaysChange()
    await clock.advance(2 * DAY_MS)
    expect([asked, told.length]).toEqual([1, 1])
  })

  it('ends a reading that runs when it is stopped, and tells nothing of it', async () => {
    let isCancelled = false
    await start(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            isCancelled = true
            reject(new Error('stopped'))
          }),
        ),
    )
    announcer?.stop()
    await clock.advance(DAY_MS)
    expect([isCancelled, told]).toEqual([true, []])
  })
})
