import { errorLine } from '#shared/errors/error-line.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
}

/** What a suite that counted itself came to. */
export interface Counted extends Counts {
  readonly skipped?: number
  /** What failed, a text each. */
  readonly failures?: readonly string[]
}

/** Adds up what passed and what failed, and says each as it ends. */
export interface Tally {
  readonly counts: Counts
  /** What failed until now, a text each: its name, and why. */
  readonly failures: readonly string[]
  /** One thing that either holds or throws why not. */
  gate(name: string, check: () => unknown): Promise<boolean>
  /** What nothing is counted for when it holds, because others count it, and one failure when it throws. */
  need(name: string, check: () => unknown): Promise<boolean>
  /** A suite that counted itself. */
  add(name: string, counts: Counted, seconds?: string): void
}

export function createTally(say: (line: string) => void): Tally {
  let [passed, failed] = [0, 0]
  const failures: string[] = []
  const holds = async (name: string, check: () => unknown): Promise<boolean> => {
    const startedAt = performance.now()
    try {
      await check()
      say(`ok   ${name} (${secondsSince(startedAt)} s)`)
      return true
    } catch (thrown) {
      failed++
      const why = errorLine(thrown)
      failures.push(`${name}\n${why}`)
      say(`FAIL ${name} (${secondsSince(startedAt)} s)\n${why}`)
      return false
    }
  }
  return {
    get counts() {
      return { passed, failed }
    },
    failures,
    async gate(name, check) {
      const isSo = await holds(name, check)
      if (isSo) passed++
      return isSo
    },
    need: holds,
    add(name, counts, seconds) {
      passed += counts.passed
      failed += counts.failed
      const texts = counts.failures ?? (counts.failed > 0 ? [`${counts.failed} failed`] : [])
      for (const text of texts) {
        failures.push(`${name}: ${text}`)
        say(`FAIL ${name}: ${text}`)
      }
      const took = seconds === undefined ? '' : ` (${seconds} s)`
      const skipped = counts.skipped ? `, ${counts.skipped} skipped` : ''
      say(`---- ${name}: ${counts.passed} passed, ${counts.failed} failed${skipped}${took}`)
    },
  }
}

/** Lines of one failure that are said again at the end: what failed, and the first words of why. */
const MAX_LINES = 6

/** The last line of a command that counts, and its exit code. What failed stands before it, where the end of a log shows it. */
export function sayTotal({ counts: { passed, failed }, failures }: Tally): void {
  for (const text of failures) console.log(`FAILED ${text.split('\n').slice(0, MAX_LINES).join('\n       ')}`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

export function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}
