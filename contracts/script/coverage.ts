/**
 * `node contracts/script/coverage.ts`: which lines and branches of the contracts forge's tests reach. forge finds the
 * sources of packages for this only inside its root, so it works on a copy that has them there.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { needFoundry } from './foundry.ts'

export interface Coverage {
  readonly file: string
  /** Hit and all. */
  readonly lines: readonly [number, number]
  readonly branches: readonly [number, number]
}

const FOLDER = fileURLToPath(new URL('../', import.meta.url))
const LIMIT_MS = 600_000
/** What the money contracts are held to. */
const MIN_LINES = 1
const MIN_BRANCHES = 0.95

if (import.meta.main) {
  for (const { file, lines, branches } of measureCoverage())
    console.log(`${file}: lines ${lines.join('/')}, branches ${branches.join('/')}`)
}

/** @throws Error with forge's words, or that names the files which are below what is asked. */
export function checkCoverage(): void {
  const low = measureCoverage().filter(
    ({ lines, branches }) => share(lines) < MIN_LINES || share(branches) < MIN_BRANCHES,
  )
  if (low.length > 0) throw new Error(`Not covered enough: ${low.map(({ file }) => file).join(', ')}.`)
}

/** By source, in the order of their names. Walks and gas are left out: what they reach alone is not tested. */
export function measureCoverage(): readonly Coverage[] {
  const root = mkdtempSync(join(tmpdir(), 'infernet-coverage-'))
  try {
    cpSync(FOLDER, root, { recursive: true, filter: (path) => !path.includes('/.cache') })
    symlinkSync(join(FOLDER, '../node_modules'), join(root, 'node_modules'))
    const config = join(root, 'foundry.toml')
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll('../node_modules', 'node_modules'))
    const report = join(root, 'lcov.info')
    const { status, stdout, stderr } = spawnSync(
      needFoundry('forge'),
      // prettier-ignore
      ['coverage', '--report', 'lcov', '--report-file', report, '--no-match-path', 'test/{invariant/*,Gas.t.sol}'],
      {
        cwd: root,
        encoding: 'utf8',
        timeout: LIMIT_MS,
        maxBuffer: 1 << 28,
        env: { ...process.env, FOUNDRY_PROFILE: 'mutants' },
      },
    )
    if (status !== 0)
      throw new Error(`forge coverage ended with ${status}: ${`${stdout}\n${stderr}`.slice(-4000)}`)
    return readReport(readFileSync(report, 'utf8'))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function readReport(lcov: string): Coverage[] {
  return lcov
    .split('end_of_record')
    .map((record) => {
      const count = (key: string): number => Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0)
      const file = /^SF:(.+)$/m.exec(record)?.[1] ?? ''
      return {
        file,
        lines: [count('LH'), count('LF')] as const,
        branches: [count('BRH'), count('BRF')] as const,
      }
    })
    .filter(({ file }) => file.startsWith('src/'))
    .sort((a, b) => a.file.localeCompare(b.file))
}

/** Of nothing, all is covered. */
function share([hit, all]: readonly [number, number]): number {
  return all === 0 ? 1 : hit / all
}
