/** The tab's stores, bare, in a real browser: what a test asks of them. */
import * as v from 'valibot'
import { jobId, modelHash, peerName } from '#shared/base/ids.ts'
import { baseUnits, epochMillis, millis, tokens } from '#shared/base/units.ts'
import { entryOf } from '#shared/models/catalogue/testing/entries.ts'
import { decodeCredit } from '#shared/settle/credit-message.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { FakeChain } from '#shared/testing/fake-chain.ts'
import { ledgerStoreChecks } from '#shared/testing/ledger-store-checks.ts'
import {
  ESCROW,
  operatorKey,
  PAYER,
  purseOver,
  sessionKey,
  someTerms,
  tillOver,
} from '#shared/testing/payments.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { countingRandom } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { OpeningKeeper } from '#shared/verify/openings/opening-keeper.ts'
import { openingKey } from '#shared/verify/openings/opening-key.ts'
import type { KeptJob } from '#shared/verify/openings/opening-store.ts'
import { openRecords, type KeptRecords } from '../../../web/storage/kept-records.ts'
import { openMoneyStore } from '../../../web/storage/money.ts'
import { openOwnModels } from '../../../web/storage/own-models.ts'
import { openOpenings } from '../../../web/storage/openings.ts'
import { openProviderRecord } from '../../../web/storage/provider-record.ts'
import { openTranscripts } from '../../../web/storage/transcripts.ts'
import { openMeasures } from '../../../web/storage/engine-measures.ts'
import { KnownProviders } from '../../../web/state/shell/known-providers.ts'

/** One whose chunks are not looked at: only its size counts here. */
function bulkyTranscript(bytes: number): Transcript {
  const none = new Uint8Array(32)
  const chunk = { body: new Uint8Array(8000), signature: new Uint8Array(64) }
  return {
    jobId: jobId('00'.repeat(16)),
    provider: peerName('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK'),
    hashes: { quote: none, question: none, credit: none, accepted: none },
    shown: {},
    chunks: Array.from({ length: Math.ceil(bytes / 8000) }, () => chunk),
    receipt: { consumer: none, provider: none },
  }
}

/** What a block costs by the prices of `someTerms`, and a prompt that is paid before it is read. */
const CHUNK = 320n
const PROMPT = 300n
const MODEL = modelHash('c3'.repeat(32))

export interface Finding {
  readonly at: number
  readonly name: string
}
const findings = v.object({ at: v.number(), name: v.string() })

/** The record of this tab. */
let providers: KnownProviders | undefined
const SERVED = peerName('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK')

