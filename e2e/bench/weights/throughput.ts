import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { MIB } from '#shared/base/units.ts'
import { launchProfile } from '../../fixtures/browser.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions, Figure } from '../figure.ts'
import { measureBareChannel } from './bare-channel.ts'
import { rendererOf, shareOfStore } from './cpu-of.ts'
import { startFileServer } from './file-server.ts'
import { installPeers } from './install-peers.ts'
import { isTooBusy, ProcessorWatch } from './processor-watch.ts'
import { otherName, startSwarm } from './swarm-network.ts'
import { defineMemoryChunks, measureWebTorrent } from './web-torrent.ts'

const FILE_BYTES = 64 * MIB

/** The rates of each way of a file from tab to tab, in bytes a second, one of each round. */
interface Rates {
  /** Of each size of a message. */
  readonly bare: (readonly number[])[]
  /** The product as it ships: both tabs keep the file in the origin's private files. */
  readonly swarm: number[]
  readonly swarmInMemory: number[]
  readonly torrent: number[]
  readonly torrentInMemory: number[]
  /** From the relay, into the same store. */
  readonly http: number[]
  /** Hashing and storing, of the processor time of the page that takes. */
  readonly storeShare: number[]
  /** What all processors did beside the bare channel, and beside the swarm. */
  readonly busyBare: number[]
  readonly busySwarm: number[]
}

/** What a profile of both says, on two processors; the rows of both tell what share of them was busy. */
const WHY =
  'the processors bound it: a MiB takes about 110 ms of their time whichever way (encryption, packets, the browser’s network process, whose one thread bounds the bare channel and leaves a third of two processors idle), and the swarm hashes it twice, reads, writes and frames it for 20 to 40 ms more, until both are full'

/** Each way once a round, one after the other, so that what else the machine does falls on all. */
export async function benchThroughput(options: BenchOptions): Promise<void> {
  const peers = installPeers()
  const folder = mkdtempSync(join(tmpdir(), 'infernet-bench-profile-'))
  const context = await launchProfile(folder)
  try {
    printAll(await measureRounds(context, peers, options.quick ? 1 : 4), options)
  } finally {
    await context.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureRounds(context: BrowserContext, peers: string, rounds: number): Promise<Rates> {
  await using server = await startFileServer(FILE_BYTES, peers)
  await using network = await startSwarm(context, FILE_BYTES)
  const open = async (url: string): Promise<Page> => {
    const page = await context.newPage()
    await page.addInitScript(defineMemoryChunks)
    await page.goto(url)
    return page
  }
  const [from, to] = [await open(server.url), await open(otherName(server.url))]
  const browser = context.browser()
  const pid = browser ? await rendererOf(browser, network.to) : undefined
  const rates: Rates = {
    bare: [],
    swarm: [],
    swarmInMemory: [],
    torrent: [],
    torrentInMemory: [],
    http: [],
    storeShare: [],
    busyBare: [],
    busySwarm: [],
  }
  const watch = async (busy: number[], work: () => Promise<unknown>): Promise<void> => {
    const watched = new ProcessorWatch()
    await work()
    if (watched.busy !== undefined) busy.push(watched.busy)
  }
  const takeFromPeers = async (): Promise<void> => void rates.swarm.push(await network.take('opfs', 'peers'))
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) for (const each of Object.values(rates) as unknown[][]) each.length = 0 // all warm
    await watch(rates.busyBare, async () =>
      rates.bare.push(await measureBareChannel(from, to, FILE_BYTES / 2)),
    )
    await watch(rates.busySwarm, async () => {
      if (pid === undefined) return takeFromPeers()
      const share = await shareOfStore(pid, takeFromPeers)
      if (share !== undefined) rates.storeShare.push(share)
    })
    rates.torrent.push(await measureWebTorrent(from, to, { peers, keptIn: 'opfs' }))
    rates.swarmInMemory.push(await network.take('memory', 'peers'))
    rates.torrentInMemory.push(await measureWebTorrent(from, to, { peers, keptIn: 'memory' }))
    rates.http.push(await network.take('opfs', 'origin'))
  }
  return rates
}

function printAll(rates: Rates, { print }: Pick<BenchOptions, 'print'>): void {
  const bare = fastest(rates.bare)
  for (const [metric, of, busy] of [
    ['bareChannelThroughput', bare, rates.busyBare],
    ['swarmThroughput', rates.swarm, rates.busySwarm],
    ['swarmThroughputInMemory', rates.swarmInMemory, []],
    ['webtorrentThroughput', rates.torrent, []],
    ['webtorrentThroughputInMemory', rates.torrentInMemory, []],
    ['httpThroughput', rates.http, []],
  ] as const) {
    const [low, high] = [Math.min(...of) / 1e6, Math.max(...of) / 1e6]
    const rate = { value: median(of) / 1e6, unit: 'MB/s', low, high, runs: of.length }
    print({ bench: 'weights', metric, ...(busy.length > 0 && { case: busyCase(busy) }), ...rate })
  }
  const share = (metric: string, ours: readonly number[], theirs: readonly number[], peer: string) => ({
    bench: 'weights',
    metric,
    value: median(ours) / median(theirs),
    unit: 'ratio',
    peer,
    peerValue: median(theirs) / 1e6,
  })
  const { swarm, swarmInMemory, torrent, torrentInMemory, http, storeShare } = rates
  print(share('swarmShareOfChannel', swarm, bare, 'bare data channel, MB/s'), {
    atLeast: 0.85,
    why: WHY,
  })
  print(share('swarmShareOfChannelInMemory', swarmInMemory, bare, 'bare data channel, MB/s'))
  print(share('swarmOverWebtorrent', swarm, torrent, 'webtorrent, MB/s'), {
    atLeast: 1.5,
    why: WHY,
  })
  print(share('swarmOverWebtorrentInMemory', swarmInMemory, torrentInMemory, 'webtorrent in memory, MB/s'))
  print(share('swarmOverHttp', swarm, http, 'relay over HTTP, MB/s'))
  if (storeShare.length === 0) {
    console.error('weights: hashingCpuShare: no processor time was counted')
    return
  }
  const value = median(storeShare)
  print({ bench: 'weights', metric: 'hashingCpuShare', value, unit: 'of the page’s processor time' })
}

/** The channel at its best: at the size of a message that was the fastest over all rounds, and not in each by chance. */
function fastest(rounds: readonly (readonly number[])[]): readonly number[] {
  const sizes = (rounds[0] ?? []).map((_, size) => rounds.flatMap((rates) => rates[size] ?? []))
  return sizes.toSorted((a, b) => median(b) - median(a))[0] ?? []
}

function busyCase(busy: readonly number[]): NonNullable<Figure['case']> {
  return { processorShare: Number(median(busy).toFixed(2)), isProcessorBound: busy.some(isTooBusy) }
}
