import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, tokens } from '../base/units.ts'
import { isErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { makePeer } from '../testing/peers.ts'
import {
  ESCROW,
  operatorKey,
  PAYER,
  PAYMENT,
  purseOver,
  RELAY,
  sessionKey,
  someAddress,
  someQuote,
  someTerms,
  STAKE,
  tillOver,
} from '../testing/payments.ts'
import { realClock } from '../testing/real-clock.ts'
import type { IncomingCredit, OutgoingCredit } from '../stream/credit.ts'
import { makeBinding } from './binding.ts'
import { createChainSigner } from './chain-signature.ts'
import { decodeCredit, encodeCredit } from './credit-message.ts'
import { MemoryLedgerStore } from './ledger-store.ts'
import type { PayeeCredit } from './payee-credit.ts'
import type { PayeeLedger } from './payee-ledger.ts'
import type { PayerCredit } from './payer-credit.ts'
import type { SignedReceipt } from './receipt.ts'
import { signVoucher, type Voucher } from './voucher.ts'

const HOUR = 3_600_000
const CHUNK = 320n
const MODEL = modelHash('c3'.repeat(32))

describe('credit between a purse and a till', () => {
  let chain: FakeChain
  let payerStore: MemoryLedgerStore
  let payeeStore: MemoryLedgerStore
  let purse: PayerCredit
  let till: PayeeCredit
  let ledger: PayeeLedger

  beforeEach(async () => {
    chain = new FakeChain()
    chain.deposit(PAYER, 100_000n)
    chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + HOUR)
    payerStore = new MemoryLedgerStore()
    payeeStore = new MemoryLedgerStore()
    purse = purseOver(payerStore, chain)
    ;({ till, ledger } = await tillOver(payeeStore, chain))
  })

  const start = async (terms = someTerms()): Promise<{ pays: OutgoingCredit; earns: IncomingCredit }> => {
    const pays = await purse.open(terms)
    return { pays, earns: await till.open(terms, pays.opening) }
  }
  const long = (name: number) => someTerms({ name, prefillTokens: tokens(300) })
  const due = (chunks: number): ReturnType<typeof baseUnits> => baseUnits(3n + CHUNK * BigInt(chunks))
  const voucherOf = (changes: Partial<Voucher> = {}): Voucher => ({
    payer: PAYER,
    provider: operatorKey.address,
    model: MODEL,
    relay: RELAY,
    epoch: 0,
    cumulative: baseUnits(500n),
    ...changes,
  })
  const creditOf = async (changes: Partial<Voucher> = {}, signer = sessionKey): Promise<Uint8Array> =>
    encodeCredit(await signVoucher(ESCROW, voucherOf(changes), signer))

  it('counts up exactly what is due, and the till holds the highest voucher', async () => {
    const { pays, earns } = await start()
    for (let chunk = 0; chunk <= 3; chunk++) {
      expect(earns.covers(due(chunk), 32)).toBe(true)
      await earns.take(await pays.pay(due(chunk)))
      expect(earns.covers(due(chunk), 0)).toBe(true)
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(due(chunk))
    }
    expect(pays.paid).toBe(due(3))
    expect(earns.paid).toBe(due(3))
  })

  it('covers one chunk more than was paid, and a short prompt that was read first', async () => {
    const { pays, earns } = await start()
    expect(earns.covers(due(1), 32)).toBe(true)
    expect(earns.covers(baseUnits(due(1) + 10n), 32)).toBe(false)
    expect(earns.covers(baseUnits(due(1) + 10n), 64)).toBe(true)
    await earns.take(await pays.pay(due(0)))
    expect(earns.covers(due(1), 32)).toBe(true)
    expect(earns.covers(baseUnits(due(1) + 1n), 32)).toBe(false)
  })

  it('pays for a long prompt before it is read, and is refused when it does not', async () => {
    const terms = someTerms({ prefillTokens: tokens(257) })
    const pays = await purse.open(terms)
    expect(pays.paid).toBe(257n)
    expect(decodeCredit(pays.opening, { operator: PAYMENT.operator, model: MODEL }).voucher.cumulative).toBe(
      257n,
    )
    await expect(till.open(terms, await creditOf({ cumulative: baseUnits(256n) }))).rejects.toMatchObject({
      code: 'payment.unpaid',
    })
    const earns = await till.open(terms, pays.opening)
    expect(earns.covers(baseUnits(257n + CHUNK), 32)).toBe(true)
    expect(earns.covers(baseUnits(258n + CHUNK), 32)).toBe(false)
  })

  it('pays before for what only reads, however short, and is refused when it does not', async () => {
    const terms = someTerms({ prefillTokens: tokens(40), maxTokens: 0, prepaid: true })
    const pays = await purse.open(terms)
    expect(pays.paid).toBe(40n)
    await expect(till.open(terms, await creditOf({ cumulative: baseUnits(39n) }))).rejects.toMatchObject({
      code: 'payment.unpaid',
    })
    const earns = await till.open(terms, pays.opening)
    expect(earns.covers(baseUnits(40n), 0)).toBe(true)
    earns.close(baseUnits(40n))
    expect(earns.paid).toBe(40n)
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(40n)
  })

  it('goes on where the last job of the line ended', async () => {
    const first = await start()
    await first.earns.take(await first.pays.pay(due(2)))
    first.earns.close(due(2))
    const { pays, earns } = await start(someTerms({ name: 2 }))
    expect(earns.covers(baseUnits(due(1) + 1n), 32)).toBe(false)
    await earns.take(await pays.pay(due(1)))
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(due(2) + due(1))
  })

  it('lends a part of the deposit before a claim, and more by what was claimed', async () => {
    chain.authorize(PAYER, sessionKey.address, 100_000n, realClock.now() + HOUR)
    const first = await start()
    await first.earns.take(await first.pays.pay(baseUnits(12_000n)))
    first.earns.close(baseUnits(12_000n))
    const second = await start(someTerms({ name: 2 }))
    await expect(second.earns.take(await second.pays.pay(baseUnits(600n)))).rejects.toMatchObject({
      code: 'payment.credit-used',
    })
    second.earns.close(baseUnits(600n))
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(12_600n)
    await expect(start(someTerms({ name: 3 }))).rejects.toMatchObject({ code: 'payment.credit-used' })
    chain.claim(ledger.vouchers[0]!)
    const third = await start(someTerms({ name: 4 }))
    await third.earns.take(await third.pays.pay(baseUnits(12_600n)))
  })

  it('gives nothing for what is paid already', async () => {
    const { pays } = await start()
    expect(await pays.pay(due(1))).not.toHaveLength(0)
    expect(await pays.pay(due(1))).toHaveLength(0)
    expect(await pays.pay(due(0))).toHaveLength(0)
    expect(pays.paid).toBe(due(1))
  })

  it('lets no next job pay for what one before left unpaid', async () => {
    const first = await start()
    first.earns.close(due(1))
    const { pays, earns } = await start(someTerms({ name: 2 }))
    expect(earns.covers(due(1), 32)).toBe(true)
    await earns.take(await pays.pay(due(1)))
    expect(earns.covers(due(1), 0)).toBe(true)
  })

  it('keeps for the next job what was paid and not served', async () => {
    const { earns } = await start(long(1))
    earns.close(baseUnits(0n)) // the place was taken meanwhile
    const again = await till.open(someTerms({ name: 2 }), (await purse.open(someTerms({ name: 2 }))).opening)
    expect(again.covers(baseUnits(300n + CHUNK), 32)).toBe(true)
    expect(again.covers(baseUnits(301n + CHUNK), 32)).toBe(false)
  })

  it('does not pay twice for a prompt that was not accepted, nor is that asked for', async () => {
    for (let name = 1; name < 6; name++) {
      const { pays, earns } = await start(long(name))
      expect([pays.paid, earns.paid]).toEqual([300n, 300n])
      pays.notAccepted('stream.busy')
      earns.close(baseUnits(0n))
      expect([pays.paid, earns.paid]).toEqual([0n, 0n])
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(300n)
    }
    const { pays, earns } = await start(long(6))
    await earns.take(await pays.pay(baseUnits(620n)))
    earns.close(baseUnits(620n))
    expect([pays.paid, earns.paid]).toEqual([620n, 620n])
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(620n)
  })

  it('gives back what was left over to a purse that cannot pay the rest', async () => {
    const { pays, earns } = await start(long(1))
    pays.notAccepted('stream.busy')
    earns.close(baseUnits(0n))
    const update = payerStore.update.bind(payerStore)
    payerStore.update = async () => {
      throw new Error('the disk is full')
    }
    await expect(purse.open(long(2))).rejects.toMatchObject({ code: 'payment.no-record' })
    payerStore.update = update
    expect(read((await purse.open(long(3))).opening)).toBe(300n)
  })

  it.each([
    [
      'has started again',
      async () => {
        ;(await start(long(1))).pays.notAccepted('stream.busy')
        ;({ till, ledger } = await tillOver(payeeStore, chain))
      },
    ],
    [
      'took it for another node’s, in the voucher of a short prompt',
      async () => {
        ;(await purse.open(long(1))).notAccepted('stream.busy') // before the credit was looked at
        ;(await start(someTerms({ name: 8 }))).earns.close(baseUnits(0n))
      },
    ],
  ])('is refused what was left over once when the provider %s, and then deals again', async (_, happens) => {
    await happens()
    const second = await purse.open(long(2))
    await expect(till.open(long(2), second.opening)).rejects.toMatchObject({ code: 'payment.unpaid' })
    second.notAccepted('payment.unpaid')
    expect(second.hasLearned).toBe(true)
    for (let name = 3; name < 6; name++) {
      const { pays, earns } = await start(long(name))
      expect(pays.hasLearned).toBe(false)
      earns.close(baseUnits(300n))
    }
  })

  it('learns nothing from a provider that calls a prompt unpaid for which it was just paid', async () => {
    const pays = await purse.open(long(1))
    pays.notAccepted('payment.unpaid')
    expect(pays.hasLearned).toBe(false)
    expect(pays.paid).toBe(300n) // it is gone, and said to be
  })

  it('opens a long prompt beside a job whose window is open, and agrees on what both came to', async () => {
    const a = await start(someTerms({ name: 1 }))
    await a.earns.take(await a.pays.pay(due(0)))
    expect(a.earns.covers(due(1), 32)).toBe(true) // a chunk is written and not yet paid
    const b = await start(long(2))
    expect(b.earns.covers(baseUnits(300n + CHUNK), 32)).toBe(true)
    await b.earns.take(await b.pays.pay(baseUnits(300n + CHUNK)))
    const tally = { ...tallyOf(1), promptTokens: tokens(300), due: baseUnits(300n + CHUNK) }
    expect(await b.earns.countersign(await b.pays.receipt(tally), tally)).not.toHaveLength(0)
    b.earns.close(baseUnits(300n + CHUNK))
    await a.earns.take(await a.pays.pay(due(1)))
    a.earns.close(due(1))
    expect(a.earns.paid + b.earns.paid).toBe(ledger.unclaimedOf(PAYER, 0))
    expect(a.pays.paid + b.pays.paid).toBe(ledger.unclaimedOf(PAYER, 0))
  })

  it('still asks a long prompt beside a running job to be paid', async () => {
    const a = await start(someTerms({ name: 1 }))
    await a.earns.take(await a.pays.pay(due(1)))
    a.earns.covers(baseUnits(due(1) + CHUNK), 32)
    const unpaid = await creditOf({ cumulative: due(1) })
    await expect(till.open(long(2), unpaid)).rejects.toMatchObject({ code: 'payment.unpaid' })
  })

  it('does not take for its own what the payer gave to another node of the same operator', async () => {
    const elsewhere = await tillOver(new MemoryLedgerStore(), chain)
    const { pays, earns } = await start()
    await earns.take(await pays.pay(due(5)))
    const next = await purse.open(someTerms({ name: 2 }))
    const there = await elsewhere.till.open(someTerms({ name: 2 }), next.opening)
    expect(there.covers(due(1), 32)).toBe(true)
    expect(there.covers(baseUnits(due(1) + 1n), 32)).toBe(false)
  })

  it('lets two jobs of one line overtake each other', async () => {
    const a = await start(someTerms({ name: 1 }))
    const first = await a.pays.pay(due(1))
    const b = await start(someTerms({ name: 2 })) // its first voucher holds what is on its way for the other
    await b.earns.take(await b.pays.pay(due(1))) // signed later, arrives first
    await a.earns.take(first)
    expect(a.earns.covers(due(1), 0) && b.earns.covers(due(1), 0)).toBe(true)
    expect(a.earns.covers(baseUnits(due(1) + 1n), 0)).toBe(false)
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(2n * due(1))
  })

  it('counts what was claimed meanwhile as paid, not as owed', async () => {
    chain.authorize(PAYER, sessionKey.address, 500_000n, realClock.now() + HOUR)
    const first = await till.open(someTerms(), await creditOf({ cumulative: baseUnits(60_000n) }))
    first.close(baseUnits(60_000n))
    chain.claim(ledger.vouchers[0]!) // by a relay: nobody tells the till
    const next = await creditOf({ cumulative: baseUnits(99_000n) })
    await till.open(someTerms({ name: 2 }), next)
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(39_000n)
    // 1000 are left of the deposit, and not one more.
    const over = await creditOf({ cumulative: baseUnits(100_001n) })
    await expect(till.open(someTerms({ name: 3 }), over)).rejects.toMatchObject({
      code: 'payment.no-deposit',
    })
  })

  describe('is refused by name', () => {
    const refusalOf = (credit: Uint8Array, terms = someTerms()): Promise<string> =>
      till.open(terms, credit).then(
        () => 'taken',
        ({ code }: InfernetError) => code,
      )

    it('for another provider, model, chain, escrow or relay, or by another key', async () => {
      const other = someAddress('77')
      expect(await refusalOf(await creditOf({ provider: other }))).toBe('payment.bad-voucher')
      expect(await refusalOf(await creditOf({ model: modelHash('00'.repeat(32)) }))).toBe(
        'payment.bad-voucher',
      )
      expect(await refusalOf(await creditOf({ relay: other }))).toBe('payment.wrong-payee')
      for (const escrow of [
        { ...ESCROW, chainId: 1 },
        { ...ESCROW, escrow: other },
      ]) {
        const replayed = encodeCredit(await signVoucher(escrow, voucherOf(), sessionKey))
        expect(await refusalOf(replayed)).toBe('payment.bad-voucher')
        const quote = someQuote({ ...PAYMENT, ...escrow })
        expect(await refusalOf(await creditOf(), someTerms({ quote }))).toBe('payment.wrong-chain')
      }
      const stranger = createChainSigner(new Uint8Array(32).fill(9))
      expect(await refusalOf(await creditOf({}, stranger))).toBe('payment.no-session')
      expect(await refusalOf(await creditOf({ payer: other }))).toBe('payment.no-deposit')
    })

    it('from an epoch that has ended or a session that has run out', async () => {
      expect(await refusalOf(await creditOf({ epoch: 1 }))).toBe('payment.wrong-epoch')
      chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() - 1)
      expect(await refusalOf(await creditOf())).toBe('payment.expired-session')
    })

    it('while a withdrawal is pending, and after it', async () => {
      chain.requestWithdrawal(PAYER, epochMillis(realClock.now() + HOUR))
      expect(await refusalOf(await creditOf())).toBe('payment.withdrawal-pending')
      chain.withdraw(PAYER)
      chain.deposit(PAYER, 1000n)
      expect(await refusalOf(await creditOf())).toBe('payment.wrong-epoch')
    })

    it('for more than the deposit holds or the session allows, what is held unclaimed counted in', async () => {
      expect(await refusalOf(await creditOf({ cumulative: baseUnits(50_001n) }))).toBe(
        'payment.session-spent',
      )
      chain.authorize(PAYER, sessionKey.address, 500_000n, realClock.now() + HOUR)
      expect(await refusalOf(await creditOf({ cumulative: baseUnits(100_001n) }))).toBe('payment.no-deposit')
      expect(await refusalOf(await creditOf({ cumulative: baseUnits(99_900n) }))).toBe('taken')
      // 100 are left, and a first chunk costs 323.
      const next = await creditOf({ cumulative: baseUnits(99_900n) })
      expect(await refusalOf(next, someTerms({ name: 2 }))).toBe('payment.no-deposit')
    })

    it('when it is lower than one before, and then shows what is held', async () => {
      const first = await till.open(someTerms(), await creditOf({ cumulative: baseUnits(900n) }))
      first.close(baseUnits(900n))
      const lower = await creditOf({ cumulative: baseUnits(899n) })
      expect(await refusalOf(lower)).toBe('payment.stale')
      const held = till.heldBeside(someTerms(), lower)
      expect(held).toEqual(await creditOf({ cumulative: baseUnits(900n) }))
    })

    it('in the middle of a job: lower, beyond the deposit, or from another payer', async () => {
      const { pays, earns } = await start()
      await earns.take(await pays.pay(due(2)))
      const cases: [Uint8Array, string][] = [
        [await creditOf({ cumulative: due(1) }), 'payment.stale'],
        [await creditOf({ cumulative: baseUnits(50_001n) }), 'payment.session-spent'],
        [await creditOf({ payer: someAddress('77'), cumulative: due(3) }), 'payment.wrong-payee'],
        [await creditOf({ epoch: 3, cumulative: due(3) }), 'payment.wrong-payee'],
        [await creditOf({ relay: someAddress('77'), cumulative: due(3) }), 'payment.wrong-payee'],
      ]
      for (const [credit, code] of cases) await expect(earns.take(credit)).rejects.toMatchObject({ code })
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(due(2))
    })

    it('in the middle of a job whose payer leaves, and is kept all the same: it can be claimed still', async () => {
      const changes: [string, () => void][] = [
        ['payment.expired-session', () => chain.authorize(PAYER, sessionKey.address, 50_000n, 1)],
        ['payment.withdrawal-pending', () => chain.requestWithdrawal(PAYER, epochMillis(1))],
      ]
      let name = 1
      for (const [code, change] of changes) {
        const opening = await creditOf({ cumulative: baseUnits(name === 1 ? 0n : due(name - 1)) })
        const earns = await till.open(someTerms({ name }), opening)
        const credit = await creditOf({ cumulative: due(name) })
        change()
        await expect(earns.take(credit)).rejects.toMatchObject({ code })
        expect(ledger.unclaimedOf(PAYER, 0)).toBe(due(name))
        earns.close(due(name))
        chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + HOUR)
        name++
      }
    })

    it('in the middle of a job by a key that may not sign, and pushes no good one off the record', async () => {
      const { pays, earns } = await start()
      await earns.take(await pays.pay(due(1)))
      const stranger = createChainSigner(new Uint8Array(32).fill(9))
      await expect(earns.take(await creditOf({ cumulative: due(2) }, stranger))).rejects.toMatchObject({
        code: 'payment.no-session',
      })
      chain.authorize(PAYER, stranger.address, 100n, realClock.now() + HOUR)
      await expect(earns.take(await creditOf({ cumulative: due(2) }, stranger))).rejects.toMatchObject({
        code: 'payment.session-spent',
      })
      chain.requestWithdrawal(PAYER, epochMillis(1))
      await expect(earns.take(await creditOf({ cumulative: due(2) }, stranger))).rejects.toMatchObject({
        code: 'payment.withdrawal-pending',
      })
      expect(ledger.vouchers).toMatchObject([{ signer: sessionKey.address, voucher: { cumulative: due(1) } }])
    })

    it('when its payer left chunks unpaid again and again, until that is long ago', async () => {
      for (let name = 1; name <= 8; name++) (await start(someTerms({ name }))).earns.close(due(1))
      expect(await refusalOf(await creditOf(), someTerms({ name: 9 }))).toBe('payment.debts')
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(0n)
    })

    it('when the chain does not answer', async () => {
      chain.isDown = true
      expect(await refusalOf(await creditOf())).toBe('payment.chain-unreachable')
    })

    it('whatever its bytes are', async () => {
      const valid = await creditOf()
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 1024 }),
        fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255) }).map(({ at, to }) => {
          const changed = Uint8Array.from(valid)
          changed[at] = to
          return changed
        }),
      )
      const { earns } = await start()
      await fc.assert(
        fc.asyncProperty(bytes, async (credit) => {
          const code = await refusalOf(credit, someTerms({ name: 7 }))
          expect(code === 'taken' || (isErrorCode(code) && code.startsWith('payment.'))).toBe(true)
          await earns.take(credit).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(InfernetError))
          expect(await earns.countersign(credit, tallyOf(1))).toEqual(new Uint8Array())
          expect(() => till.heldBeside(someTerms(), credit)).not.toThrow()
        }),
        { numRuns: 60 },
      )
    })
  })

  describe('the purse', () => {
    it('hands out nothing beyond deposit, session or limit', async () => {
      const { pays } = await start()
      await expect(pays.pay(baseUnits(50_001n))).rejects.toMatchObject({ code: 'payment.session-spent' })
      chain.authorize(PAYER, sessionKey.address, 500_000n, realClock.now() + HOUR)
      await expect(pays.pay(baseUnits(100_001n))).rejects.toMatchObject({ code: 'payment.no-deposit' })
      const careful = await purseOver(payerStore, chain, { maxJobCost: 400n }).open(someTerms({ name: 2 }))
      await expect(careful.pay(baseUnits(401n))).rejects.toMatchObject({ code: 'payment.over-limit' })
      expect(await careful.pay(baseUnits(400n))).not.toHaveLength(0)
    })

    it('counts what all providers together may still claim, and learns what they claimed', async () => {
      chain.authorize(PAYER, sessionKey.address, 500_000n, realClock.now() + HOUR)
      const { pays, earns } = await start()
      // It is kept, though the provider serves no more on it before a claim.
      await expect(earns.take(await pays.pay(baseUnits(99_000n)))).rejects.toMatchObject({
        code: 'payment.credit-used',
      })
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(99_000n)
      const elsewhere = someTerms({ name: 2, quote: someQuote({ ...PAYMENT, operator: someAddress('0b') }) })
      const other = await purse.open(elsewhere)
      await expect(other.pay(baseUnits(1001n))).rejects.toMatchObject({ code: 'payment.no-deposit' })
      chain.claim(ledger.vouchers[0]!)
      await expect(other.pay(baseUnits(1001n))).rejects.toMatchObject({ code: 'payment.no-deposit' })
      chain.deposit(PAYER, 1n)
      expect(await other.pay(baseUnits(1001n))).not.toHaveLength(0)
    })

    it('pays nothing when it cannot put it on record', async () => {
      const { pays } = await start()
      payerStore.update = async () => {
        throw new Error('the disk is full')
      }
      await expect(pays.pay(due(1))).rejects.toMatchObject({ code: 'payment.no-record' })
      expect(pays.paid).toBe(0n)
    })

    it.each([
      ['payment.no-deposit', (c: FakeChain) => c.withdraw(PAYER)],
      ['payment.withdrawal-pending', (c: FakeChain) => c.requestWithdrawal(PAYER, epochMillis(1))],
      ['payment.expired-session', (c: FakeChain) => c.authorize(PAYER, sessionKey.address, 9n, 1)],
      ['payment.no-session', (c: FakeChain) => c.authorize(PAYER, sessionKey.address, 0n, 1)],
    ])('opens no job: %s', async (code, change) => {
      change(chain)
      await expect(purse.open(someTerms())).rejects.toMatchObject({ code })
    })

    it('catches up with what it signed and forgot, and believes nobody else', async () => {
      const forgetful = purseOver(new MemoryLedgerStore(), chain)
      const job = await forgetful.open(someTerms())
      const stranger = createChainSigner(new Uint8Array(32).fill(9))
      await job.catchUp(await creditOf({ cumulative: baseUnits(40_000n) }, stranger))
      await job.catchUp(await creditOf({ payer: someAddress('99'), cumulative: baseUnits(40_000n) }))
      await job.catchUp(Uint8Array.of(1, 2, 3))
      const low = await forgetful.open(someTerms())
      expect(read(low.opening)).toBe(0n)
      await job.catchUp(await creditOf({ cumulative: baseUnits(700n) }))
      expect(read((await forgetful.open(someTerms())).opening)).toBe(700n)
    })

    it('checks a quote: our chain and escrow, the peer’s own binding, and the price of a prompt', async () => {
      const peer = await makePeer()
      const terms = { chainId: ESCROW.chainId, stake: STAKE, operator: PAYMENT.operator }
      const bound = { ...PAYMENT, binding: await makeBinding(peer.key, terms) }
      await expect(purse.checkQuote(someQuote(bound), peer.name, 3)).resolves.toBeUndefined()
      const other = someAddress('77')
      const cases: [object, string][] = [
        [{ chainId: 1 }, 'payment.wrong-chain'],
        [{ escrow: other }, 'payment.wrong-chain'],
        [{ operator: other }, 'payment.wrong-payee'],
        [{ binding: new Uint8Array(64) }, 'payment.wrong-payee'],
      ]
      for (const [change, code] of cases)
        await expect(
          purse.checkQuote(someQuote({ ...bound, ...change }), peer.name, 3),
        ).rejects.toMatchObject({ code })
      await expect(purse.checkQuote(someQuote(bound), peer.name, 2_000_000)).rejects.toMatchObject({
        code: 'payment.over-limit',
      })
    })
  })

  const read = (credit: Uint8Array): bigint =>
    decodeCredit(credit, { operator: PAYMENT.operator, model: MODEL }).voucher.cumulative
  const tallyOf = (chunks: number) => ({
    promptTokens: tokens(3),
    outputTokens: tokens(32 * chunks),
    due: due(chunks),
    head: new Uint8Array(32).fill(5),
  })

  describe('the receipt', () => {
    const finish = async (theirs = tallyOf(1), ours = theirs): Promise<SignedReceipt | undefined> => {
      let given: SignedReceipt | undefined
      purse = purseOver(payerStore, chain, { onReceipt: (receipt) => (given = receipt) })
      const { pays, earns } = await start()
      await earns.take(await pays.pay(ours.due))
      earns.covers(theirs.due, 0)
      await pays.takeReceipt(await earns.countersign(await pays.receipt(ours), theirs))
      return given
    }

    it('bears both names when both count the same', async () => {
      const receipt = await finish()
      expect(receipt).toMatchObject({ receipt: { due: due(1), paid: due(1), outputTokens: 32 } })
      expect(receipt?.providerSignature).toBeDefined()
    })

    it('bears ours alone when the other side counts otherwise', async () => {
      const receipt = await finish({ ...tallyOf(1), outputTokens: tokens(31) }, tallyOf(1))
      expect(receipt?.providerSignature).toBeUndefined()
      expect(receipt).toMatchObject({ receipt: { outputTokens: 32 } })
      expect((await finish(tallyOf(2), tallyOf(1)))?.providerSignature).toBeUndefined()
    })

    it('is told to a till without the key, as of an extension’s wallet, with the payer’s name alone', async () => {
      const told: SignedReceipt[] = []
      const onReceipt = (receipt: SignedReceipt): number => told.push(receipt)
      ;({ till } = await tillOver(payeeStore, chain, { signer: undefined, onReceipt }))
      expect((await finish())?.providerSignature).toBeUndefined()
      expect(told).toMatchObject([{ receipt: { due: due(1), paid: due(1) }, providerSignature: undefined }])
      await finish({ ...tallyOf(1), outputTokens: tokens(31) }, tallyOf(1))
      expect(told, 'nor is one with other figures').toHaveLength(1)
    })
  })
})
