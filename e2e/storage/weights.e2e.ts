import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MadeModel } from '#shared/model-kit/families/make-family.ts'
import { hashManifest, manifestBytes, PIECE_BYTES, type Manifest } from '#shared/models/manifest.ts'
import { pieceStoreChecks } from '#shared/testing/piece-store-checks.ts'
import { servePage } from '../engine/serve-page.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { makeLargeModel } from './large-model.ts'
import { startOrigin, type OriginServer } from './origin-server.ts'
import type {} from './page/main.ts'

const SOURCE = fileURLToPath(new URL('./page', import.meta.url))

describe('the model files of a tab', () => {
  const cleanUp = new AsyncDisposableStack()
  let url: string
  let context: BrowserContext
  /** A tab that stays, and looks at what the others leave. */
  let page: Page
  let made: MadeModel
  let manifest: Manifest
  let origin: OriginServer
  /** The largest file. */
  let weightsBytes: number

  beforeAll(async () => {
    made = makeLargeModel()
    ;({ manifest } = made)
    weightsBytes = Math.max(...manifest.files.map(({ size }) => size))
    origin = cleanUp.use(await startOrigin(made.files))
    url = cleanUp.use(await servePage({ source: SOURCE, models: {} })).url
    const browser = await launchBrowser({ hasGpu: false })
    cleanUp.defer(() => browser.close())
    context = await browser.newContext()
    page = await open()
  })
  afterAll(() => cleanUp.disposeAsync())

  async function open(): Promise<Page> {
    const opened = await context.newPage()
    await opened.goto(url)
    await opened.waitForFunction(() => 'weightsRoom' in window)
    return opened
  }
  const bring = (tab: Page, from = origin.url): Promise<string> =>
    tab.evaluate(([what, where]) => window.weightsRoom.bring(what, where), [manifest, from] as const)
  const heldBytes = (): Promise<number> =>
    page.evaluate((what) => window.weightsRoom.heldBytes(what), manifest)
  const remove = (of = manifest): Promise<string> =>
    page.evaluate((what) => window.weightsRoom.remove(what), of)

  it('keep every promise that a store of pieces makes', async () => {
    const broken = await page.evaluate(() => window.weightsRoom.complies())
    expect(broken).toEqual(Object.fromEntries(Object.keys(pieceStoreChecks).map((name) => [name, ''])))
  })

  it('come in one download for two tabs, go on in one when the other is gone at 60 %, and then from nowhere', async () => {
    origin.stallAt = Math.floor(0.6 * weightsBytes)
    const [one, other] = [await open(), await open()]
    // It is closed beneath it.
    bring(one).catch(() => undefined)
    const kept = Math.floor(origin.stallAt / PIECE_BYTES) * PIECE_BYTES
    await expect.poll(heldBytes, { timeout: 60_000 }).toBeGreaterThanOrEqual(kept)
    const waiting = bring(other)
    const before = await heldBytes()
    origin.stallAt = Infinity
    const sofar = origin.served.length
    const session = await context.newCDPSession(one)
    session.send('Page.crash').catch(() => undefined) // nobody is left to answer
    expect(await waiting).toBe('')
    expect(await heldBytes()).toBe(manifestBytes(manifest))
    const fetched = origin.served.slice(sofar).reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    expect(fetched, 'what was here did not come again').toBe(manifestBytes(manifest) - before)
    const asked = origin.served.length
    expect(await bring(await open())).toBe('')
    expect(origin.served.length).toBe(asked)
    const [record] = await page.evaluate(() => window.weightsRoom.kept())
    expect(record).toMatchObject({ model: hashManifest(manifest), isPinned: false })
    expect(record?.hits).toBeCloseTo(2, 2)
    expect(record?.refetchSeconds).toBeGreaterThan(0)
    expect(await page.evaluate((what) => window.weightsRoom.countWrong(what), manifest)).toBe(0)
    await one.close()
  })

  it('start an engine with no more of JavaScript’s memory than ORT must be given', async () => {
    const tab = await open()
    const loaded = await tab.evaluate((what) => window.weightsRoom.load(what), manifest)
    expect(loaded).toMatchObject({ kept: true, largest: weightsBytes })
    expect(loaded.tokens.length).toBeGreaterThan(0)
    // All that was made while it loaded, given back or not: no moment had more.
    expect(loaded.bytes / weightsBytes).toBeLessThanOrEqual(1.2)
    await tab.close()
  })

  it('are not deleted by one tab while another uses them', async () => {
    const user = await open()
    expect(await bring(user)).toBe('')
    for (const tab of context.pages()) if (tab !== user && tab !== page) await tab.close()
    expect(await remove()).toBe('models.in-use')
    expect(await heldBytes()).toBe(manifestBytes(manifest))
    await user.close()
    await expect.poll(() => remove(), { timeout: 20_000 }).toBe('')
    expect(await heldBytes()).toBe(0)
  })

  it('are taken over from a page that kept beginnings of files', async () => {
    const config = manifest.files.find(({ path }) => path === 'tokenizer.json')
    if (!config) throw new Error('no tokenizer')
    const bytes = [...(await made.files.read(config.path))]
    await page.evaluate(([name, part]) => window.weightsRoom.leaveBeginning(name, part, 1), [
      config.sha256,
      bytes,
    ] as const)
    expect(await heldBytes()).toBe(config.size)
    expect(await remove()).toBe('')
  })
})
