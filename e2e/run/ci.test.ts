import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const CI = fileURLToPath(new URL('../../.ci/run', import.meta.url))
const GREEN = 'echo "all is well"; echo "12 passed, 0 failed"'

describe.skipIf(process.platform !== 'linux')('.ci/run', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'infernet-ci-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** Runs it with an npm that does these things. */
  function run({ ci = 'true', test = GREEN, long = GREEN }: { ci?: string; test?: string; long?: string }) {
    const npm = `#!/bin/bash\ncase "$*" in ci) ${ci};; test) ${test};; "run test:long") ${long};; *) exit 9;; esac\n`
    writeFileSync(join(folder, 'npm'), npm)
    chmodSync(join(folder, 'npm'), 0o755)
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` }
    const { status, stdout } = spawnSync('bash', [CI], { env, encoding: 'utf8', timeout: 20_000 })
    return { status, last: stdout.trimEnd().split('\n').at(-1), stdout }
  }

  it('adds up both', () => {
    expect(run({ long: 'echo "3 passed, 0 failed"' })).toMatchObject({
      status: 0,
      last: '15 passed, 0 failed',
    })
  })

  it('runs the long ones also when the others fail, and fails', () => {
    const { status, last } = run({ test: 'echo "10 passed, 2 failed"; echo "npm error code 1" >&2; exit 1' })
    expect([status, last]).toEqual([1, '22 passed, 2 failed'])
  })

  it('says at its end what failed in both, whatever was printed in between', () => {
    const test = 'echo "FAILED a > b"; echo "       because"; echo "10 passed, 1 failed"; exit 1'
    const { stdout } = run({ test, long: `${GREEN}; exit 1` })
    expect(stdout.trimEnd().split('\n').slice(-4)).toEqual([
      'FAILED a > b',
      '       because',
      'FAILED npm run test:long ended with 1',
      '22 passed, 2 failed',
    ])
  })

  it('counts a crash as a failure', () => {
    expect(run({ test: 'echo "Segmentation fault"; exit 139' })).toMatchObject({
      status: 1,
      last: '12 passed, 1 failed',
    })
    expect(run({ long: 'kill -9 $$' })).toMatchObject({ status: 1, last: '12 passed, 1 failed' })
  })

  it('believes neither counts without a failure nor an exit code without counts', () => {
    expect(run({ test: `${GREEN}; exit 1` })).toMatchObject({ status: 1, last: '24 passed, 1 failed' })
    expect(run({ long: 'echo "0 failed"' })).toMatchObject({ status: 1, last: '12 passed, 1 failed' })
    expect(run({ long: 'true' })).toMatchObject({ status: 1, last: '12 passed, 1 failed' })
  })

  it('counts an installation that fails, and tests nothing then', () => {
    const { status, last, stdout } = run({ ci: 'exit 1' })
    expect([status, last]).toEqual([1, '0 passed, 1 failed'])
    expect(stdout).not.toContain('all is well')
  })
})
