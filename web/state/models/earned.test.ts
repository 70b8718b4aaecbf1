import { expect, it } from 'vitest'
import { chainAddress } from '#shared/base/ids.ts'
import type { PaymentEntry } from '../money/money-entries.ts'
import { SMOL, TINY } from '../testing/samples.ts'
import { earnedOf } from './earned.ts'

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
