import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { FakeChain } from '#shared/testing/fake-chain.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { ESCROW, STAKE } from '#shared/testing/payments.ts'
import { countingRandom } from '#shared/testing/peers.ts'
import { createLog } from '../../observe/log.ts'
import { FILL_WITHIN_MS, MAX_OPEN, SESSION_SECONDS } from './constants.ts'
import type { PurseKeys } from './purse-chain.ts'
import { Purses, type Purse } from './purses.ts'
import { SpendBudget } from './spend-budget.ts'

const HOUR_MS = 60 * MINUTE_MS
const [first, second] = [peerName('first'), peerName('second')]

describe('Purses', () => {
  let clock: FakeClock
  let store: MemoryLedgerStore
  let purses: Purses
  let budget: SpendBudget
  let filled: { payer: string; amount: bigint; at: number }[]
  let asked: string[]
  let isBack: boolean
  let fillFails: boolean
  const keys = new Map<number, PurseKeys>()
  const keysOf = async (index: number): Promise<PurseKeys> => {
    const make = () => privateKeyToAccount(generatePrivateKey())
    const known = keys.get(index) ?? { payer: make(), session: make() }
    keys.set(index, known)
    return known
  }
  const open = async (): Promise<Purses> => {
    const chain = {
      keysOf,
      fill: async ({ payer }: PurseKeys, amount: bigint) => {
        if (fillFails) throw new InfernetError('payment.no-deposit')
        filled.push({ payer: payer.address, amount, at: clock.now() })
        return Math.floor(clock.now() / SECOND_MS) + SESSION_SECONDS
      },
      takeBack: async ({ payer }: Pick<PurseKeys, 'payer'>) => {
        asked.push(payer.address)
        return isBack ? ('done' as const) : ('waiting' as const)
      },
      stop: () => undefined,
    }
    const components = {
      ...{ clock, store, budget, chain, log: createLog('silent') },
      ...{ random: countingRandom(3), view: new FakeChain() },
    }
    const init = { escrow: ESCROW, stake: STAKE, deposits: [20n, 50n], maxJobCost: 10n }
    const made = await Purses.open(components, init)
    made.start()
    return made
  }
  beforeEach(async () => {
    clock = new FakeClock()
    store = new MemoryLedgerStore()
    budget = new SpendBudget(clock, 100n)
    ;[filled, asked, isBack, fillFails] = [[], [], false, false]
    keys.clear()
    purses = await open()
  })
  afterEach(() => purses.stop())

  const mayPay = (provider: PeerName): boolean => purses.canPay(provider, ESCROW)
  /** Wants to pay again and again, as an auditor does. */
  const untilPayable = async (provider: PeerName): Promise<void> => {
    for (let i = 0; i < 40 && !mayPay(provider); i++) await clock.advance(MINUTE_MS)
    expect(mayPay(provider)).toBe(true)
  }
  const quoteOf = async (purse: Purse, provider: PeerName, operator = STAKE): Promise<void> => {
    const payment = { ...ESCROW, operator, relay: STAKE, binding: new Uint8Array(64) }
    const price = { promptPerMillion: 0n, outputPerMillion: 0n }
    // A free price is not looked at by the purse behind it, which wants a binding that a peer signed.
    await purse.job().payer.checkQuote({ payment, price } as never, provider, 0)
  }

  it('fills one when it is needed, at a moment that chance chooses, with one of the usual amounts', async () => {
    expect(mayPay(first)).toBe(false)
    expect(filled).toEqual([])
    await untilPayable(first)
    expect(filled).toHaveLength(1)
    expect([20n, 50n]).toContain(filled[0]?.amount)
    expect(filled[0]?.at).toBeLessThanOrEqual(clock.now() + FILL_WITHIN_MS)
    await clock.advance(HOUR_MS)
    expect(filled).toHaveLength(1)
  })

  it('pays no operator twice with one purse, whatever name it has', async () => {
    await untilPayable(first)
    await quoteOf(await purses.take(first), first)
    // The same operator under another name: only its quote says so.
    const again = await purses.take(second)
    await expect(quoteOf(again, second)).rejects.toMatchObject({ code: 'payment.no-deposit' })
    expect([mayPay(first), mayPay(second)]).toEqual([false, false])
    await untilPayable(first)
    expect(filled).toHaveLength(2)
  })

  it('lets one probe ask several times', async () => {
    await untilPayable(first)
    const purse = await purses.take(first)
    await quoteOf(purse, first)
    await quoteOf(purse, first)
  })

  it('has a few at most in a day, and fetches what is left when they are over', async () => {
    for (let i = 0; i < MAX_OPEN; i++) {
      await untilPayable(first)
      await quoteOf(await purses.take(first), first)
    }
    for (let i = 0; i < 60; i++) {
      expect(mayPay(first)).toBe(false)
      await clock.advance(MINUTE_MS)
    }
    expect([filled.length, asked]).toEqual([MAX_OPEN, []])
    await clock.advance(26 * HOUR_MS)
    expect(new Set(asked)).toEqual(new Set(filled.map(({ payer }) => payer)))
    isBack = true
    await clock.advance(3 * HOUR_MS)
    const before = asked.length
    await clock.advance(5 * HOUR_MS)
    expect(asked).toHaveLength(before)
    await untilPayable(first)
    expect(new Set(filled.map(({ payer }) => payer)).size).toBe(MAX_OPEN + 1)
  })

  it('knows after a restart whom a purse has met', async () => {
    await untilPayable(first)
    await quoteOf(await purses.take(first), first)
    await purses.stop()
    purses = await open()
    await expect(quoteOf(await purses.take(second), second)).rejects.toMatchObject({
      code: 'payment.no-deposit',
    })
  })

  it('uses no purse again that a verifier was paid with', async () => {
    await untilPayable(first)
    await (await purses.take(first)).isKnown()
    expect(mayPay(second)).toBe(false)
  })

  it('pays nothing beyond the hour’s money, and on no other chain', async () => {
    await untilPayable(first)
    const purse = await purses.take(first)
    const jobs = Array.from({ length: 10 }, () => purse.job())
    expect(jobs.reduce((sum, { maxCost }) => sum + maxCost, 0n)).toBe(100n)
    expect(() => purse.job()).toThrow(expect.objectContaining({ code: 'payment.over-limit' }))
    expect(mayPay(second)).toBe(false)
    jobs[0]?.used(1n)
    expect(mayPay(second)).toBe(true)
    expect(purses.canPay(second, { ...ESCROW, chainId: 1 })).toBe(false)
  })

  it('tries the same purse again where it could not be filled', async () => {
    fillFails = true
    expect(mayPay(first)).toBe(false)
    await clock.advance(HOUR_MS)
    expect(mayPay(first)).toBe(false)
    fillFails = false
    await untilPayable(first)
    expect([filled.length, keys.size]).toEqual([1, 1])
    await expect(purses.take(peerName('third'))).resolves.toBeDefined()
  })
})
