import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '#shared/models/manifest.ts'
import { lengthOfPiece } from '#shared/models/store/kept-file.ts'
import { newestRecord } from '#shared/models/store/map-record.ts'
import { addFromHub } from '../fixtures/add-from-hub.ts'
import { openTab } from '../fixtures/browser.ts'
import { startNetwork, type TestNetwork } from '../fixtures/lending-network.ts'
import { AskPage } from '../pages/ask-page.ts'
import type { Tab } from '../pages/tab.ts'
import { largeFamily } from '../storage/large-model.ts'

const REPOSITORY = 'some-lab/Large-Phi'
/** Of each tab that gives, so that no one is done before another one was found. */
const GIVES_MB = '8'
const PIECE = 2 ** 20

/** Bytes of messages that came over each connection to another tab. */
interface Counted {
  received(): number[]
}

describe('a model of 64 MB', () => {
  let network: TestNetwork
  let hash: string
  let first: Tab

  beforeAll(async () => {
    network = await startNetwork({ args: ['--seed-provider', 'off', '--seed-rate', '0'] })
    hash = await addFromHub(network.relay, REPOSITORY, largeFamily())
    first = await open()
    await download(first)
  })
  afterAll(() => network[Symbol.asyncDispose]())

  const open = (isCutOff = false): Promise<Tab> =>
    openTab(network.browser, new URL('/models', network.relay.url).href, {
      settings: { 'infernet.models.upload-rate': GIVES_MB, 'infernet.ask.model': hash },
      prepare: async (profile) => {
        await profile.addInitScript(countReceived)
        // Every origin of its files is off, the manifest's and the tokenizer's too.
        if (isCutOff) await profile.route(isOfModel, (route) => route.fulfill({ status: 404 }))
      },
    })

  it('comes wholly from another tab with every origin off, to a third from both at once, and answers there', async () => {
    const tabs = [first]
    for (const givers of [1, 2]) {
      const tab = await open(true)
      await download(tab)
      const received = (await receivedBy(tab.page)).filter((bytes) => bytes > PIECE)
      expect(received).toHaveLength(givers)
      tabs.push(tab)
    }
    for (const tab of tabs) await answer(tab)
    for (const { errors } of tabs) expect(errors.filter((each) => !isOfGone(each))).toEqual([])
    for (const tab of tabs.slice(1)) await tab.close()
  })

  it('goes on at 60 % where its page was closed, and what was here does not come again', async () => {
    const tab = await open(true)
    const row = tab.page.getByTestId('download')
    await want(tab.page)
    await expect.poll(() => tab.page.getByTestId('download').getAttribute('data-stage')).toBe('running')
    const total = Number(await row.getAttribute('data-total'))
    await expect
      .poll(async () => Number(await row.getAttribute('data-here')), { timeout: 30_000, interval: 50 })
      .toBeGreaterThan(0.6 * total)
    const context = tab.page.context()
    await tab.page.close()
    const before = await heldBytes(context, network)
    expect(before / total).toBeGreaterThan(0.6)
    expect(before / total).toBeLessThan(1)
    const page = await context.newPage()
    await page.goto(new URL('/models', network.relay.url).href)
    const resumed = page.getByTestId('download')
    await page.locator('[data-testid=download][data-stage=done]').waitFor({ timeout: 30_000 })
    expect(Number(await resumed.getAttribute('data-kept'))).toBe(before)
    expect(Number(await resumed.getAttribute('data-here'))).toBe(total)
    const came = Math.max(0, ...(await receivedBy(page)))
    expect(came).toBeGreaterThan(total - before)
    expect(came / (total - before), 'with what carries it').toBeLessThan(1.1)
    await context.close()
  })
})

/** What the browser itself says of origins that are away: the relay's folder, and the hub that no name leads to here. */
function isOfGone(error: string): boolean {
  return /^Failed to load resource: .*(404|ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED)/.test(error)
}

function isOfModel(url: URL): boolean {
  return url.pathname.includes('some-lab')
}

/** Presses Download, and takes the licence. */
async function want(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Download Large.Phi/i }).click()
  await page.getByTestId('accept-licence').click()
}

async function download({ page }: Tab): Promise<void> {
  await want(page)
  await page.locator('[data-testid=download][data-stage=done]').waitFor({ timeout: 60_000 })
}

/** Asks it in its own tab, so that nobody else answers. */
async function answer(tab: Tab): Promise<void> {
  const { page } = tab
  await page.getByRole('link', { name: 'Ask', exact: true }).click()
  await page.getByTestId('ask-place').selectOption('tab')
  const asker = new AskPage(tab)
  await asker.ask('Hello?')
  await asker.waitForState('done')
  expect(await asker.record()).toMatchObject({ stage: 'done', localFrom: 0 })
}

/** What lies on the disk, read beside the page: by a document of its origin that downloads nothing. */
async function heldBytes(context: BrowserContext, { relay }: TestNetwork): Promise<number> {
  const beside = await context.newPage()
  await beside.goto(new URL('/network.json', relay.url).href)
  const records = new Map(await beside.evaluate(readRecords))
  await beside.close()
  const [place = ''] = globSync(join(relay.dataFolder, 'models/**/manifest.fp32.json'))
  const { files } = JSON.parse(readFileSync(place, 'utf8')) as Manifest
  let bytes = 0
  for (const file of files) {
    const record = newestRecord(Uint8Array.from(records.get(`${file.sha256}.map`) ?? []))
    for (const piece of file.pieces.keys()) if (record?.map.has(piece)) bytes += lengthOfPiece(file, piece)
  }
  return bytes
}

async function readRecords(): Promise<[string, number[]][]> {
  const records: [string, number[]][] = []
  const read = async (folder: FileSystemDirectoryHandle): Promise<void> => {
    for await (const entry of folder.values())
      if (entry instanceof FileSystemDirectoryHandle) await read(entry)
      else if (entry.name.endsWith('.map'))
        records.push([entry.name, [...new Uint8Array(await (await entry.getFile()).arrayBuffer())]])
  }
  await read(await navigator.storage.getDirectory())
  return records
}

/** What the channels of each connection gave to the page: what the network sent twice is not the page's doing. */
function countReceived(): void {
  const received: number[] = []
  const Plain = RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    readonly #at = received.push(0) - 1

    constructor(...init: ConstructorParameters<typeof Plain>) {
      super(...init)
      this.addEventListener('datachannel', ({ channel }) => this.#count(channel))
    }

    override createDataChannel(...init: Parameters<RTCPeerConnection['createDataChannel']>): RTCDataChannel {
      return this.#count(super.createDataChannel(...init))
    }

    #count(channel: RTCDataChannel): RTCDataChannel {
      channel.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
        received[this.#at] = (received[this.#at] ?? 0) + data.byteLength
      })
      return channel
    }
  }
  const counted: Counted = { received: () => received }
  Object.assign(window, { counted })
}

function receivedBy(page: Page): Promise<number[]> {
  return page.evaluate(() => (window as unknown as { counted: Counted }).counted.received())
}
