import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MadeModel } from '#shared/model-kit/families/make-family.ts'
import { RateCap } from '#shared/models/pieces/rate-cap.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { receivedBy } from '../fixtures/count-received.ts'
import {
  answerAlone,
  beginDownload,
  isOfGone,
  startSwarmTabs,
  untilHere,
  type SwarmTabs,
} from '../fixtures/swarm-tabs.ts'
import type { Tab } from '../pages/tab.ts'
import { makeLargeModel, SHORT_TEXTS } from '../storage/large-model.ts'
import { startOrigin } from '../storage/origin-server.ts'

const PIECE = 2 ** 20
/** What a tab and the origin give at most, so that neither is done before the other one began. */
const GIVES_MB = 10

describe('a model of 64 MB', () => {
  let made: MadeModel
  let tabs: SwarmTabs
  let first: Tab

  beforeAll(async () => {
    made = makeLargeModel(0, SHORT_TEXTS)
    tabs = await startSwarmTabs(made)
    first = await tabs.open('relay', GIVES_MB)
    await beginDownload(first.page)
    await untilHere(first.page)
  })
  afterAll(() => tabs[Symbol.asyncDispose]())

  it('comes wholly from another tab with every origin off', async () => {
    const tab = await tabs.open('nowhere', GIVES_MB)
    await beginDownload(tab.page)
    await untilHere(tab.page)
    const received = (await receivedBy(tab.page)).filter((bytes) => bytes > PIECE)
    expect(received).toHaveLength(1)
    expect(received[0]).toBeGreaterThan(totalOf(tabs))
    expect(tab.errors.filter((each) => !isOfGone(each))).toEqual([])
    await tab.close()
  })

  it('comes from a tab and an origin at once, goes on at 60 % where its page was closed, and answers', async () => {
    const cap = new RateCap(realClock, 0)
    await using origin = await startOrigin(made.files, { cap })
    const sent = (): number => origin.served.reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    const tab = await tabs.open({ at: origin.url }, GIVES_MB)
    const { page } = tab
    const profile = page.context()
    const came = async (): Promise<number> => Math.max(0, ...(await receivedBy(page)))
    await beginDownload(page)
    // Origins begin sooner than tabs are found: this one waits until both have something to do.
    await expect.poll(came, { timeout: 30_000, interval: 50 }).toBeGreaterThan(PIECE)
    cap.set(GIVES_MB * 1e6)
    await expect.poll(sent, { timeout: 30_000, interval: 50 }).toBeGreaterThan(2 * PIECE)
    const before = await came()
    const haveBothGiven = async (): Promise<boolean> =>
      sent() > 12 * PIECE && (await came()) > before + 4 * PIECE
    await expect.poll(haveBothGiven, { timeout: 30_000, interval: 50 }).toBe(true)
    const row = page.getByTestId('download')
    expect(await row.textContent()).toMatch(/ a second from 1 peer, .* a second from its origin\./)
    cap.set(0) // so that no slow test finds it done
    const total = totalOf(tabs)
    const here = async (): Promise<number> => Number(await row.getAttribute('data-here'))
    await expect.poll(here, { timeout: 30_000, interval: 50 }).toBeGreaterThan(0.6 * total)
    await page.close()
    const held = await tabs.heldBytes(profile)
    expect(held / total).toBeGreaterThan(0.6)
    expect(held / total).toBeLessThan(1)

    await tabs.setFiles(profile, 'nowhere')
    const again = await profile.newPage()
    await again.goto(first.page.url())
    await untilHere(again)
    const resumed = again.getByTestId('download')
    expect(Number(await resumed.getAttribute('data-kept'))).toBe(held)
    expect(Number(await resumed.getAttribute('data-here'))).toBe(total)
    const rest = Math.max(0, ...(await receivedBy(again)))
    expect(rest).toBeGreaterThan(total - held)
    expect(rest / (total - held), 'with what carries it').toBeLessThan(1.1)
    expect(await answerAlone({ ...tab, page: again })).toMatchObject({ stage: 'done', localFrom: 0 })
    await profile.close()
  })
})

function totalOf({ manifest }: SwarmTabs): number {
  return manifest.files.reduce((sum, { size }) => sum + size, 0)
}
