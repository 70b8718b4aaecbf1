import { expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { ORIGIN_FORGET_MS, ORIGIN_MEASURE_MS } from './constants.ts'
import { OriginPrice } from './origin-price.ts'
import { OriginSpeed } from './origin-speed.ts'

/** What is judged of an origin that brings 10 where peers bring one after another of these. */
function judged(peers: readonly number[], cost?: number): readonly string[] {
  const price = new OriginPrice(cost)
  return peers.map((each) => price.judge({ origin: 10, peers: each, isServed: true }))
}

it('reads an origin beside peers until they bring four times as much, and again below twice', () => {
  expect(judged([0, 10, 39, 41, 39, 21, 19, 39, 41])).toEqual([
    ...['all', 'all', 'all', 'lacking', 'lacking', 'lacking', 'all', 'all', 'lacking'],
  ])
})

it('reads it whenever no peer serves, and while its speed is not known', () => {
  const price = new OriginPrice()
  expect(price.judge({ origin: undefined, peers: 1000, isServed: true })).toBe('all')
  expect(price.judge({ origin: 10, peers: 1000, isServed: true })).toBe('lacking')
  expect([price.judge({ origin: 10, peers: 1000, isServed: false }), price.isResting]).toEqual(['all', false])
})

it('reads one that costs nothing always, and one that costs all never beside peers', () => {
  expect(judged([0, 1000], 0)).toEqual(['all', 'all'])
  expect(judged([0, 1000], 1)).toEqual(['lacking', 'lacking'])
  expect(new OriginPrice(1).judge({ origin: undefined, peers: 0, isServed: true })).toBe('lacking')
  expect(new OriginPrice(1).judge({ origin: 10, peers: 0, isServed: false })).toBe('all')
})

it('knows a speed after some seconds, keeps it while the origin rests, and measures it anew', async () => {
  const clock = new FakeClock()
  const speed = new OriginSpeed(clock)
  const read = async (bytesPerSecond: number, ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      speed.add(bytesPerSecond / 10)
      await clock.advance(100)
    }
  }
  await read(PIECE_BYTES, ORIGIN_MEASURE_MS - 100)
  expect(speed.bytesPerSecond).toBe(undefined)
  await read(PIECE_BYTES, 200)
  expect(speed.bytesPerSecond).toBeCloseTo(PIECE_BYTES, -5)
  speed.pause()
  await clock.advance(ORIGIN_FORGET_MS - 1000)
  expect(speed.bytesPerSecond).toBeCloseTo(PIECE_BYTES, -5)
  await read(4 * PIECE_BYTES, 1000)
  expect(speed.bytesPerSecond, 'the first second of a new run says nothing').toBeCloseTo(PIECE_BYTES, -5)
  await read(4 * PIECE_BYTES, ORIGIN_MEASURE_MS)
  expect(speed.bytesPerSecond).toBeCloseTo(4 * PIECE_BYTES, -6)
  speed.pause()
  await clock.advance(ORIGIN_FORGET_MS + 1)
  expect(speed.bytesPerSecond).toBe(undefined)
})
