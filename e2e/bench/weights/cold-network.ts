import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { endOf, readStart } from '../../fixtures/relay-process.ts'
import { WITH_PARENT } from '../../fixtures/with-parent.ts'
import { makeLargeModel } from '../../storage/large-model.ts'
import { buildBenchPage } from '../build-pages.ts'
import { startLinkEnd, type LinkEnd } from './link-ends.ts'
import { makeLinks, type Links, type Place } from './links.ts'
import type {} from './page/main.ts'

const MAIN = fileURLToPath(new URL('../../../relay/main.ts', import.meta.url))
/** How long seeders may take to be known. */
const LISTED_LIMIT_MS = 30_000
/** 20.5 MB of weights: eight to nine seconds of one link. */
const SIZES = { hidden: 320, heads: 5, kvHeads: 5, inner: 960, layers: 2 }

/** A relay with the bench's page, an origin and seeders behind links of their own, and a browser for visitors. */
export interface ColdNetwork extends AsyncDisposable {
  readonly links: Links
  readonly origin: LinkEnd
  readonly seeders: readonly LinkEnd[]
  /** The same files under a name that so many seeders pass on. */
  manifestFor(seeders: number): Manifest
  /** A tab of a new profile. */
  openTab(): Promise<Page>
  /** One more tab of that profile. */
  openBeside(page: Page): Promise<Page>
}

/** @param counts how many seeders rows have; as many as the most of them are started */
export async function startColdNetwork(counts: readonly number[]): Promise<ColdNetwork> {
  const page = await buildBenchPage('weights/page')
  await using started = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'infernet-cold-'))
  started.defer(() => rmSync(folder, { recursive: true, force: true }))
  const manifests = await writeModel(join(folder, 'model'), counts)
  const most = Math.max(...counts)
  const links = started.use(makeLinks(most + 1))
  const relay = await startRelay(links.visitor, join(folder, 'relay'), page)
  started.defer(relay.stop)
  const [atOrigin, ...atSeeders] = links.others
  if (!atOrigin) throw new Error('there is no link for the origin')
  const common = { folder: join(folder, 'model'), capBytesPerSecond: links.capBytesPerSecond }
  const manifestsOf = (seeder: number): string[] => counts.filter((count) => seeder < count).map(nameOf)
  const origin = started.use(
    await startLinkEnd(atOrigin, { ...common, as: 'origin', manifests: [nameOf(counts[0] ?? 0)] }),
  )
  const seeders = await Promise.all(
    atSeeders.map((place, i) =>
      startLinkEnd(place, { ...common, as: 'seeder', manifests: manifestsOf(i), relay: relay.address }),
    ),
  )
  for (const seeder of seeders) started.use(seeder)
  for (const count of counts) await untilListed(seeders, manifests, count)
  const browser = await links.launchBrowser(folder)
  started.defer(() => browser.close())
  const all = started.move()
  return {
    links,
    origin,
    seeders,
    manifestFor: (count) => manifestOf(manifests, count),
    openTab: async () => openIn(browser, relay.url),
    openBeside: async (beside) => open(await beside.context().newPage(), relay.url),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** The relay's page may not read a model over plain http from afar; here nobody speaks https. */
async function openIn(browser: Browser, url: string): Promise<Page> {
  return open(await (await browser.newContext({ bypassCSP: true })).newPage(), url)
}

async function open(page: Page, url: string): Promise<Page> {
  await page.goto(url)
  await page.waitForFunction(() => 'coldTab' in window)
  return page
}

const nameOf = (count: number): string => `manifest-${count}.json`

function manifestOf(manifests: ReadonlyMap<number, Manifest>, count: number): Manifest {
  const manifest = manifests.get(count)
  if (!manifest) throw new Error(`no model has ${count} seeders`)
  return manifest
}

/** A name for each count of seeders, so that rows need not wait until others are forgotten. */
async function writeModel(folder: string, counts: readonly number[]): Promise<ReadonlyMap<number, Manifest>> {
  const { manifest, files } = makeLargeModel(0, SIZES)
  for (const path of files.paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), await files.read(path))
  }
  const named = counts.map((count) => [count, { ...manifest, id: `cold-${count}` }] as const)
  for (const [count, each] of named) writeFileSync(join(folder, nameOf(count)), JSON.stringify(each))
  return new Map(named)
}

/** Where the visitor is, so that its page is a secure one and comes over no link. */
async function startRelay(
  place: Place,
  folder: string,
  page: string,
): Promise<{ url: string; address: string; stop: () => Promise<void> }> {
  mkdirSync(folder)
  const { host } = place
  const isLocal = host === '127.0.0.1'
  const at = ['--host', isLocal ? host : '0.0.0.0', '--port', '0', '--data-folder', folder]
  const bounds = ['--connections-per-ip', '1000', '--connections-per-ip-per-second', '1000']
  const rest = ['--page-folder', page, '--seed-provider', 'off', '--log-level', 'warn']
  const command = [process.execPath, ...WITH_PARENT, MAIN, ...at, ...bounds, ...rest]
  const child = place.spawn(command, 'pipe')
  const stop = (): Promise<void> => endOf(child)
  try {
    const { url, address } = await readStart(child)
    const { port } = new URL(url)
    const name = address.split('/p2p/').at(-1)
    return { url: `http://127.0.0.1:${port}/`, address: `/ip4/${host}/tcp/${port}/ws/p2p/${name}`, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** Until the first seeder of a model hears of all others. */
async function untilListed(
  [first]: readonly LinkEnd[],
  manifests: ReadonlyMap<number, Manifest>,
  count: number,
): Promise<void> {
  const until = performance.now() + LISTED_LIMIT_MS
  while (count > 1 && (await first?.countOthers(hashManifest(manifestOf(manifests, count)))) !== count - 1) {
    if (performance.now() > until) throw new Error(`the relay does not tell of ${count} seeders`)
    await sleep(1000) // a relay answers one a second for long
  }
}
