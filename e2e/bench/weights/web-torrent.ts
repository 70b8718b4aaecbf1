import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright'
import type { KeptIn } from '../page/weights-tab.ts'

/** A tracker over WebSocket on this machine: the one thing that webtorrent's tabs need to meet. */
interface Tracker extends AsyncDisposable {
  readonly url: string
}

interface TrackerServer {
  readonly http: { address(): { port: number } | null }
  listen(port: number, host: string, ready: () => void): void
  close(done: () => void): void
  on(event: 'error' | 'warning', listener: () => void): void
}

async function startTracker(peers: string): Promise<Tracker> {
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
  /** Bytes that came from peers and were right. */
  readonly downloaded: number
  on(event: 'download', listener: (bytes: number) => void): void
  on(event: 'metadata' | 'done', listener: () => void): void
}
interface TorrentClient {
  seed(input: Blob, options: object, done: (torrent: Torrent) => void): void
  add(id: string, options: object): Torrent
  destroy(done: () => void): void
}
type TorrentModule = { default: new (options: object) => TorrentClient }

/**
 * One tab gives the file and another one takes it: bytes a second from the first byte that comes until all is checked
 * and kept. By itself webtorrent keeps it in the origin's private files, and would find it there the next time.
 */
export async function measureWebTorrent(
  from: Page,
  to: Page,
  { peers, keptIn }: { readonly peers: string; readonly keptIn: KeptIn },
): Promise<number> {
  // A new one each time: the tabs of the last time would be offered still, and nobody answers there.
  await using tracker = await startTracker(peers)
  const magnet = await from.evaluate(seed, [tracker.url, keptIn] as const)
  const rate = await to.evaluate(take, [magnet, tracker.url, keptIn] as const)
  for (const page of [from, to]) await page.evaluate(end)
  return rate
}

async function seed([tracker, keptIn]: readonly [string, string]): Promise<string> {
  const build: string = '/peers/webtorrent/dist/webtorrent.min.js'
  const { default: WebTorrent } = (await import(build)) as TorrentModule
  const client = new WebTorrent({ dht: false, lsd: false })
  Object.assign(window, { client })
  const file = new File([await (await fetch('/file')).blob()], 'model.onnx')
  const kept =
    keptIn === 'memory' ? { store: (window as unknown as { MemoryChunks: object }).MemoryChunks } : {}
  const options = { announce: [tracker], destroyStoreOnDestroy: true, ...kept }
  return new Promise((resolve) => client.seed(file, options, ({ magnetURI }) => resolve(magnetURI)))
}

async function take([magnet, tracker, keptIn]: readonly [string, string, string]): Promise<number> {
  const build: string = '/peers/webtorrent/dist/webtorrent.min.js'
  const { default: WebTorrent } = (await import(build)) as TorrentModule
  const client = new WebTorrent({ dht: false, lsd: false })
  Object.assign(window, { client })
  const kept =
    keptIn === 'memory' ? { store: (window as unknown as { MemoryChunks: object }).MemoryChunks } : {}
  const torrent = client.add(magnet, { announce: [tracker], destroyStoreOnDestroy: true, ...kept })
  let first = 0
  torrent.on('metadata', () => torrent.on('download', () => (first ||= performance.now())))
  await new Promise<void>((resolve) => torrent.on('done', resolve))
  const ms = performance.now() - first
  // What an earlier run left would be checked and not fetched.
  if (torrent.downloaded < torrent.length)
    throw new Error(`only ${torrent.downloaded} bytes came from a peer`)
  return (torrent.length / ms) * 1000
}

function end(): Promise<void> {
  const { client } = window as unknown as { client: TorrentClient }
  return new Promise((resolve) => client.destroy(resolve))
}

/** For a page of {@link measureWebTorrent}, before it loads: webtorrent's build has no store in memory. */
export function defineMemoryChunks(): void {
  type Done = (thrown: Error | null, chunk?: Uint8Array) => void
  class MemoryChunks {
    readonly chunkLength: number
    readonly #chunks: Uint8Array[] = []

    constructor(chunkLength: number) {
      this.chunkLength = chunkLength
    }

    put(index: number, chunk: Uint8Array, done: Done): void {
      this.#chunks[index] = chunk
      queueMicrotask(() => done(null))
    }

    get(index: number, ...rest: [Done] | [{ offset?: number; length?: number } | undefined, Done]): void {
      const [options, done] = rest.length === 1 ? [undefined, rest[0]] : rest
      const { offset = 0, length = Infinity } = options ?? {}
      const part = this.#chunks[index]?.subarray(offset, offset + length)
      queueMicrotask(() => (part ? done(null, part) : done(new Error('no such chunk'))))
    }

    close(done: Done): void {
      done(null)
    }

    destroy(done: Done): void {
      this.#chunks.length = 0
      done(null)
    }
  }
  Object.assign(window, { MemoryChunks })
}
