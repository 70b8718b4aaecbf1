/**
 * The contracts' invariants over random runs that are longer than those of `npm test`, and with another seed each time:
 * claims by both ways, floods of free addresses, stake that comes and goes, defaults and what is collected of them.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { rounds } from '#shared/testing/long-runs.ts'
import { findFoundry, needFoundry } from '../../contracts/script/foundry.ts'

const RUNS = rounds({ short: 24, full: 192 })
/** Calls in a row: a default needs a dozen to be opened, settled and collected, and several should meet. */
const DEPTH = 256
const LIMIT_MS = rounds({ short: 900_000, full: 3_600_000 })
const MAX_SEED = 2 ** 31
const CONTRACTS = fileURLToPath(new URL('../../contracts/', import.meta.url))

describe.skipIf(findFoundry('forge') === undefined)('the invariants of the contracts', () => {
  it('hold over long random runs', { timeout: LIMIT_MS }, () => {
    const seed = process.env['INFERNET_FUZZ_SEED'] ?? String(Math.floor(Math.random() * MAX_SEED))
    console.log(`The seed of the invariants: ${seed}, to be given as INFERNET_FUZZ_SEED.`)
    const { status, stdout, stderr } = spawnSync(
      needFoundry('forge'),
      ['test', '--match-path', 'test/invariant/*', '--fuzz-seed', seed],
      {
        cwd: CONTRACTS,
        encoding: 'utf8',
        timeout: LIMIT_MS,
        maxBuffer: 1 << 28,
        env: { ...process.env, FOUNDRY_INVARIANT_RUNS: String(RUNS), FOUNDRY_INVARIANT_DEPTH: String(DEPTH) },
      },
    )
    expect(status, `${stdout}\n${stderr}`.slice(-4000)).toBe(0)
    expect(stdout).toContain(`runs: ${RUNS}, calls: ${RUNS * DEPTH}`)
  })
})
