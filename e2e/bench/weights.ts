import type { Page } from 'playwright'
import { MIB } from '#shared/base/units.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { median, type BenchOptions } from './figure.ts'
import { measureBareChannel } from './weights/bare-channel.ts'
import { benchWeightsFigures } from './weights/cold-rows.ts'
import { startFileServer } from './weights/file-server.ts'
import { installPeers } from './weights/install-peers.ts'
import { measureWebTorrent, startTracker } from './weights/web-torrent.ts'

const FILE_BYTES = 64 * MIB

/** How fast weights travel from tab to tab, and what they cost, beside other ways. */
export async function benchWeights(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  try {
    await benchChannels(options)
  } catch (thrown) {
    console.error('weights: channels could not be measured:', thrown)
    failed.push('weights: channels')
  }
  return [...failed, ...(await benchWeightsFigures(options))]
}

/** In turns, so that what else the machine does falls on all. */
async function benchChannels({ quick, print }: BenchOptions): Promise<void> {
  const peers = installPeers()
  await using server = await startFileServer(FILE_BYTES, peers)
  await using tracker = await startTracker(peers)
  const browser = await launchBrowser()
  try {
    const open = async (): Promise<Page> => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(server.url)
      return page
    }
    const [from, to] = [await open(), await open()]
    const bare: number[] = []
    const torrent: number[] = []
    await measureWebTorrent(from, to, tracker.url) // both warm: the first of each counts for nothing
    for (let run = 0; run < (quick ? 1 : 5); run++) {
      bare.push(await measureBareChannel(from, to, FILE_BYTES))
      torrent.push(await measureWebTorrent(from, to, tracker.url))
    }
    const mbPerSecond = (rates: readonly number[]): number => median(rates) / 1e6
    for (const [metric, rates] of [
      ['bareChannelThroughput', bare],
      ['webtorrentThroughput', torrent],
    ] as const)
      print({ bench: 'weights', metric, value: mbPerSecond(rates), unit: 'MB/s' })
  } finally {
    await browser.close()
  }
}
