import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import { Settings } from '../session/settings.svelte.ts'
import { CheckShare, MAX_CHECKS_A_DAY } from './check-share.ts'

const DAY_MS = 24 * 60 * 60_000
const BUDGET = 10n ** 16n // 0.01 INF

function sharing(percent: number) {
  const kept = new Map<string, string>()
  const store = {
    get: (name: string) => kept.get(name),
    set: (name: string, value: string) => void kept.set(name, value),
  }
  const settings = new Settings(store)
  settings.checkPercent.value = percent
  const time = { now: 20_000 * DAY_MS }
  const draws: number[] = []
  const share = new CheckShare({
    clock: { now: () => epochMillis(time.now) },
    settings,
    store,
    chance: () => draws.shift() ?? 0,
  })
  return { share, settings, store, time, draws }
}

it('draws as many of a hundred as the visitor chose', () => {
  const { share, draws, settings } = sharing(30)
  draws.push(0, 0.299, 0.3, 0.999)
  expect([1, 2, 3, 4].map(() => share.draws())).toEqual([true, true, false, false])
  settings.checkPercent.value = 0
  draws.push(0)
  expect(share.draws()).toBe(false)
})

it('counts what a day costs, and begins anew with the next', () => {
  const { share, time } = sharing(100)
  expect(share.left).toBe(BUDGET)
  share.book(BUDGET - 1n)
  expect([share.left, share.checksLeft]).toEqual([1n, MAX_CHECKS_A_DAY - 1])
  share.book(-2n, 0)
  expect([share.left, share.checksLeft]).toEqual([3n, MAX_CHECKS_A_DAY - 1])
  time.now += DAY_MS
  expect([share.left, share.checksLeft]).toEqual([BUDGET, MAX_CHECKS_A_DAY])
})

it('stops after so many checks of a day, whatever they cost', () => {
  const { share } = sharing(100)
  for (let i = 0; i < MAX_CHECKS_A_DAY; i++) {
    expect(share.draws()).toBe(true)
    share.book(0n)
  }
  expect(share.draws()).toBe(false)
})

it.each(['', 'much', '1 2 3 4', '-1 -1 -1', '20000 x 1'])(
  'takes a ledger that says "%s" for none',
  (said) => {
    const { share, store } = sharing(100)
    store.set('check.ledger', said)
    expect([share.left, share.checksLeft]).toEqual([BUDGET, MAX_CHECKS_A_DAY])
  },
)

it('takes a budget that is no number for the usual one, and none for none', () => {
  const { share, settings } = sharing(100)
  settings.checkBudget.value = 'much'
  expect(share.budget).toBe(BUDGET)
  settings.checkBudget.value = '0'
  expect(share.budget).toBe(0n)
})
