export interface Counts {
  readonly passed: number
  readonly failed: number
}

/** Adds up what passed and what failed, and says each as it ends. */
export interface Tally {
  readonly counts: Counts
  /** One thing that either holds or throws why not. */
  gate(name: string, check: () => unknown): Promise<boolean>
  /** A suite that counted itself. */
  add(name: string, counts: Counts, seconds?: string): void
}

export function createTally(say: (line: string) => void): Tally {
  let [passed, failed] = [0, 0]
  return {
    get counts() {
      return { passed, failed }
    },
    async gate(name, check) {
      const startedAt = performance.now()
      try {
        await check()
        passed++
        say(`ok   ${name} (${secondsSince(startedAt)} s)`)
        return true
      } catch (thrown) {
        failed++
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        say(`FAIL ${name} (${secondsSince(startedAt)} s)\n${why}`)
        return false
      }
    },
    add(name, counts, seconds) {
      passed += counts.passed
      failed += counts.failed
      const took = seconds === undefined ? '' : ` (${seconds} s)`
      say(`---- ${name}: ${counts.passed} passed, ${counts.failed} failed${took}`)
    },
  }
}

export function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}
