import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis } from '../base/units.ts'
import { ledgerStoreCompliance } from '../testing/ledger-store-compliance.ts'
import { ESCROW, operatorKey, PAYER, RELAY, sessionKey, someAddress } from '../testing/payments.ts'
import type { Funds } from './check-funds.ts'
import { MemoryLedgerStore } from './ledger-store.ts'
import { PayeeLedger } from './payee-ledger.ts'
import { PayerLedger } from './payer-ledger.ts'
import { signVoucher, type PaymentLine } from './voucher.ts'

const MODEL = modelHash('c3'.repeat(32))
const lineTo = (digits: string, epoch = 0): PaymentLine => ({
  payer: PAYER,
  provider: someAddress(digits),
  model: MODEL,
  epoch,
})
const fundsOf = (room: bigint): Funds => ({
  epoch: 0,
  room: baseUnits(room),
  balance: baseUnits(room),
  limitedBy: 'payment.no-deposit',
  sessionExpiry: undefined,
})

describe('the memory store', () => ledgerStoreCompliance(() => new MemoryLedgerStore()))

describe('the payer’s ledger', () => {
  let store: MemoryLedgerStore
  let ledger: PayerLedger
  beforeEach(() => {
    store = new MemoryLedgerStore()
    ledger = new PayerLedger(store, ESCROW, PAYER)
  })

  it('counts each line up by itself and all of them against the funds', async () => {
    expect(await ledger.add(lineTo('b1'), baseUnits(40n), fundsOf(100n))).toBe(40n)
    expect(await ledger.add(lineTo('b2'), baseUnits(50n), fundsOf(100n))).toBe(50n)
    expect(await ledger.add(lineTo('b1'), baseUnits(10n), fundsOf(100n))).toBe(50n)
    await expect(ledger.add(lineTo('b1'), baseUnits(1n), fundsOf(100n))).rejects.toMatchObject({
      code: 'payment.no-deposit',
      facts: { needed: '1', free: '0' },
    })
    expect(await ledger.outstanding(0)).toBe(100n)
    expect(await ledger.lines(0)).toHaveLength(2)
  })

  it('keeps the epochs, payers and escrows of one store apart', async () => {
    await ledger.add(lineTo('b1'), baseUnits(40n), fundsOf(100n))
    expect(await ledger.outstanding(1)).toBe(0n)
    expect(await ledger.add(lineTo('b1', 1), baseUnits(1n), fundsOf(100n))).toBe(1n)
    expect(await new PayerLedger(store, ESCROW, someAddress('99')).outstanding(0)).toBe(0n)
    expect(await new PayerLedger(store, { ...ESCROW, chainId: 1 }, PAYER).outstanding(0)).toBe(0n)
  })

  it('serves two tabs at once: no amount is signed twice, and never more than there is', async () => {
    const other = new PayerLedger(store, ESCROW, PAYER)
    const adds = Array.from({ length: 30 }, (_, i) =>
      (i % 2 ? ledger : other).add(lineTo('b1'), baseUnits(10n), fundsOf(200n)),
    )
    const results = await Promise.allSettled(adds)
    const signed = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(signed.length).toBe(20)
    expect(new Set(signed).size).toBe(20)
    expect(await ledger.outstanding(0)).toBe(200n)
  })

  it('never signs beyond the deposit, whatever is added, claimed and learnt in between', async () => {
    const step = fc.record({
      to: fc.constantFrom('b1', 'b2', 'b3'),
      what: fc.constantFrom('add', 'claim', 'undo', 'reckon'),
      amount: fc.bigInt({ min: 1n, max: 60n }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const own = new PayerLedger(new MemoryLedgerStore(), ESCROW, PAYER)
        const signed = new Map<string, bigint>()
        const claimed = new Map<string, bigint>()
        let balance = 200n
        let seen = balance
        for (const { to, what, amount } of steps) {
          if (what === 'add') {
            const cumulative = await own
              .add(lineTo(to), baseUnits(amount), fundsOf(seen))
              .catch(() => undefined)
            if (cumulative !== undefined) signed.set(to, cumulative)
          } else if (what === 'claim') {
            balance -= (signed.get(to) ?? 0n) - (claimed.get(to) ?? 0n)
            claimed.set(to, signed.get(to) ?? 0n)
          } else if (what === 'undo') {
            balance += claimed.get(to) ?? 0n
            claimed.delete(to)
          } else {
            await own.reckon(0, async ({ provider }) =>
              baseUnits([...claimed].find(([digits]) => someAddress(digits) === provider)?.[1] ?? 0n),
            )
            seen = balance // read after the claims
          }
          expect(balance).toBeGreaterThanOrEqual(0n)
          const total = [...signed.values()].reduce((a, b) => a + b, 0n)
          expect(total <= 200n).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('counts as spent again what was claimed and a fork undid, of a line that was claimed whole too', async () => {
    await ledger.add(lineTo('b1'), baseUnits(40n), fundsOf(100n))
    await ledger.add(lineTo('b2'), baseUnits(50n), fundsOf(100n))
    await ledger.reckon(0, async ({ provider }) => baseUnits(provider === someAddress('b1') ? 40n : 30n))
    expect(await ledger.outstanding(0)).toBe(20n)
    await ledger.reckon(0, async () => baseUnits(0n))
    expect(await ledger.outstanding(0)).toBe(90n)
    await expect(ledger.add(lineTo('b1'), baseUnits(11n), fundsOf(100n))).rejects.toMatchObject({
      code: 'payment.no-deposit',
    })
  })

  it('believes no chain that says more was claimed than was signed', async () => {
    await ledger.add(lineTo('b1'), baseUnits(40n), fundsOf(100n))
    await ledger.reckon(0, async () => baseUnits(10n ** 20n))
    expect(await ledger.outstanding(0)).toBe(0n)
    expect(await ledger.lines(0)).toMatchObject([{ cumulative: 40n, claimed: 40n }])
  })

  it('signs nothing over a record that is damaged', async () => {
    await ledger.add(lineTo('b1'), baseUnits(40n), fundsOf(100n))
    for (const [key] of await store.list('')) await store.update(key, () => Uint8Array.of(1, 2, 3))
    await expect(ledger.add(lineTo('b1'), baseUnits(1n), fundsOf(100n))).rejects.toMatchObject({
      code: 'payment.no-record',
    })
  })
})

describe('the payee’s ledger', () => {
  let store: MemoryLedgerStore
  const load = () => PayeeLedger.load(store, ESCROW, operatorKey.address)
  const voucher = (cumulative: bigint, model = MODEL) =>
    signVoucher(
      ESCROW,
      {
        payer: PAYER,
        provider: operatorKey.address,
        model,
        relay: RELAY,
        epoch: 0,
        cumulative: baseUnits(cumulative),
      },
      sessionKey,
    )
  const session = { sessionExpiry: epochMillis(9) }
  beforeEach(() => {
    store = new MemoryLedgerStore()
  })

  it('keeps the highest voucher of a line, over restarts', async () => {
    const ledger = await load()
    for (const amount of [5n, 9n, 7n]) await ledger.keep(await voucher(amount), session)
    await ledger.keep(await voucher(1n, modelHash('00'.repeat(32))), session)
    expect((await load()).vouchers).toEqual(ledger.vouchers)
    expect((await load()).held({ ...lineTo('00'), provider: operatorKey.address })).toEqual({
      ...(await voucher(9n)),
      claimed: 0n,
      ...session,
    })
    expect((await load()).unclaimedOf(PAYER, 0)).toBe(10n)
  })

  it('counts what was claimed once, and forgets a line that is worth nothing', async () => {
    const ledger = await load()
    const signed = await voucher(9n)
    await ledger.keep(signed, session)
    await ledger.noteClaimed(signed.voucher, baseUnits(6n))
    await ledger.noteClaimed(signed.voucher, baseUnits(4n))
    expect((await load()).unclaimedOf(PAYER, 0)).toBe(3n)
    await ledger.forget(signed.voucher)
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(0n)
    expect((await load()).vouchers).toEqual([])
  })

  it('loses no line over one that is damaged', async () => {
    const ledger = await load()
    await ledger.keep(await voucher(9n), session)
    const [[key = ''] = []] = await store.list('')
    await store.update(`${key.slice(0, -64)}${'00'.repeat(32)}`, () => Uint8Array.of(1))
    expect((await load()).vouchers).toHaveLength(1)
  })

  it('names a store that cannot be read', async () => {
    store.list = () => Promise.reject(new Error('gone'))
    await expect(load()).rejects.toMatchObject({ code: 'payment.no-record' })
  })
})
