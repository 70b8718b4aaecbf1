import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../fixtures/root.ts'
import { isStopped, runNode } from './child.ts'
import type { SuiteNote } from './suite-reporter.ts'
import { secondsSince, type Counts, type Tally } from './tally.ts'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')
/** Read by vite.config.ts, which then has the suite's notes written there. */
const NOTES = 'INFERNET_SUITE_NOTES'

export interface SuiteInit {
  readonly name: string
  readonly projects: readonly string[]
  /** More words for Vitest, paths among them. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** After which it is ended, and counts as one failure more. */
  readonly limitMs: number
}

/** What a run came to, told from its notes. */
export interface SuiteOutcome extends Counts {
  readonly skipped: number
  /** One text for each failure: the tests' own, then what went wrong beside tests. */
  readonly failures: readonly string[]
}

/** Runs Vitest and counts each test once. A run that hangs or dies is one failure beside those that it had. */
export async function runSuite(tally: Tally, init: SuiteInit): Promise<void> {
  const { name, projects, options = [], env = {}, limitMs } = init
  if (isStopped()) return tally.add(`${name}, which was not run any more`, { passed: 0, failed: 1 })
  console.log(`---- ${name}, at most ${Math.round(limitMs / 60_000)} min`)
  const startedAt = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'infernet-test-'))
  const notes = join(folder, 'notes')
  try {
    const flags = projects.flatMap((project) => ['--project', project])
    const args = [VITEST, 'run', ...flags, ...options]
    const { status, isOverdue } = await runNode(args, { limitMs, env: { ...env, [NOTES]: notes } })
    const outcome = judge(readNotes(notes), {
      isGood: status === 0,
      ...(isOverdue && { ended: `it was ended after ${secondsSince(startedAt)} s` }),
    })
    tally.add(name, outcome, secondsSince(startedAt))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A run is good only when it says so itself, at its end, and its notes agree. */
export function judge(
  notes: readonly SuiteNote[],
  { isGood, ended = 'it ended too early' }: { isGood: boolean; ended?: string },
): SuiteOutcome {
  const those = (is: SuiteNote['is']): readonly string[] =>
    notes.filter((note) => note.is === is).map(({ name }) => name)
  const [passed, failed, skipped] = [those('passed'), those('failed'), those('skipped')]
  const beyondTests = [...those('error')]
  if (those('over').length === 0) {
    const done = new Set([...passed, ...failed, ...skipped, ...those('uncounted')])
    const open = those('begun').filter((name) => !done.has(name))
    beyondTests.push(
      open.length > 0 ? `${ended}, in the middle of ${open.join(', ')}` : `${ended}, between tests`,
    )
  } else if (!isGood && failed.length + beyondTests.length === 0) {
    beyondTests.push('it ended with a failure, and no test of it failed')
  }
  const ofTests = notes.filter(({ is }) => is === 'failed').map(({ name, why = '' }) => `${name}\n${why}`)
  const failures = [...ofTests.map((text) => text.trimEnd()), ...beyondTests]
  return { passed: passed.length, failed: failures.length, skipped: skipped.length, failures }
}

function readNotes(path: string): readonly SuiteNote[] {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return [] // it died before its first test
  }
  // A line that was cut by the death of the run tells nothing.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as SuiteNote)
}
