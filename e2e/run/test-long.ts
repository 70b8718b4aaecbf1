/**
 * `npm run test:long [-- --full] [-- --only part-of-a-name ...]`: what takes too long for `npm test`. The fuzz tests with
 * more runs and a seed of their own, kill after kill, every model family, the attacks on an honest side one by one, checks
 * that once wavered, again and again beside busy cores, and the variations of what `npm test` does once in a browser. Some
 * 40 minutes on two cores, with `--full` an hour and a half. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPage } from '../fixtures/build-page.ts'
import { findChromium } from '../fixtures/find-chromium.ts'
import { lavapipeChromium } from '../lavapipe/lavapipe-chromium.ts'
import { ROOT } from '../fixtures/root.ts'
import { endChildrenOnSignals, isStopped } from './child.ts'
import { runSuite, type SuiteInit } from './suite.ts'
import { createTally, sayTotal } from './tally.ts'

interface LongSuite extends Omit<SuiteInit, 'limitMs' | 'env'> {
  readonly env?: Readonly<Record<string, string>>
  /** The deadlines of both lengths. */
  readonly minutes: { readonly short: number; readonly full: number }
  readonly needsPage?: boolean
  /** Whether all cores are kept busy beside it. */
  readonly isBesideLoad?: boolean
}

/** Of which a fresh one is printed at each run, to be given again. */
const MAX_SEED = 2 ** 31
/** Browsers that measure times or memory, or keep all cores busy themselves. */
const ONE_AT_A_TIME = ['e2e/engine/', 'e2e/flows/kills.', 'e2e/flows/failover.']
/** What once failed in one run of some. */
const WAVERED = ['e2e/chain/seed-provider.test.ts']

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const seed = process.env['INFERNET_FUZZ_SEED'] ?? String(Math.floor(Math.random() * MAX_SEED))
const suites: readonly LongSuite[] = [
  {
    name: 'fuzz with more runs',
    projects: ['long-fuzz'],
    options: ['--maxWorkers=2', ...fuzzed()],
    env: { INFERNET_FUZZ_SEED: seed, INFERNET_FUZZ_TIMES: values.full ? '50' : '5' },
    minutes: { short: 8, full: 40 },
  },
  {
    name: 'kills on a chain',
    projects: ['long'],
    options: ['--maxWorkers=2', ...withoutBrowsers((path) => !isHostile(path))],
    minutes: { short: 8, full: 40 },
  },
  {
    name: 'attacks',
    projects: ['long'],
    // They measure times, and would measure each other's too.
    options: ['--maxWorkers=1', ...withoutBrowsers(isHostile)],
    minutes: { short: 40, full: 40 },
  },
  {
    name: 'what once wavered',
    projects: ['unit'],
    options: ['--maxWorkers=1', '-t', 'is paid for its answer', ...WAVERED],
    env: { INFERNET_REPEATS: values.full ? '11' : '2' },
    minutes: { short: 6, full: 20 },
    isBesideLoad: true,
  },
  {
    name: 'browsers for longer',
    projects: ['long'],
    options: ['--maxWorkers=1', ...inBrowsers((path) => isForOneAtATime(path))],
    minutes: { short: 15, full: 60 },
    needsPage: true,
  },
  {
    name: 'variations in browsers',
    projects: ['long'],
    options: ['--maxWorkers=2', ...inBrowsers((path) => !isForOneAtATime(path))],
    minutes: { short: 30, full: 30 },
    needsPage: true,
  },
  {
    name: 'NATs',
    projects: ['long'],
    options: ['--maxWorkers=1', 'e2e/nat/'],
    minutes: { short: 8, full: 8 },
    needsPage: true,
  },
]

const tally = createTally((line) => console.log(line))
endChildrenOnSignals()
console.log(
  `The seed of the fuzz tests: ${seed}. INFERNET_FUZZ_SEED=${seed} npm run test:long draws the same again.`,
)
const chosen = suites.filter(
  ({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)),
)
if (chosen.length === 0) tally.add(`no suite is named ${values.only.join(', ')}`, { passed: 0, failed: 1 })
for (const suite of chosen) if (!suite.needsPage || isStopped() || (await isPageThere())) await runLong(suite)
sayTotal(tally)

async function runLong({ minutes, env, isBesideLoad = false, ...suite }: LongSuite): Promise<void> {
  const load = isBesideLoad ? startLoad() : []
  try {
    await runSuite(tally, {
      ...suite,
      env: { ...env, ...(values.full && { INFERNET_FULL: '1' }) },
      limitMs: (values.full ? minutes.full : minutes.short) * 60_000,
    })
  } finally {
    for (const child of load) child.kill('SIGKILL')
  }
}

/** One loop for each core. It looks up now and then, and ends with us, whatever ends us. */
function startLoad() {
  const spin = 'const end = Date.now() + 50; while (Date.now() < end);'
  const loop = `process.on('disconnect', () => process.exit()); setInterval(() => { ${spin} }, 0)`
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', loop], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
  )
}

/** `npm test` counts these already. */
async function isPageThere(): Promise<boolean> {
  if (!(await tally.need('the page is built', () => buildPage()))) return false
  if (!(await tally.need('a Chromium to drive', findChromium))) return false
  return tally.need('a faster software GPU', () => {
    const { reason } = lavapipeChromium()
    if (reason) console.log(`no lavapipe: ${reason}`)
  })
}

function inBrowsers(is: (path: string) => boolean): readonly string[] {
  return globSync('e2e/{flows,sampler,engine,storage}/**/*.long.e2e.ts', { cwd: ROOT }).filter(is)
}

function withoutBrowsers(is: (path: string) => boolean): readonly string[] {
  return globSync('{shared,relay,web,contracts,e2e}/**/*.long.test.ts', { cwd: ROOT }).filter(is)
}

function isHostile(path: string): boolean {
  return path.startsWith('e2e/hostile/')
}

function isForOneAtATime(path: string): boolean {
  return ONE_AT_A_TIME.some((begin) => path.startsWith(begin))
}

function fuzzed(): readonly string[] {
  const all = globSync('{shared,relay,web,contracts,e2e}/**/*.test.ts', { cwd: ROOT })
  return all.filter(
    (path) =>
      !path.includes('.svelte.') && readFileSync(join(ROOT, path), 'utf8').includes("from 'fast-check'"),
  )
}
