/**
 * `npm test`: types, lint, format, unused code, the contracts, unit tests, the build, then real browsers. Every gate and
 * every test counts; the last line adds them up: `N passed, N failed`.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from '../fixtures/find-chromium.ts'
import { createTally, secondsSince, type Counts } from './tally.ts'

interface Outcome {
  readonly status: number | null
  readonly output: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NODE = process.execPath
const bin = (path: string): string => join(ROOT, 'node_modules', path)
const results = mkdtempSync(join(tmpdir(), 'infernet-test-'))
/** Files at a time. On two cores Vitest would take one; many tests wait for most of their time, browsers' for less. */
const UNIT_AT_A_TIME = ['--maxWorkers=3']
const BROWSER_AT_A_TIME = ['--maxWorkers=2']
const tally = createTally((line) => console.log(line))

try {
  // Each of the two keeps one core busy, so side by side they take half the time.
  await Promise.all([sourceGates(), contractTests()])
  suite('unit tests', ['unit', 'web'], UNIT_AT_A_TIME)
  const isBuilt = await gate('build of the page', [bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'])
  if (isBuilt && (await tally.gate('a Chromium to drive', findChromium))) {
    suite('browser tests', ['e2e'], BROWSER_AT_A_TIME)
    suite('browser tests that need the machine alone', ['e2e-alone'])
  }
} finally {
  rmSync(results, { recursive: true, force: true })
}
const { passed, failed } = tally.counts
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

async function sourceGates(): Promise<void> {
  await gate('types', [bin('typescript/bin/tsc'), '-b'])
  const components = ['--tsconfig', 'web/tsconfig.json', '--fail-on-warnings', '--output', 'human']
  await gate('types of components', [bin('svelte-check/bin/svelte-check'), ...components])
  await gate('lint', [bin('eslint/bin/eslint.js'), '.'])
  await gate('format', [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'])
  await gate('unused code', [bin('knip/bin/knip.js')])
}

/** forge's tests, each counted; a run that dies without its counts is one failure. */
async function contractTests(): Promise<void> {
  const build = join(ROOT, 'contracts/script/build.ts')
  await gate('bytecode and ABI are what the sources give', [build, '--check'])
  const { output } = await run([join(ROOT, 'e2e/run/test-contracts.ts')])
  const lines = output.trimEnd().split('\n')
  const counts = countsIn(lines.at(-1) ?? '')
  console.log((counts ? lines.slice(0, -1) : lines).join('\n'))
  tally.add('contracts', counts ?? { passed: 0, failed: 1 })
}

/** One command that either holds or does not. */
function gate(name: string, args: readonly string[]): Promise<boolean> {
  return tally.gate(name, async () => {
    const { status, output } = await run(args)
    if (status !== 0) throw new Error(output.slice(-8000))
  })
}

function run(args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, FORCE_COLOR: '0' }
    const child = execFile(NODE, args, { cwd: ROOT, env, maxBuffer: 1 << 28 }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, output: `${stderr}${stdout}` }),
    )
  })
}

/** Vitest projects; a run that dies without a report counts as one failure. */
function suite(name: string, projects: readonly string[], options: readonly string[] = []): void {
  console.log(`---- ${name}`)
  const startedAt = performance.now()
  const report = join(results, `${projects.join('-')}.json`)
  const flags = projects.flatMap((project) => ['--project', project])
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync(NODE, [bin('vitest/vitest.mjs'), 'run', ...flags, ...options, ...reporters], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  const { passed, failed } = readCounts(report)
  // A crash outside any test (an unhandled rejection, a file that does not load) fails the run, not a test.
  const isCrashed = status !== 0 && failed === 0
  tally.add(name, { passed, failed: isCrashed ? 1 : failed }, secondsSince(startedAt))
}

function readCounts(path: string): Counts {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
    }
    return { passed: numPassedTests, failed: numFailedTests }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

function countsIn(line: string): Counts | undefined {
  try {
    const { passed, failed } = JSON.parse(line) as Counts
    return { passed: Number(passed), failed: Number(failed) }
  } catch {
    return undefined
  }
}
