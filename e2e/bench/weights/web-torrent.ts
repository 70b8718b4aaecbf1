import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright'

/** A tracker over WebSocket on this machine: the one thing that webtorrent's tabs need to meet. */
export interface Tracker extends AsyncDisposable {
  readonly url: string
}

interface TrackerServer {
  readonly http: { address(): { port: number } | null }
  listen(port: number, host: string, ready: () => void): void
  close(done: () => void): void
  on(event: 'error' | 'warning', listener: () => void): void
}

export async function startTracker(peers: string): Promise<Tracker> {
  // Its index loads a native client as well, which nobody here needs.
  const path = join(peers, 'node_modules/bittorrent-tracker/server.js')
  const { default: Server } = (await import(pathToFileURL(path).href)) as {
    default: new (options: object) => TrackerServer
  }
  const server = new Server({ udp: false, http: true, ws: true, stats: false })
  server.on('error', () => undefined)
  server.on('warning', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${server.http.address()?.port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(resolve)),
  }
}

interface Torrent {
  readonly magnetURI: string
  readonly length: number
  on(event: 'download', listener: (bytes: number) => void): void
  on(event: 'done', listener: () => void): void
}
interface TorrentClient {
  seed(input: Blob, options: object, done: (torrent: Torrent) => void): void
  add(id: string, options: object): Torrent
  destroy(done: () => void): void
}
type TorrentModule = { default: new (options: object) => TorrentClient }

/** One tab gives the file and another one takes it: bytes a second from the first byte that comes to the last. */
export async function measureWebTorrent(from: Page, to: Page, tracker: string): Promise<number> {
  const magnet = await from.evaluate(seed, tracker)
  const rate = await to.evaluate(take, [magnet, tracker] as const)
  for (const page of [from, to]) await page.evaluate(end)
  return rate
}

async function seed(tracker: string): Promise<string> {
  const build: string = '/peers/webtorrent/dist/webtorrent.min.js'
  const { default: WebTorrent } = (await import(build)) as TorrentModule
  const client = new WebTorrent({ dht: false, lsd: false })
  Object.assign(window, { client })
  const file = new File([await (await fetch('/file')).blob()], 'model.onnx')
  return new Promise((resolve) =>
    client.seed(file, { announce: [tracker] }, ({ magnetURI }) => resolve(magnetURI)),
  )
}

async function take([magnet, tracker]: readonly [string, string]): Promise<number> {
  const build: string = '/peers/webtorrent/dist/webtorrent.min.js'
  const { default: WebTorrent } = (await import(build)) as TorrentModule
  const client = new WebTorrent({ dht: false, lsd: false })
  Object.assign(window, { client })
  const torrent = client.add(magnet, { announce: [tracker] })
  let first = 0
  torrent.on('download', () => (first ||= performance.now()))
  await new Promise<void>((resolve) => torrent.on('done', resolve))
  return (torrent.length / (performance.now() - first)) * 1000
}

function end(): Promise<void> {
  const { client } = window as unknown as { client: TorrentClient }
  return new Promise((resolve) => client.destroy(resolve))
}
