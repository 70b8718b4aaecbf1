import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import { ledgerStoreChecks } from '#shared/testing/ledger-store-checks.ts'
import { servePage } from '../engine/serve-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import type {} from './page/main.ts'

const SOURCE = fileURLToPath(new URL('./page', import.meta.url))
/** What the page pays for a block. */
const CHUNK = 320n
const UPDATES = 100

/** How a tab goes away: by its cross, or with everything in it. */
const CLOSINGS = {
  'is closed': (page: Page) => page.close(),
  async crashes(page: Page) {
    const crashed = page.waitForEvent('crash')
    const session = await page.context().newCDPSession(page)
    session.send('Page.crash').catch(() => undefined) // nobody is left to answer
    await crashed
    await page.close()
  },
}

describe('what a tab keeps', () => {
  const cleanUp = new AsyncDisposableStack()
  let url: string
  let context: BrowserContext
  /** A tab that stays, and looks at what the others leave. */
  let page: Page
  /** What a tab says of where it stands; it waits for the answer. */
  let onStep: (of: 'fill' | 'pay', at: string) => Promise<void> = async () => undefined

  beforeAll(async () => {
    url = cleanUp.use(await servePage({ source: SOURCE, models: {} })).url
    const browser = await launchBrowser({ hasGpu: false })
    cleanUp.defer(() => browser.close())
    context = await browser.newContext()
    await context.exposeFunction('storageStep', (of: 'fill' | 'pay', at: string) => onStep(of, at))
    page = await open()
  })
  afterAll(() => cleanUp.disposeAsync())

  async function open(): Promise<Page> {
    const opened = await context.newPage()
    await opened.goto(url)
    await opened.waitForFunction(() => 'storageRoom' in window)
    return opened
  }

  it('of what it committed to can be opened after a reload, the newest within its bound', async () => {
    const keep = (count: number, most: number) =>
      page.evaluate(([database, jobs, max]) => window.storageRoom.keepOpenings(database, jobs, max), [
        `openings-${count}`,
        count,
        most,
      ] as const)
    expect(await keep(3, 10)).toEqual([1, 2, 3])
    expect(await keep(5, 2)).toEqual([4, 5])
  })

  it('of proofs stays within its bytes and its age, the newest first', async () => {
    const mib = 1024 * 1024
    const keep = (bytes: readonly number[], days?: number) =>
      page.evaluate(([sizes, gap]) => window.storageRoom.keepTranscripts(sizes, gap), [bytes, days] as const)
    expect(await keep([1000, 1000, 1000])).toEqual([0, 1, 2])
    expect(await keep([7 * mib, 7 * mib, 7 * mib])).toEqual([1, 2])
    expect(await keep([1000, 1000, 1000], 20)).toEqual([2])
  })

  it('of money keeps every promise that a store of payments makes', async () => {
    const broken = await page.evaluate(() => window.storageRoom.complies())
    expect(broken).toEqual(Object.fromEntries(Object.keys(ledgerStoreChecks).map((name) => [name, ''])))
  })

  it('of money loses no update of two tabs at once', async () => {
    const tabs = [page, await open()]
    const count = (tab: Page): Promise<void> =>
      tab.evaluate((times) => window.storageRoom.count('two-tabs', times), UPDATES)
    await Promise.all(tabs.map(count))
    for (const tab of tabs)
      expect(await tab.evaluate(() => window.storageRoom.counted('two-tabs'))).toBe(2 * UPDATES)
    await tabs[1]?.close()
  })

  it('of providers is what two tabs saw at once, each job once, and each tab learns of the other', async () => {
    const tabs = [await open(), await open()]
    for (const tab of tabs) await tab.evaluate(() => window.storageRoom.openProviders())
    await Promise.all(tabs.map((tab) => tab.evaluate((times) => window.storageRoom.serve(times), UPDATES)))
    const served = (tab: Page): Promise<number> => tab.evaluate(() => window.storageRoom.served())
    for (const tab of tabs) await expect.poll(() => served(tab)).toBe(2 * UPDATES)
    const later = await open()
    await later.evaluate(() => window.storageRoom.openProviders())
    expect(await served(later)).toBe(2 * UPDATES)
    for (const tab of [...tabs, later]) await tab.close()
  })

  describe.each([
    ['is closed', 0],
    ['is closed', 4],
    ['crashes', 1],
  ] as const)('of money, when the tab %s %i ms after its last word,', (how, after) => {
    const last = { fill: '', pay: '' }
    const signedBefore = { amount: 0n }

    beforeAll(async () => {
      const tab = await open()
      signedBefore.amount = BigInt((await page.evaluate(() => window.storageRoom.paid('paying'))).signed)
      const steps = { fill: 0, pay: 0 }
      const { promise: bothBegun, resolve } = Promise.withResolvers<void>()
      onStep = async (of, at) => {
        if (++steps[of] > 2) return new Promise(() => undefined) // it gets no further than one step
        last[of] = at
        if (Math.min(steps.fill, steps.pay) === 2) resolve()
      }
      // The tab goes away beneath them.
      tab.evaluate(() => window.storageRoom.fill('filled')).catch(() => undefined)
      tab.evaluate(() => window.storageRoom.pay('paying')).catch(() => undefined)
      await bothBegun
      await new Promise((later) => setTimeout(later, after))
      await CLOSINGS[how](tab)
    })

    it('a record is the old one or the new one, whole', async () => {
      const found = await page.evaluate(() => window.storageRoom.filledWith('filled'))
      expect([Number(last.fill), Number(last.fill) + 1]).toContain(found)
    })

    it('what is on record is what was handed out, or one block more, and never less', async () => {
      const handedOut = BigInt(last.pay)
      expect(handedOut, 'no voucher is below one before').toBeGreaterThan(signedBefore.amount)
      const { signed, held } = await page.evaluate(() => window.storageRoom.paid('paying'))
      expect([handedOut, handedOut + CHUNK]).toContain(BigInt(held))
      expect(BigInt(signed)).toBeGreaterThanOrEqual(BigInt(held))
      expect(BigInt(signed)).toBeLessThanOrEqual(handedOut + CHUNK)
    })
  })

  it('of findings is given back, replaced, and the oldest goes when there are more than fifty', async () => {
    const names = await page.evaluate(async () => {
      const records = window.storageRoom.openFindings('findings')
      await records.write('first', { at: 2, name: 'first' })
      for (let i = 0; i < 50; i++) await records.write(`later-${i}`, { at: 3, name: 'later' })
      await records.write('oldest', { at: 1, name: 'oldest' })
      await records.write('later-0', { at: 4, name: 'replaced' })
      const again = window.storageRoom.openFindings('findings')
      const read = async (key: string): Promise<string | undefined> => (await again.read(key))?.name
      return Promise.all(['first', 'oldest', 'later-0', 'later-49', 'never'].map(read))
    })
    expect(names).toEqual([undefined, undefined, 'replaced', 'later', undefined])
  })

  it('of the visitor’s own models keeps what is pinned, what is newest, and gives back only what can be read', async () => {
    const few = await page.evaluate(() => window.storageRoom.keepOwnModels('few', 3))
    expect(few).toEqual(['pinned true', 'm2 false', 'm0 false'])
    const many = await page.evaluate(() => window.storageRoom.keepOwnModels('many', 110))
    // A hundred are kept, the pinned and the damaged one among them; `m1` went before it could be removed.
    expect(many).toHaveLength(99)
    expect([many[0], many[1], many.at(-1)]).toEqual(['pinned true', 'm13 false', 'm0 false'])
  })

  it('of findings is nothing where the browser opens no database, and nobody is disturbed', async () => {
    const found = await page.evaluate(async () => {
      // A newer page has been here: to this one the database is shut.
      const newer = indexedDB.open('shut', 2)
      await new Promise((resolve) => (newer.onsuccess = resolve))
      newer.result.close()
      const records = window.storageRoom.openFindings('shut')
      await records.write('a', { at: 1, name: 'a' })
      const kept = await records.read('a')
      const money = window.storageRoom.openMoneyStore('shut').ledger
      return {
        kept,
        money: await money.get('a').then(
          () => 'given',
          () => 'refused',
        ),
      }
    })
    expect(found, 'but money is never taken for kept').toEqual({ kept: undefined, money: 'refused' })
  })

  it('of proofs is what was proved, and nothing that no start can have found', async () => {
    const proof = {
      ...{ rows: 8, gain: 1.5, prefillTokensPerSecond: 10, decodeTokensPerSecond: 20 },
      at: epochMillis(7),
    }
    const wrong = [{ ...proof, rows: 65 }, { ...proof, rows: 0 }, { ...proof, gain: -1 }, { at: 7 }]
    const read = await page.evaluate(
      async ([right, others]) => {
        const proofs = window.storageRoom.openMeasures()
        await proofs.write('right', right)
        // Whatever an older page, or a bug, has left there.
        for (const [i, each] of others.entries()) await proofs.write(`wrong-${i}`, each as typeof right)
        const keys = ['right', ...others.keys().map((i) => `wrong-${i}`), 'none']
        return Promise.all(keys.map((key) => proofs.read(key)))
      },
      [proof, wrong] as const,
    )
    expect(read[0]).toEqual(proof)
    expect(read.slice(1)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })
})