export const storageRoom = {
  async openProviders(): Promise<void> {
    const stakes = { of: () => undefined, said: async () => undefined }
    providers = await KnownProviders.open({ clock: realClock, store: openProviderRecord(), stakes })
  },
  /** Notes so many jobs of one provider, and keeps the record after each. */
  async serve(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const timing = { observedMs: millis(100), predictedMs: millis(100) }
      providers?.record.of('text-generation').ended(SERVED, 'served', timing)
      await providers?.keep()
    }
  },
  served(): number {
    const reasons = providers?.record.explain(SERVED) ?? []
    return Number(reasons.find(({ code }) => code === 'served')?.facts['served'] ?? 0)
  },
  openMoneyStore,
  openMeasures,

  /** Keeps proofs of these many bytes one day after the other, and gives those that are left at the end. */
  async keepTranscripts(bytes: readonly number[], days = 1): Promise<readonly number[]> {
    const clock = new FakeClock()
    const store = openTranscripts(clock, `transcripts-${bytes.join('-')}-${days}`)
    for (const [i, size] of bytes.entries()) {
      await store.keep(`answer ${i}`, [bulkyTranscript(size)], { isContinued: false })
      await clock.advance(days * 86_400_000)
    }
    const kept = await Promise.all(bytes.map((_, i) => store.read(`answer ${i}`, { withPrompt: true })))
    return kept.flatMap((file, i) => (file ? [i] : []))
  },
  /**
   * Has a keeper keep so many jobs of ten tokens, reloads it from its database with room for some, and gives the numbers
   * of the jobs that it can still open, in order. A record that is none lies among them.
   */
  async keepOpenings(database: string, count: number, maxJobs: number): Promise<readonly number[]> {
    const clock = new FakeClock()
    const components = () => ({ clock, random: countingRandom(), store: openOpenings(database) })
    const question = Uint8Array.of(4, 2)
    const linkOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)
    const before = new OpeningKeeper(components())
    for (let number = 1; number <= count; number++) {
      const sketches = Uint16Array.from({ length: 160 }, (_, i) => i + number)
      const job = { jobId: jobId('0a'.repeat(16)), link: linkOf(number), question, from: 0, sketches }
      before.keep({ ...job, secret: before.secret() })
      await clock.advance(1000)
    }
    const kept = async (): Promise<number> => (await openOpenings(database).load()).length
    while ((await kept()) < count) await new Promise((resolve) => setTimeout(resolve, 10))
    await openOpenings(database).put({ link: 'no link', keptAt: clock.now() } as KeptJob)
    const keeper = new OpeningKeeper(components(), { maxJobs })
    const isOpened = async (number: number): Promise<boolean> =>
      keeper
        .open({ link: linkOf(number), key: openingKey(question), positions: [3] })
        .then(([opening]) => opening?.leaves[0]?.sketch[0] === 48 + number)
        .catch(() => false)
    const numbers: number[] = []
    for (let number = 1; number <= count; number++) if (await isOpened(number)) numbers.push(number)
    return numbers
  },
  /** What is left of the visitor's own models after one pinned, one damaged and so many more were put in. */
  async keepOwnModels(database: string, count: number): Promise<readonly string[]> {
    const models = openOwnModels(database)
    const put = (id: string, at: number, isPinned = false): Promise<void> =>
      models.put({ entry: entryOf({ id }), isPinned, at: epochMillis(at) })
    await put('pinned', 1, true)
    await models.put({ entry: entryOf({ id: 'damaged', name: '' }), isPinned: true, at: epochMillis(2) })
    for (let i = 0; i < count; i++) await put(`m${i}`, 3 + i)
    await put('m0', 1000)
    await models.remove('m1')
    return (await openOwnModels(database).list()).map(
      ({ entry, isPinned }) => `${entry.id} ${String(isPinned)}`,
    )
  },
  openFindings: (database: string, store = 'findings'): KeptRecords<Finding> =>
    openRecords({ database, store }, findings),

  /** What was broken of each promise; empty where it was kept. */
  async complies(): Promise<Readonly<Record<string, string>>> {
    const broken: Record<string, string> = {}
    let count = 0
    for (const [promise, check] of Object.entries(ledgerStoreChecks)) {
      const make = () => openMoneyStore(`complies-${count++}`).ledger
      broken[promise] = await check(make).then(() => '', String)
    }
    return broken
  },

  /** Adds one to a counter of four bytes, so many times, without waiting in between. */
  async count(database: string, times: number): Promise<void> {
    const { ledger } = openMoneyStore(database)
    await Promise.all(
      Array.from({ length: times }, () =>
        ledger.update('count', (present) => {
          const next = new DataView(new ArrayBuffer(4))
          next.setUint32(0, counted(present) + 1)
          return new Uint8Array(next.buffer)
        }),
      ),
    )
  },
  async counted(database: string): Promise<number> {
    return counted(await openMoneyStore(database).ledger.get('count'))
  },

  /** Writes a value of half a megabyte, all of it one byte, which grows by one with each step. */
  async fill(database: string): Promise<void> {
    const { ledger } = openMoneyStore(database)
    for (let step = (await filledWith(database)) + 1; ; step++) {
      await window.storageStep('fill', String(step - 1))
      await ledger.update('block', () => new Uint8Array(1 << 19).fill(step))
    }
  },
  /** The byte it is filled with; throws when it is torn. */
  filledWith,

  /** An answer of many blocks, each paid and taken: payer and payee in one tab, each with its records. */
  async pay(database: string): Promise<void> {
    const chain = new FakeChain()
    chain.deposit(PAYER, 10_000_000n)
    chain.authorize(PAYER, sessionKey.address, 10_000_000n, realClock.now() + 3_600_000)
    const { payer, payee } = storesOf(database)
    const terms = someTerms({ prefillTokens: tokens(Number(PROMPT)), maxTokens: 3200 })
    const amountOf = (credit: Uint8Array): string =>
      String(decodeCredit(credit, { operator: operatorKey.address, model: MODEL }).voucher.cumulative)
    const { till } = await tillOver(payee, chain)
    const pays = await purseOver(payer, chain).open(terms)
    const earns = await till.open(terms, pays.opening)
    let held = amountOf(pays.opening)
    for (let chunk = 1n; ; chunk++) {
      await window.storageStep('pay', held)
      const credit = await pays.pay(baseUnits(PROMPT + CHUNK * chunk))
      await earns.take(credit)
      held = amountOf(credit)
    }
  },
  /** What payer and payee have on record. */
  async paid(database: string): Promise<{ readonly signed: string; readonly held: string }> {
    const { payer, payee } = storesOf(database)
    const [line] = await new PayerLedger(payer, ESCROW, PAYER).lines(0)
    const { ledger } = await tillOver(payee, new FakeChain())
    return { signed: String(line?.cumulative ?? 0n), held: String(ledger.unclaimedOf(PAYER, 0)) }
  },
}

async function filledWith(database: string): Promise<number> {
  const block = await openMoneyStore(database).ledger.get('block')
  const [first = 0] = block ?? []
  if (block && (block.length !== 1 << 19 || block.some((byte) => byte !== first)))
    throw new Error('the record is torn')
  return first
}

function counted(present: Uint8Array | undefined): number {
  return present ? new DataView(present.buffer, present.byteOffset).getUint32(0) : 0
}

function storesOf(database: string) {
  return {
    payer: openMoneyStore(`${database}-payer`).ledger,
    payee: openMoneyStore(`${database}-payee`).ledger,
  }
}
