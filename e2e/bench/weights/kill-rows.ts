import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright'
import { KIB, MIB } from '#shared/base/units.ts'
import { manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import { MAX_WANTS_PER_PEER } from '#shared/models/pieces/constants.ts'
import { seededChance } from '#shared/testing/chance.ts'
import type { BenchOptions } from '../figure.ts'
import type { ColdNetwork } from './cold-network.ts'

/** Downloads at a time, each in a profile of its own: a kill is mostly waiting. */
const LANES = 4
/** How many seeders the model of these downloads has, beside the origin. */
const KILL_SEEDERS = 1
/** A kill comes at any moment up to this long after the first byte. */
const LONGEST_LIFE_MS = 600
const SETTLED_MS = 500
const IDLE_BYTES = 16 * KIB

interface Lane {
  /** Bytes that were right and stored, over all lives. */
  readonly keptBytes: number
  /** Bytes of pieces that were told as kept and were not there after the kill. */
  readonly lostBytes: number
  /** Pieces that were there and wrong. */
  readonly wrong: number
}

/** Kills tabs while a model comes, and tells what was sent more than once for it. */
export async function measureRefetched(
  network: ColdNetwork,
  { quick, print }: Pick<BenchOptions, 'quick' | 'print'>,
): Promise<void> {
  const kills = quick ? 20 : 100
  const before = await settledBytes(network)
  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, lane) =>
      killOften(network, { seed: lane + 1, kills: Math.floor((kills + lane) / LANES) }),
    ),
  )
  const sum = (read: (lane: Lane) => number): number => lanes.reduce((all, lane) => all + read(lane), 0)
  const sent = (await settledBytes(network)) - before
  const kept = sum(({ keptBytes }) => keptBytes)
  const wrong = sum((lane) => lane.wrong)
  const common = { bench: 'weights', metric: 'refetchedBytes', unit: 'bytes' } as const
  const of = { kills, seeders: KILL_SEEDERS, shapedBy: network.links.shapedBy } as const
  const how = `the renderer of a tab, with all its workers, is killed at a random moment of a download from an origin and ${KILL_SEEDERS} seeder`
  print(
    {
      ...common,
      case: { ...of, pieces: 'told as kept' },
      value: sum(({ lostBytes }) => lostBytes),
      note: `${how}; ${wrong} pieces were wrong afterwards`,
    },
    { atMost: 0 },
  )
  print(
    {
      ...common,
      case: { ...of, pieces: 'under way' },
      value: sent - kept,
      note:
        `${mb(sent)} ${howCounted(network)}, ${mb(kept)} kept: ${mb((sent - kept) / kills)} a kill; ` +
        'a piece of 1 MiB that was not whole is lost, and so is what was on its way',
    },
    // What may be asked of each seeder at once, and of the origin the piece that comes and what its link holds.
    { atMost: kills * (KILL_SEEDERS * MAX_WANTS_PER_PEER + 2) * MIB },
  )
  if (wrong > 0) throw new Error(`${wrong} pieces were wrong after kills`)
}

async function killOften(
  network: ColdNetwork,
  { seed, kills }: { readonly seed: number; readonly kills: number },
): Promise<Lane> {
  const manifest = network.manifestFor(KILL_SEEDERS)
  const total = manifestBytes(manifest)
  const chance = seededChance(seed)
  const watcher = await network.openTab() // it keeps the profile
  let [kept, lost, held, told] = [0, 0, 0, 0]
  const look = async (): Promise<void> => {
    const now = await heldIn(watcher, manifest)
    lost += Math.max(0, told - now)
    kept += now - held
    held = now
  }
  try {
    for (let kill = 0; kill < kills; kill++) {
      // All here: from the beginning.
      if (held === total) {
        await watcher.evaluate((what) => window.coldTab.remove(what), manifest)
        held = 0
      }
      told = await liveAndDie(network, watcher, manifest, chance() * LONGEST_LIFE_MS)
      await look()
    }
    const wrong = await watcher.evaluate((what) => window.coldTab.countWrong(what), manifest)
    return { keptBytes: kept, lostBytes: lost, wrong }
  } finally {
    await watcher.context().close()
  }
}

/** One tab from its first byte to its death. Gives what was told as kept just before. */
async function liveAndDie(
  network: ColdNetwork,
  watcher: Page,
  manifest: Manifest,
  lifeMs: number,
): Promise<number> {
  const page = await network.openBeside(watcher)
  const ask = { manifest, origin: network.origin.address, asksPeers: true }
  page.evaluate((what) => window.coldTab.bring(what), ask).catch(() => undefined) // it dies beneath it
  await page.evaluate(() => window.coldTab.begun)
  await sleep(lifeMs)
  const told = await heldIn(page, manifest)
  const session = await page.context().newCDPSession(page)
  const died = new Promise((resolve) => page.once('crash', resolve))
  session.send('Page.crash').catch(() => undefined) // nobody is left to answer
  await died
  await page.close()
  return told
}

function heldIn(page: Page, manifest: Manifest): Promise<number> {
  return page.evaluate((what) => window.coldTab.heldBytes(what), manifest)
}

function howCounted({ links }: ColdNetwork): string {
  return links.crossedBytes() === undefined
    ? 'sent by their own counts, of which some never left the machine'
    : 'crossed their links, with headers, handshakes and the talk with the relay'
}

/** By the links, where they are counted: who sends takes for sent what waits in a buffer, and dies there. */
async function sentBytes({ links, origin, seeders }: ColdNetwork): Promise<number> {
  const crossed = links.crossedBytes()
  if (crossed !== undefined) return crossed
  const sent = await Promise.all([origin, ...seeders].map((end) => end.sentBytes()))
  return sent.reduce((sum, bytes) => sum + bytes, 0)
}

/** When those who send have noticed the last death: but for what peers say to a relay, nothing moves. */
async function settledBytes(network: ColdNetwork): Promise<number> {
  for (let last = await sentBytes(network); ;) {
    await sleep(SETTLED_MS)
    const now = await sentBytes(network)
    if (now - last < IDLE_BYTES) return now
    last = now
  }
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}
