import fc from 'fast-check'
import { expect, it } from 'vitest'
import { entriesAsCsv, filterEntries, needsYou, type MovedEntry, type PaymentEntry } from './money-entries.ts'
import { parseAmount } from './parse-amount.ts'

const base = { id: 'a', at: 0, chainId: 31337, wallet: '0x1', symbol: 'INF', decimals: 18 }
const moved = (change: Partial<MovedEntry> = {}): MovedEntry => ({
  ...base,
  ...{ kind: 'moved', what: 'deposit', amount: -20n * 10n ** 18n, hash: '0xab', state: 'mined', block: 3 },
  ...change,
})
const answer = (change: Partial<PaymentEntry> = {}): PaymentEntry => ({
  ...base,
  ...{ kind: 'paid', peer: '12D3KooWabc', modelName: 'Tiny', tokens: [32, 7], due: 4n, paid: 4n },
  ...{ receipt: 'both', isClaimed: false },
  ...change,
})

it('asks for the visitor where something failed or was not paid, and nowhere else', () => {
  expect(
    [moved(), moved({ state: 'failed' }), answer(), answer({ kind: 'earned', paid: 3n })].map(needsYou),
  ).toEqual([false, true, false, true])
})

it('filters what was paid, earned, or needs somebody', () => {
  const all = [moved(), moved({ what: 'claim', amount: 5n }), answer(), answer({ kind: 'earned', paid: 3n })]
  expect(
    ['all', 'paid', 'earned', 'needs-you'].map((filter) => filterEntries(all, filter as 'all').length),
  ).toEqual([4, 2, 2, 1])
})

it('exports exact amounts, and nothing that a spreadsheet would run', () => {
  const csv = entriesAsCsv([moved(), answer({ modelName: '=HYPERLINK("http://x")', paid: 1n })])
  expect(csv).toBe(
    'time,kind,what,with,model,tokens,amount,unit,state,transaction,chain\r\n' +
      '1970-01-01T00:00:00.000Z,moved,deposit,,,,-20,INF,mined,0xab,31337\r\n' +
      `1970-01-01T00:00:00.000Z,paid,answer,12D3KooWabc,"'=HYPERLINK(""http://x"")",39,-0.000000000000000001,INF,both,,31337\r\n`,
  )
})

it('reads an amount as people write it, and nothing else', () => {
  const read = (text: string, decimals = 18): bigint | undefined => parseAmount(text, decimals)
  expect(read('20')).toBe(20n * 10n ** 18n)
  expect([read('0.5'), read('.5'), read('0,5')]).toEqual(Array(3).fill(5n * 10n ** 17n))
  expect([read('1,000', 2), read('1,000.5', 2), read('1 000', 2)]).toEqual([100_000n, 100_050n, 100_000n])
  for (const text of ['', '.', '-1', '1e9', '0x10', '1.2.3', 'NaN', 'Infinity', '1.234', '١'])
    expect(read(text, 2), text).toBeUndefined()
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 96n }), (amount) => {
      const digits = amount.toString().padStart(19, '0')
      expect(read(`${digits.slice(0, -18)}.${digits.slice(-18)}`)).toBe(amount)
    }),
  )
})
