import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { manifestBytes } from '#shared/models/manifest.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { fastClock, GATED, PLAIN, startHubTrial, type Attempt, type HubTrial } from './hub-trial.ts'
import { MEMBER_TOKEN, startLocalHub, type LocalHub } from './local-hub.ts'

let trial: HubTrial
let hub: LocalHub
beforeAll(async () => {
  trial = await startHubTrial()
  hub = trial.hub
})
afterAll(() => trial.stop())
afterEach(() => trial.reset())
const add = (attempt?: Attempt) => trial.add(attempt)
const words = (attempt: Attempt) => trial.words(attempt)
const emptyFolder = () => trial.emptyFolder()

describe('a hub that fails', () => {
  it('is read on where it broke off', async () => {
    const { hash, manifest } = await add()
    hub.set({ truncates: 1 })
    expect((await add()).hash).toBe(hash)
    expect(hub.sentBytes).toBe(manifestBytes(manifest))
  })

  it('is read on from the beginning where it has no ranges', async () => {
    const { hash } = await add()
    hub.set({ truncates: 1, ignoresRanges: true })
    expect((await add()).hash).toBe(hash)
  })

  it.each([
    ['the seconds it says', { 'retry-after': '7' }, 7000],
    ['until the time it says', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }, 60_000],
    ['until the end of its window', { ratelimit: '"resolvers";r=0;t=55' }, 55_000],
    ['a while where it says nothing', {}, 5000],
  ])('is waited for, %s', async (_, headers, waitMs) => {
    const waits: number[] = []
    hub.set({ busy: { times: 1, headers } })
    await add({ dtype: 'q4', clock: fastClock(waits) })
    const longest = Math.max(...waits)
    expect(longest).toBeGreaterThan(waitMs / 2)
    expect(longest).toBeLessThanOrEqual(waitMs)
  })

  const TRY = 'Nothing wrong was kept. Try again later, or use another source.'
  it.each<[string, Parameters<LocalHub['set']>[0], string]>([
    [
      'sends round in a circle',
      { circle: true },
      `The source cannot be used: it sends requests round in a circle. ${TRY}`,
    ],
    [
      'sends on for ever',
      { chain: true },
      `The source cannot be used: it sends requests on more than 5 times. ${TRY}`,
    ],
    [
      'changes a file between two ranges',
      { changes: true, truncates: 1 },
      'The source changed the file onnx/model.onnx while it was being loaded. Nothing wrong was kept. Start again.',
    ],
    [
      'ends in the middle again and again',
      { truncates: 1e9 },
      'The file onnx/model.onnx ended after SOME of SIZE bytes. Load the model again.',
    ],
    [
      'sends a page for the card',
      { page: 'listing' },
      `The source cannot be used: it sends a web page in place of its card. ${TRY}`,
    ],
    [
      'sends a page for a file',
      { page: 'file' },
      `The source cannot be used: it sends a web page in place of config.json. ${TRY}`,
    ],
    [
      'lists a hash of other bytes',
      { wrongHash: true },
      `The source sent other bytes for the file onnx/model.onnx than it lists. ${TRY}`,
    ],
    [
      'lists another size',
      { wrongSize: true },
      `The source sent other bytes for the file onnx/model.onnx than it lists. ${TRY}`,
    ],
    [
      'sends other small files',
      { otherSmallFiles: true },
      `The source sent other bytes for the file config.json than it lists. ${TRY}`,
    ],
    [
      'is busy for long',
      { busy: { times: 1e9, headers: { 'retry-after': '900' } } },
      'The source takes no more requests from here for 900 seconds. Try again after that. What has come is kept.',
    ],
    [
      'is busy again and again',
      { busy: { times: 1e9, headers: {} } },
      'The source takes no more requests from here for 160 seconds. Try again after that. What has come is kept.',
    ],
    [
      'says nothing',
      { silent: 'listing' },
      'The source sent nothing for 30 seconds. Check the connection, then try again. What has come is kept.',
    ],
    [
      'falls silent in a file',
      { silent: 'file' },
      'The source sent nothing for 30 seconds. Check the connection, then try again. What has come is kept.',
    ],
    [
      'lists too much',
      { moreFiles: 10_000 },
      `The source cannot be used: it lists more than 10000 files. ${TRY}`,
    ],
    [
      'lists on too many pages',
      { pageFiles: 1, moreFiles: 30 },
      `The source cannot be used: it lists files on more than 20 pages. ${TRY}`,
    ],
    [
      'has an error of its own',
      { status: 500 },
      'The file config.json could not be loaded (500). Check that its source has it and can be reached.',
    ],
  ])('%s: in its own words', async (_, faults, said) => {
    hub.set(faults)
    const line = await words({ clock: fastClock([], 'silent' in faults), folder: await emptyFolder() })
    expect(line.replace(/after \d+ of \d+ bytes/, 'after SOME of SIZE bytes')).toBe(said)
  })

  it('that is gone is named', async () => {
    const gone = await startLocalHub([])
    await gone.stop()
    const origin = createHubOrigin({ fetch, clock: realClock }, gone.url)
    await expect(origin.list({ repository: PLAIN })).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { status: 'no answer' },
    })
  })

  it('gets no token to its storage', async () => {
    await add({ repository: GATED, dtype: 'q4', token: MEMBER_TOKEN })
    expect(hub.tokensAtStorage).toBe(0)
  })
})
