import type { Browser, Page } from 'playwright'
import { MIB } from '#shared/base/units.ts'
import { launchBrowser } from '../../fixtures/browser.ts'
import { median, type BenchOptions } from '../figure.ts'
import { measureBareChannel } from './bare-channel.ts'
import { rendererOf, shareOfStore } from './cpu-of.ts'
import { startFileServer } from './file-server.ts'
import { installPeers } from './install-peers.ts'
import { startSwarm } from './swarm-network.ts'
import { defineMemoryChunks, measureWebTorrent } from './web-torrent.ts'

const FILE_BYTES = 64 * MIB

/** The rates of each way of a file from tab to tab, in bytes a second, one of each round. */
interface Rates {
  readonly bare: number[]
  /** The product as it ships: both tabs keep the file in the origin's private files. */
  readonly swarm: number[]
  readonly swarmInMemory: number[]
  readonly torrent: number[]
  readonly torrentInMemory: number[]
  /** From the relay, into the same store. */
  readonly http: number[]
  /** Hashing and storing, of the processor time of the page that takes. */
  readonly storeShare: number[]
}

/** Each way once a round, one after the other, so that what else the machine does falls on all. */
export async function benchThroughput(options: BenchOptions): Promise<void> {
  const peers = installPeers()
  const browser = await launchBrowser()
  try {
    printAll(await measureRounds(browser, peers, options.quick ? 1 : 4), options)
  } finally {
    await browser.close()
  }
}

async function measureRounds(browser: Browser, peers: string, rounds: number): Promise<Rates> {
  await using server = await startFileServer(FILE_BYTES, peers)
  await using network = await startSwarm(browser, FILE_BYTES)
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage()
    await page.addInitScript(defineMemoryChunks)
    await page.goto(server.url)
    return page
  }
  const [from, to] = [await open(), await open()]
  const pid = await rendererOf(browser, network.to)
  const rates: Rates = {
    bare: [],
    swarm: [],
    swarmInMemory: [],
    torrent: [],
    torrentInMemory: [],
    http: [],
    storeShare: [],
  }
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) for (const each of Object.values(rates) as number[][]) each.length = 0 // all warm
    rates.bare.push(await measureBareChannel(from, to, FILE_BYTES))
    const share = await shareOfStore(pid, async () => rates.swarm.push(await network.take('opfs', 'peers')))
    if (share !== undefined) rates.storeShare.push(share)
    rates.torrent.push(await measureWebTorrent(from, to, { peers, keptIn: 'opfs' }))
    rates.swarmInMemory.push(await network.take('memory', 'peers'))
    rates.torrentInMemory.push(await measureWebTorrent(from, to, { peers, keptIn: 'memory' }))
    rates.http.push(await network.take('opfs', 'origin'))
  }
  return rates
}

function printAll(rates: Rates, { print }: Pick<BenchOptions, 'print'>): void {
  for (const [metric, of] of [
    ['bareChannelThroughput', rates.bare],
    ['swarmThroughput', rates.swarm],
    ['swarmThroughputInMemory', rates.swarmInMemory],
    ['webtorrentThroughput', rates.torrent],
    ['webtorrentThroughputInMemory', rates.torrentInMemory],
    ['httpThroughput', rates.http],
  ] as const) {
    const [low, high] = [Math.min(...of) / 1e6, Math.max(...of) / 1e6]
    print({ bench: 'weights', metric, value: median(of) / 1e6, unit: 'MB/s', low, high, runs: of.length })
  }
  const share = (metric: string, ours: readonly number[], theirs: readonly number[], peer: string) => ({
    bench: 'weights',
    metric,
    value: median(ours) / median(theirs),
    unit: 'ratio',
    peer,
    peerValue: median(theirs) / 1e6,
  })
  const { bare, swarm, swarmInMemory, torrent, torrentInMemory, http, storeShare } = rates
  print(share('swarmShareOfChannel', swarm, bare, 'bare data channel, MB/s'), { atLeast: 0.85 })
  print(share('swarmShareOfChannelInMemory', swarmInMemory, bare, 'bare data channel, MB/s'))
  print(share('swarmOverWebtorrent', swarm, torrent, 'webtorrent, MB/s'), { atLeast: 1.5 })
  print(share('swarmOverWebtorrentInMemory', swarmInMemory, torrentInMemory, 'webtorrent in memory, MB/s'))
  print(share('swarmOverHttp', swarm, http, 'relay over HTTP, MB/s'))
  if (storeShare.length === 0) {
    console.error('weights: hashingCpuShare: no processor time was counted')
    return
  }
  const value = median(storeShare)
  print({ bench: 'weights', metric: 'hashingCpuShare', value, unit: 'of the page’s processor time' })
}
