import { readdirSync, readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright'

/** Processor time by thread of one process, in ticks of the kernel. */
type Ticks = ReadonlyMap<string, { readonly name: string; readonly ticks: number }>

/** Chromium's names of threads that check and keep pieces: the store's worker, and the pool where it hashes. */
const STORE_THREADS = /^(DedicatedWorker|ThreadPoolForeg)/

/** Of the kernel, on every Linux that browsers run on. */
const TICKS_PER_SECOND = 100

/** So long the page does nothing but count: others that had worked as long as it by then have not afterwards. */
const BUSY_MS = 300

/** The process that runs a page: the one whose time is what the page says of its own, before and after it was busy. */
export async function rendererOf(browser: Browser, page: Page): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  const own = await page.context().newCDPSession(page)
  await own.send('Performance.enable')
  const distances = async (): Promise<readonly number[]> => {
    const { metrics } = await own.send('Performance.getMetrics')
    const seconds = metrics.find(({ name }) => name === 'ProcessTime')?.value ?? 0
    return renderers.map((pid) => Math.abs(ticksOf(pid) / TICKS_PER_SECOND - seconds))
  }
  const before = await distances()
  await page.evaluate((ms) => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }, BUSY_MS)
  const after = await distances()
  await own.detach()
  const far = renderers.map((pid, i) => ({ pid, by: (before[i] ?? 0) + (after[i] ?? 0) }))
  const [nearest] = far.toSorted((a, b) => a.by - b.by)
  if (!nearest) throw new Error('no process runs a page')
  return nearest.pid
}

/**
 * The part of a process's time that its threads for hashing and storing took while `work` ran. A thread pool does a
 * little else as well, so the share is rather too high than too low.
 * Undefined where the kernel counted nothing.
 */
export async function shareOfStore(pid: number, work: () => Promise<unknown>): Promise<number | undefined> {
  const before = threadsOf(pid)
  await work()
  let store = 0
  let all = 0
  for (const [thread, { name, ticks }] of threadsOf(pid)) {
    const spent = ticks - (before.get(thread)?.ticks ?? 0)
    all += spent
    if (STORE_THREADS.test(name)) store += spent
  }
  return all > 0 ? store / all : undefined
}

function threadsOf(pid: number): Ticks {
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => [
      thread,
      timeIn(readQuietly(`/proc/${pid}/task/${thread}/stat`)),
    ]),
  )
}

function ticksOf(pid: number): number {
  return timeIn(readQuietly(`/proc/${pid}/stat`)).ticks
}

/** The name stands in brackets and may hold spaces; user and system time are the 12th and 13th field after it. */
function timeIn(stat: string): { name: string; ticks: number } {
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  return { name: stat.slice(stat.indexOf('(') + 1, end), ticks: Number.isFinite(ticks) ? ticks : 0 }
}

/** A process may end at any moment. */
function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
