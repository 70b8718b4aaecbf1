import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ROOT } from '../fixtures/root.ts'
import { judge, runSuite } from './suite.ts'
import { createTally, type Counts } from './tally.ts'

/** Inside of the tree, where Vitest is found. */
const CACHE = join(ROOT, 'node_modules/.cache')
const REPORTER = JSON.stringify(join(ROOT, 'e2e/run/suite-reporter.ts'))
const CONFIG = `
import { SuiteReporter } from ${REPORTER}
export default { test: { include: ['*.test.ts'], reporters: [new SuiteReporter(process.env.INFERNET_SUITE_NOTES)] } }`
const PASSES = "test('passes', () => undefined)\n"
const FAILS = "test('fails', () => expect(1).toBe(2))\n"

describe('a suite', { timeout: 60_000 }, () => {
  let folder: string
  let lines: string[]
  beforeEach(() => {
    mkdirSync(CACHE, { recursive: true })
    folder = mkdtempSync(join(CACHE, 'suite-test-'))
    lines = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true })
  })

  /** Runs these test files as a suite of their own. */
  async function run(files: Readonly<Record<string, string>>, limitMs = 50_000): Promise<Counts> {
    const config = join(folder, 'vitest.config.ts')
    writeFileSync(config, CONFIG)
    for (const [name, body] of Object.entries(files))
      writeFileSync(
        join(folder, `${name}.test.ts`),
        `import { afterAll, beforeAll, describe, expect, test } from 'vitest'\n${body}`,
      )
    const tally = createTally((line) => lines.push(line))
    const options = ['--config', config, '--root', folder, '--maxWorkers=2']
    await runSuite(tally, { name: 'it', projects: [], options, limitMs })
    return tally.counts
  }
  const failures = (): readonly string[] => lines.filter((line) => line.startsWith('FAIL'))

  it('counts what passed and what failed, and says what was skipped', async () => {
    const counts = await run({ a: PASSES + FAILS + "test.skip('waits', () => undefined)\n", b: PASSES })
    expect(counts).toEqual({ passed: 2, failed: 1 })
    expect(lines.at(-1)).toMatch(/^---- it: 2 passed, 1 failed, 1 skipped \(/)
  })

  it('counts a file that does not load beside the tests that failed', async () => {
    const counts = await run({ a: PASSES + FAILS, b: "throw new Error('this file is broken')\n" })
    expect(counts).toEqual({ passed: 1, failed: 2 })
    expect(failures()).toEqual([
      expect.stringMatching(/^FAIL it: .*a\.test\.ts > fails\nexpected 1 to be 2/),
      expect.stringMatching(/^FAIL it: .*b\.test\.ts: this file is broken$/),
    ])
  })

  it('counts what goes wrong before and after tests', async () => {
    const before = `describe('a', () => { beforeAll(() => { throw new Error('not ready') }); ${PASSES} })\n`
    const after = `describe('b', () => { afterAll(() => { throw new Error('not cleaned') }); ${PASSES} })\n`
    const counts = await run({ a: before, b: after })
    expect(counts).toEqual({ passed: 1, failed: 2 })
  })

  it('counts a rejection that nobody handles', async () => {
    const lost =
      "test('loses one', async () => { void Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 50)) })\n"
    const counts = await run({ a: PASSES + lost })
    expect(counts.failed).toBe(1)
    expect(counts.passed).toBe(2)
  })

  it('ends one that hangs, keeps what passed, and names what it was at', async () => {
    const waits = PASSES + "test('waits', () => new Promise(() => undefined), 1e9)\n"
    const counts = await run({ a: waits, b: "test('turns', () => { for (;;); })\n" }, 12_000)
    expect(counts).toEqual({ passed: 1, failed: 1 })
    const [sentence = '', ...others] = failures()
    expect(others).toEqual([])
    expect(sentence).toMatch(/^FAIL it: it was ended after \d+\.\d s, in the middle of /)
    // What blocks its process can't say which test it is in.
    for (const name of ['a.test.ts > waits', 'b.test.ts']) expect(sentence).toContain(name)
  })

  it('counts one that dies as a failure', async () => {
    const counts = await run({ a: 'process.kill(process.ppid, "SIGKILL")\n' + PASSES })
    expect(counts).toEqual({ passed: 0, failed: 1 })
  })

  it('counts one without any test as a failure', async () => {
    expect(await run({})).toEqual({ passed: 0, failed: 1 })
  })
})

it('is a failure when it says so itself, though no test of it failed', () => {
  const notes = [{ is: 'passed', name: 'a' } as const, { is: 'over', name: '' } as const]
  expect(judge(notes, { isGood: true })).toMatchObject({ passed: 1, failed: 0 })
  expect(judge(notes, { isGood: false })).toMatchObject({ passed: 1, failed: 1 })
})
