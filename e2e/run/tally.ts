import { errorLine } from '#shared/errors/error-line.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
}

/** Adds up what passed and what failed, and says each as it ends. */
export interface Tally {
  readonly counts: Counts
  /** One thing that either holds or throws why not. */
  gate(name: string, check: () => unknown): Promise<boolean>
  /** What nothing is counted for when it holds, because others count it, and one failure when it throws. */
  need(name: string, check: () => unknown): Promise<boolean>
  /** A suite that counted itself. */
  add(name: string, counts: Counts & { readonly skipped?: number }, seconds?: string): void
}

export function createTally(say: (line: string) => void): Tally {
  let [passed, failed] = [0, 0]
  const holds = async (name: string, check: () => unknown): Promise<boolean> => {
    const startedAt = performance.now()
    try {
      await check()
      say(`ok   ${name} (${secondsSince(startedAt)} s)`)
      return true
    } catch (thrown) {
      failed++
      const why = errorLine(thrown)
      say(`FAIL ${name} (${secondsSince(startedAt)} s)\n${why}`)
      return false
    }
  }
  return {
    get counts() {
      return { passed, failed }
    },
    async gate(name, check) {
      const isSo = await holds(name, check)
      if (isSo) passed++
      return isSo
    },
    need: holds,
    add(name, counts, seconds) {
      passed += counts.passed
      failed += counts.failed
      const took = seconds === undefined ? '' : ` (${seconds} s)`
      const skipped = counts.skipped ? `, ${counts.skipped} skipped` : ''
      say(`---- ${name}: ${counts.passed} passed, ${counts.failed} failed${skipped}${took}`)
    },
  }
}

/** The last line of a command that counts, and its exit code. */
export function sayTotal({ counts: { passed, failed } }: Tally): void {
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

export function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}
