import { expect, it } from 'vitest'
import {
  answerAlone,
  beginDownload,
  isOfGone,
  receivedBy,
  startSwarmTabs,
  untilHere,
} from '../fixtures/swarm-tabs.ts'

const PIECE = 2 ** 20
/** Of each tab that gives, so that no one is done before another one was found. */
const GIVES_MB = 8

it('a model of 64 MB comes to a third tab from two others at once, with every origin off', async () => {
  await using tabs = await startSwarmTabs()
  const first = await tabs.open('relay', GIVES_MB)
  await beginDownload(first.page)
  await untilHere(first.page)
  for (const givers of [1, 2]) {
    const tab = await tabs.open('nowhere', GIVES_MB)
    await beginDownload(tab.page)
    await untilHere(tab.page)
    expect((await receivedBy(tab.page)).filter((bytes) => bytes > PIECE)).toHaveLength(givers)
    expect(await answerAlone(tab)).toMatchObject({ stage: 'done', localFrom: 0 })
    expect(tab.errors.filter((each) => !isOfGone(each))).toEqual([])
  }
})
