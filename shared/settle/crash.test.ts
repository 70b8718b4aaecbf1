import { beforeEach, describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, tokens } from '../base/units.ts'
import { CrashingStore } from '../testing/crashing-store.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import {
  operatorKey,
  PAYER,
  PAYMENT,
  purseOver,
  sessionKey,
  someTerms,
  tillOver,
} from '../testing/payments.ts'
import { realClock } from '../testing/real-clock.ts'
import { decodeCredit } from './credit-message.ts'
import { MemoryLedgerStore, type LedgerStore } from './ledger-store.ts'

const CHUNK = 320n
const MODEL = modelHash('c3'.repeat(32))
const CHUNKS = 3
/** More writes than three chunks take on either side. */
const LAST_WRITE = 14

const crashes = Array.from({ length: LAST_WRITE }, (_, i) => i + 1).flatMap((at) => [
  [at, 'before', { isAfter: false }] as const,
  [at, 'after', { isAfter: true }] as const,
])

/** What a job of three chunks came to when it ended, on its own or because a tab was closed. */
interface Ran {
  /** Signed chunks that the consumer had. */
  readonly due: bigint
  /** The highest amount that ever left the consumer's hands. */
  readonly handedOut: bigint
}

describe('a tab that is closed at any step between chunk, voucher and claim', () => {
  let chain: FakeChain
  let payerStore: MemoryLedgerStore
  let payeeStore: MemoryLedgerStore

  beforeEach(() => {
    chain = new FakeChain()
    chain.deposit(PAYER, 100_000n)
    chain.authorize(PAYER, sessionKey.address, 100_000n, realClock.now() + 3_600_000)
    payerStore = new MemoryLedgerStore()
    payeeStore = new MemoryLedgerStore()
  })

  /** Chunk, voucher, chunk, voucher …, as `stream` does it; a long prompt, so that there is a prepayment as well. */
  const run = async (name: number, paying: LedgerStore, earning: LedgerStore): Promise<Ran> => {
    const terms = someTerms({ name, prefillTokens: tokens(300) })
    let due = 0n
    let handedOut = 0n
    const see = (credit: Uint8Array): Uint8Array => {
      const { voucher } = decodeCredit(credit, { operator: PAYMENT.operator, model: MODEL })
      expect(voucher.cumulative).toBeGreaterThanOrEqual(handedOut)
      handedOut = voucher.cumulative
      return credit
    }
    try {
      const { till } = await tillOver(earning, chain)
      const pays = await purseOver(paying, chain).open(terms)
      const earns = await till.open(terms, see(pays.opening))
      for (let chunk = 0; chunk <= CHUNKS; chunk++) {
        const next = baseUnits(300n + CHUNK * BigInt(chunk))
        if (!earns.covers(next, 32)) break
        due = next
        const credit = await pays.pay(next)
        if (credit.length > 0) await earns.take(see(credit))
      }
      earns.close(baseUnits(due))
    } catch {
      // the tab is gone
    }
    return { due, handedOut }
  }
  const heldBy = async (store: LedgerStore): Promise<bigint> =>
    (await tillOver(store, chain)).ledger.unclaimedOf(PAYER, 0)

  it.each(crashes)(
    'of the payer, at write %i, %s it is on disk: costs it a chunk at most',
    async (at, _, how) => {
      const first = await run(1, new CrashingStore(payerStore, at, how), payeeStore)
      const second = await run(2, payerStore, payeeStore)
      const whole = 300n + CHUNK * BigInt(CHUNKS)
      expect(second.due).toBe(whole) // nothing is in the way afterwards
      for (const name of [3, 4]) expect((await run(name, payerStore, payeeStore)).due).toBe(whole)
      expect(second.handedOut).toBeGreaterThan(first.handedOut)
      const lost = second.handedOut - first.due - second.due
      expect(lost).toBeGreaterThanOrEqual(-CHUNK) // the payee’s loss: the chunk whose voucher never came
      expect(lost).toBeLessThanOrEqual(CHUNK)
    },
  )

  it.each(crashes)(
    'of the payee, at write %i, %s it is on disk: costs it a chunk at most',
    async (at, _, how) => {
      const first = await run(1, payerStore, new CrashingStore(payeeStore, at, how))
      expect(await heldBy(payeeStore)).toBeGreaterThanOrEqual(first.due - CHUNK)
      const second = await run(2, payerStore, payeeStore)
      expect(second.due).toBe(300n + CHUNK * BigInt(CHUNKS))
      expect(await heldBy(payeeStore)).toBe(second.handedOut) // the next voucher holds what was lost
      for (const name of [3, 4]) expect((await run(name, payerStore, payeeStore)).due).toBe(second.due)
    },
  )

  it('of the payee, between the claim and its note: learns from the chain, and claims nothing twice', async () => {
    await run(1, payerStore, payeeStore)
    const { ledger } = await tillOver(payeeStore, chain)
    chain.claim(ledger.vouchers[0]!)
    const { till, ledger: anew } = await tillOver(payeeStore, chain)
    expect(anew.unclaimedOf(PAYER, 0)).toBe(1260n)
    await till.reckon(anew.vouchers[0]!.voucher)
    expect(anew.unclaimedOf(PAYER, 0)).toBe(0n)
    await run(2, payerStore, payeeStore)
    expect(await heldBy(payeeStore)).toBe(1260n)
  })

  it('of the payee, with its whole record: begins at what was claimed, and takes what comes', async () => {
    await run(1, payerStore, payeeStore)
    chain.claim((await tillOver(payeeStore, chain)).ledger.vouchers[0]!)
    const empty = new MemoryLedgerStore()
    const { due } = await run(2, payerStore, empty)
    expect(due).toBe(1260n)
    expect(chain.claim((await tillOver(empty, chain)).ledger.vouchers[0]!)).toBe(1260n)
    expect(chain.earned.get(operatorKey.address)).toBe(2520n)
  })
})
