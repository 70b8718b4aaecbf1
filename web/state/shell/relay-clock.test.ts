import { expect, it } from 'vitest'
import { epochMillis, millis } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { RelayClock } from './relay-clock.ts'

/** The own clock of a computer, which somebody may set. */
class OwnClock extends FakeClock {
  wrongMs = 0
  override now() {
    return epochMillis(super.now() + this.wrongMs)
  }
}

const TRUE_TIME = 1_800_000_000_000

function compared(wrongMs: number, { tookMs = 0, headers = {} } = {}) {
  const own = new OwnClock(TRUE_TIME)
  own.wrongMs = wrongMs
  const clock = new RelayClock(own)
  const date = new Date(TRUE_TIME).toUTCString()
  clock.hear(new Headers({ date, ...headers }), millis(own.monotonic() - tookMs))
  return { own, clock }
}

it.each([-120_000, 120_000, -3_600_000, 3000])(
  'goes by the relay where its own clock is %i ms off',
  (wrongMs) => {
    const { clock } = compared(wrongMs)
    expect(Math.abs(clock.now() - TRUE_TIME)).toBeLessThanOrEqual(1000)
    expect(Math.abs(clock.aheadMs + wrongMs)).toBeLessThanOrEqual(1000)
  },
)

it('takes a difference that the header cannot show for none', () => {
  expect(compared(1000).clock.aheadMs).toBe(0)
  expect(compared(0, { tookMs: 9000 }).clock.aheadMs).toBe(0)
})

it.each([
  ['took too long', { tookMs: 11_000 }],
  ['came from a cache', { headers: { age: '300' } }],
  ['names no time', { headers: { date: 'soon' } }],
])('learns nothing from an answer that %s', (_, init) => {
  expect(compared(-120_000, init).clock.aheadMs).toBe(0)
})

it('doubts what it measured once the computer’s clock was set, and is right again when it has measured anew', async () => {
  const { own, clock } = compared(-120_000)
  await own.advance(60_000)
  expect(clock.isDoubtful).toBe(false)
  own.wrongMs = 0
  expect(clock.isDoubtful).toBe(true)
  clock.hear(new Headers({ date: new Date(TRUE_TIME + 60_000).toUTCString() }), own.monotonic())
  expect([clock.isDoubtful, clock.now()]).toEqual([false, TRUE_TIME + 60_000])
})
