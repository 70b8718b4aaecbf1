import { it } from 'vitest'
import { expectNothingLeft, hasProc } from '../fixtures/npm-starts.ts'

// `process-life.long.e2e.ts` has the other ways to end it, and a second start.
it.runIf(hasProc)('nothing of npm start is left when npm is killed', () =>
  expectNothingLeft('SIGKILL', 'npm'),
)
