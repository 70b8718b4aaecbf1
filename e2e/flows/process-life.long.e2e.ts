import { it } from 'vitest'
import { expectNothingLeft, hasProc } from '../fixtures/npm-starts.ts'

it.runIf(hasProc)('nothing of npm start is left when npm is asked to end', () =>
  expectNothingLeft('SIGTERM', 'npm'),
)

it.runIf(hasProc)('nothing of npm start is left when the launcher is killed', () =>
  expectNothingLeft('SIGKILL', 'launcher'),
)
