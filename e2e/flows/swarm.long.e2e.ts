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
/** Of each tab that gives, so that no one is done before another one was found. */
const GIVES_MB = 4

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

  it('comes from a fast tab while its slow origin rests, which the page says', async () => {
    const cap = new RateCap(realClock, (GIVES_MB * 1e6) / 8)
    await using origin = await startOrigin(made.files, { cap })
    const sent = (): number => origin.served.reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    const tab = await tabs.open({ at: origin.url }, GIVES_MB)
    await beginDownload(tab.page)
    const row = tab.page.getByTestId('download')
    await row.getByText('Its origin rests, since peers are much faster.').waitFor({ timeout: 30_000 })
    const before = sent()
    await untilHere(tab.page)
    expect(sent()).toBe(before)
    await tab.close()
  })

  it('comes to a third tab from two others at once with every origin off, and answers in both', async () => {
    for (const givers of [1, 2]) {
      const tab = await tabs.open('nowhere', GIVES_MB)
      await beginDownload(tab.page)
      await untilHere(tab.page)
      expect((await receivedBy(tab.page)).filter((bytes) => bytes > PIECE)).toHaveLength(givers)
      expect(await answerAlone(tab)).toMatchObject({ stage: 'done', localFrom: 0 })
      expect(tab.errors.filter((each) => !isOfGone(each))).toEqual([])
    }
  })
})
