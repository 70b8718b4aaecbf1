import { expect, it } from 'vitest'
import { baseUnits, tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { RECEIPT_DEADLINE_MS } from './constants.ts'
import type { OutgoingCredit } from './credit.ts'
import { JobPayment, type ReceiptWire } from './job-payment.ts'
import type { ProviderFrame } from './messages.ts'

const OURS = Uint8Array.of(1)
const THEIRS = Uint8Array.of(2)
const NONE = new Uint8Array()
const tally = { promptTokens: tokens(3), outputTokens: tokens(4), due: baseUnits(5n), head: NONE }

/** Credit that notes which receipt it was given. */
function creditWith(change: Partial<OutgoingCredit> = {}) {
  const taken: Uint8Array[] = []
  const credit: OutgoingCredit = {
    ...{ opening: OURS, paid: baseUnits(5n), hasLearned: false },
    pay: async () => OURS,
    catchUp: async () => undefined,
    receipt: async () => OURS,
    takeReceipt: async (receipt) => void taken.push(receipt),
    notAccepted: () => undefined,
    ...change,
  }
  return { credit, taken }
}

function wireThat(next: ReceiptWire['next']) {
  const sent: Uint8Array[] = []
  return { sent, wire: { send: async (receipt: Uint8Array) => void sent.push(receipt), next } }
}

it('pays nothing and says nothing for a job without credit', async () => {
  const payment = new JobPayment(new FakeClock(), undefined)
  const { sent, wire } = wireThat(() => Promise.reject(new Error('asked')))
  await payment.exchangeReceipts(tally, wire)
  expect([await payment.pay(baseUnits(5n)), payment.opening, payment.paid, sent]).toEqual([
    ...[undefined, undefined, 0n, []],
  ])
})

it('names why it could not pay, and keeps it', async () => {
  const pay = (): Promise<never> => Promise.reject(new Error('the disk is full'))
  const payment = new JobPayment(new FakeClock(), creditWith({ pay }).credit)
  await expect(payment.pay(baseUnits(5n))).rejects.toMatchObject({ code: 'payment.no-record' })
  expect(payment.failure?.code).toBe('payment.no-record')
})

it('holds both words when the provider gave its own', async () => {
  const { credit, taken } = creditWith()
  const payment = new JobPayment(new FakeClock(), credit)
  const { sent, wire } = wireThat(async () => ({ type: 'receipt', receipt: THEIRS }))
  await payment.exchangeReceipts(tally, wire)
  expect([payment.receipt, sent, taken]).toEqual([{ consumer: OURS, provider: THEIRS }, [OURS], [THEIRS]])
})

it.each<[string, ReceiptWire['next']]>([
  ['fails', () => Promise.reject(new InfernetError('wire.closed'))],
  ['says something else', async () => ({ type: 'failed' }) as ProviderFrame],
  ['says nothing', () => new Promise(() => undefined)],
])('keeps our word alone when the provider %s', async (_, next) => {
  const { credit, taken } = creditWith()
  const clock = new FakeClock()
  const payment = new JobPayment(clock, credit)
  const over = payment.exchangeReceipts(tally, wireThat(next).wire)
  await clock.advance(RECEIPT_DEADLINE_MS)
  await over
  expect([payment.receipt, taken]).toEqual([{ consumer: OURS, provider: NONE }, []])
})
