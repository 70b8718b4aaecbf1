/**
 * `npm test`: types, lint, format, unused code, the contracts, unit tests, the build, then real browsers. Every gate and
 * every test counts; the last line adds them up: `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkCoverage } from '../../contracts/script/coverage.ts'
import { findChromium } from '../fixtures/find-chromium.ts'
import { checkForgeFormat, mayForgeBeMissing, runForgeTests } from '../fixtures/forge-tests.ts'

interface Counts {
  passed: number
  failed: number
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NODE = process.execPath
const bin = (path: string): string => join(ROOT, 'node_modules', path)
const results = mkdtempSync(join(tmpdir(), 'infernet-test-'))
const total: Counts = { passed: 0, failed: 0 }

try {
  gate('types', [bin('typescript/bin/tsc'), '-b'])
  gate('types of components', [
    bin('svelte-check/bin/svelte-check'),
    '--tsconfig',
    'web/tsconfig.json',
    '--fail-on-warnings',
    '--output',
    'human',
  ])
  gate('lint', [bin('eslint/bin/eslint.js'), '.'])
  gate('format', [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'])
  gate('unused code', [bin('knip/bin/knip.js')])
  gate('bytecode and ABI are what the sources give', [join(ROOT, 'contracts/script/build.ts'), '--check'])
  if (mayForgeBeMissing)
    console.log('skip contract tests: npm has no forge for this platform, and none is installed')
  else if (gateCall('format of the contracts', checkForgeFormat)) contractTests()
  suite('unit tests', ['unit', 'web'])
  const isBuilt = gate('build of the page', [bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'])
  if (isBuilt && gateCall('a Chromium to drive', findChromium)) suite('browser tests', ['e2e'])
} finally {
  rmSync(results, { recursive: true, force: true })
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0

/** One command that either holds or does not. */
function gate(name: string, args: readonly string[]): boolean {
  return gateCall(name, () => {
    const { status, stdout, stderr } = spawnSync(NODE, args, {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '0' },
      maxBuffer: 1 << 28,
    })
    if (status !== 0) throw new Error(`${stdout}\n${stderr}`.slice(-8000))
  })
}

function gateCall(name: string, check: () => unknown): boolean {
  const startedAt = performance.now()
  try {
    check()
    total.passed++
    console.log(`ok   ${name} (${seconds(startedAt)} s)`)
    return true
  } catch (thrown) {
    total.failed++
    console.log(
      `FAIL ${name} (${seconds(startedAt)} s)\n${thrown instanceof Error ? thrown.message : String(thrown)}`,
    )
    return false
  }
}

/** forge's tests, each counted; a run that dies without a report counts as one failure. */
function contractTests(): void {
  gateCall('contract tests could be run', () => {
    const { passed, failures } = runForgeTests()
    total.passed += passed
    total.failed += failures.length
    for (const failure of failures) console.log(`FAIL ${failure}`)
    console.log(`---- contract tests: ${passed} passed, ${failures.length} failed`)
  })
  gateCall('coverage of the contracts', checkCoverage)
}

/** Vitest projects; a run that dies without a report counts as one failure. */
function suite(name: string, projects: readonly string[]): void {
  console.log(`---- ${name}`)
  const startedAt = performance.now()
  const report = join(results, `${projects.join('-')}.json`)
  const flags = projects.flatMap((project) => ['--project', project])
  const { status } = spawnSync(
    NODE,
    [
      bin('vitest/vitest.mjs'),
      'run',
      ...flags,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: ROOT, stdio: 'inherit' },
  )
  const counts = readCounts(report)
  // A crash outside any test (an unhandled rejection, a file that does not load) fails the run, not a test.
  if (status !== 0 && counts.failed === 0) counts.failed = 1
  total.passed += counts.passed
  total.failed += counts.failed
  console.log(`---- ${name}: ${counts.passed} passed, ${counts.failed} failed (${seconds(startedAt)} s)`)
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

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}
