/**
 * `npm test`: types, lint, format, unused code, the contracts, the build, unit tests, then real browsers. Every gate and
 * every test counts; the last line adds them up: `N passed, N failed`.
 */
import { join } from 'node:path'
import { firstLoadKb, MAX_FIRST_LOAD_KB } from '../bench/mesh/page-weight.ts'
import { findChromium } from '../fixtures/find-chromium.ts'
import { findFirefox } from '../fixtures/find-firefox.ts'
import { lavapipeChromium } from '../lavapipe/lavapipe-chromium.ts'
import { compareRecord } from '../verify-page/page-files.ts'
import { ROOT } from '../fixtures/root.ts'
import { endChildrenOnSignals, isStopped, runNode } from './child.ts'
import { runSuite } from './suite.ts'
import { createTally, sayTotal, type Counted } from './tally.ts'

const MINUTE_MS = 60_000
/** What hangs is ended and named; all of this takes a quarter of an hour on two cores. */
const GATE_LIMIT_MS = 5 * MINUTE_MS
const CONTRACTS_LIMIT_MS = 12 * MINUTE_MS
const SUITE_LIMIT_MS = 25 * MINUTE_MS
const bin = (path: string): string => join(ROOT, 'node_modules', path)
/** Files at a time. On two cores Vitest would take one; many tests wait for most of their time, browsers' for less. */
const UNIT_AT_A_TIME = ['--maxWorkers=4']
const BROWSER_AT_A_TIME = ['--maxWorkers=2']
const tally = createTally((line) => console.log(line))

endChildrenOnSignals()
let isBuilt = false
await twoAtATime([contractTests, lint, types, unusedCode, format, build])
await suite('unit tests', ['unit', 'unit-pure', 'web'], UNIT_AT_A_TIME)
if (isBuilt) await tally.gate('weight of the page', weighPage)
if (isBuilt) await tally.gate('hash of the page', compareRecord)
if (isBuilt && (await tally.gate('a Chromium to drive', findChromium))) {
  installWhatTestsTake()
  await suite('browser tests', ['e2e'], BROWSER_AT_A_TIME)
  await suite('browser tests that need the machine alone', ['e2e-alone'])
}
sayTotal(tally)

/** Each of them keeps one core busy. The longest come first, so that no core is without work until the end. */
async function twoAtATime(jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...jobs]
  const line = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) await job()
  }
  await Promise.all([line(), line()])
}

function lint(): Promise<boolean> {
  return gate('lint', [bin('eslint/bin/eslint.js'), '.'])
}

async function types(): Promise<void> {
  await gate('types', [bin('typescript/bin/tsc'), '-b'])
  const components = ['--tsconfig', 'web/tsconfig.json', '--fail-on-warnings', '--output', 'human']
  await gate('types of components', [bin('svelte-check/bin/svelte-check'), ...components])
}

function format(): Promise<boolean> {
  return gate('format', [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'])
}

async function unusedCode(): Promise<void> {
  await gate('unused code', [bin('knip/bin/knip.js')])
  await gate('code that only tests use', [bin('knip/bin/knip.js'), '--production'])
}

async function build(): Promise<void> {
  isBuilt = await gate('build of the page', [bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'])
}

/** forge's tests, each counted; a run that dies without its counts is one failure. */
async function contractTests(): Promise<void> {
  const build = join(ROOT, 'contracts/script/build.ts')
  await gate('bytecode and ABI are what the sources give', [build, '--check'])
  const { output } = await run([join(ROOT, 'e2e/run/test-contracts.ts')], CONTRACTS_LIMIT_MS)
  const lines = output.trimEnd().split('\n')
  const counts = countsIn(lines.at(-1) ?? '')
  console.log((counts ? lines.slice(0, -1) : lines).join('\n'))
  tally.add('contracts', counts ?? { passed: 0, failed: 1 })
}

function weighPage(): void {
  const weight = firstLoadKb(join(ROOT, 'web/dist'))
  if (weight > MAX_FIRST_LOAD_KB)
    throw new Error(`The first load is ${weight.toFixed(1)} kB, and may be ${MAX_FIRST_LOAD_KB} kB.`)
}

/** Not within a test, whose time would be gone with it. Those that miss something say so themselves. */
function installWhatTestsTake(): void {
  for (const get of [findFirefox, lavapipeChromium])
    try {
      get()
    } catch (thrown) {
      console.log(thrown instanceof Error ? thrown.message : thrown)
    }
}

/** One command that either holds or does not. */
function gate(name: string, args: readonly string[]): Promise<boolean> {
  return tally.gate(name, async () => {
    if (isStopped()) throw new Error('not run any more')
    const { status, output, isOverdue } = await run(args, GATE_LIMIT_MS)
    if (isOverdue) throw new Error(`ended after ${GATE_LIMIT_MS / MINUTE_MS} min\n${output.slice(-8000)}`)
    if (status !== 0) throw new Error(output.slice(-8000))
  })
}

function run(args: readonly string[], limitMs: number) {
  return runNode(args, { limitMs, env: { FORCE_COLOR: '0' }, isQuiet: true })
}

function suite(name: string, projects: readonly string[], options: readonly string[] = []): Promise<void> {
  return runSuite(tally, { name, projects, options, limitMs: SUITE_LIMIT_MS })
}

function countsIn(line: string): Counted | undefined {
  try {
    const { passed, failed, failures = [] } = JSON.parse(line) as Counted
    return { passed: Number(passed), failed: Number(failed), failures }
  } catch {
    return undefined
  }
}
