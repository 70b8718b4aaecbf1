import { expect, it } from 'vitest'
import { chainAddress } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import type { PaymentEntry } from '../money/money-entries.ts'
import { SMOL, TINY } from '../testing/samples.ts'
import { earnedByHour, earnedOf } from './earned.ts'

const WALLET = `0x${'Ab'.repeat(20)}`
const by = { wallet: WALLET, chainId: 1, symbol: 'INF' }
const model = { model: TINY, name: 'Tiny' }

function entry(change: Partial<PaymentEntry> = {}): PaymentEntry {
  const address = chainAddress(WALLET)
  return {
    ...{ id: 'x', at: 1, chainId: 1, wallet: WALLET.toLowerCase(), symbol: 'INF', decimals: 18 },
    ...{ kind: 'earned', peer: 'p', modelName: 'Tiny', tokens: [1], due: 5n, paid: 4n },
    ...{ receipt: 'both', isClaimed: false },
    line: { payer: address, provider: address, model: TINY, epoch: 0, upTo: 4n },
    ...change,
  }
}

it('adds up what was paid for answers of the model, whatever it is called now', () => {
  const other = entry({ line: { ...entry().line!, model: SMOL } })
  const old = entry({ line: undefined })
  expect(earnedOf(model, [entry(), entry({ modelName: 'once' }), other, old], by)).toBe(12n)
})

it('counts no other wallet, chain, asset or direction', () => {
  const others = [
    ...[entry({ wallet: '0x1' }), entry({ chainId: 2 }), entry({ symbol: 'USD' })],
    entry({ kind: 'paid' }),
  ]
  expect(earnedOf(model, others, by)).toBe(0n)
})

it('is not known without a wallet', () => {
  expect(earnedOf(model, [entry()], { ...by, wallet: undefined })).toBeUndefined()
})

it('tells what a model earned in an hour over the last week, in the asset that was earned last', () => {
  const hour = 3_600_000
  const week = 168 * hour
  const line = { ...entry().line!, model: SMOL }
  const coin = 10n ** 18n
  const entries = [
    ...[entry({ at: week, paid: coin }), entry({ at: week + hour, paid: 2n * coin })],
    entry({ at: week, paid: coin, line }),
    ...[entry({ at: 1, paid: coin }), entry({ at: week, paid: coin, line: undefined })],
    ...[entry({ at: week, kind: 'paid', paid: coin }), entry({ at: week, symbol: 'USD', paid: coin })],
  ]
  expect([...earnedByHour(entries, epochMillis(week + hour))]).toEqual([
    [TINY, 3000 / 168],
    [SMOL, 1000 / 168],
  ])
  expect(earnedByHour([], epochMillis(week)).size).toBe(0)
})
