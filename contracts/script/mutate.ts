/**
 * `node contracts/script/mutate.ts [part of a path, or path:line ...] [--list]`: breaks the contracts on purpose, one
 * place at a time, and tells which breaks no test notices. Works on a copy; takes some seconds a mutant. The survivors
 * are explained in SECURITY.md.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { needFoundry } from './foundry.ts'

interface Mutant {
  readonly path: string
  readonly line: number
  readonly what: string
  readonly source: string
}

const FOLDER = fileURLToPath(new URL('../', import.meta.url))
const MUTANT_LIMIT_MS = 300_000
/** Interfaces hold no code, and the test coin no money. */
const SOURCES = 'src/{*,escrow/*,libraries/*}.sol'
const SWAPS: readonly (readonly [RegExp, string])[] = [
  [/(?<= )<(?= )/g, '<='],
  [/(?<= )<=(?= )/g, '<'],
  [/(?<= )>(?= )/g, '>='],
  [/(?<= )>=(?= )/g, '>'],
  [/(?<= )==(?= )/g, '!='],
  [/(?<= )!=(?= )/g, '=='],
  [/(?<= )&&(?= )/g, '||'],
  [/(?<= )\|\|(?= )/g, '&&'],
  [/(?<= )\+(?= )/g, '-'],
  [/(?<= )-(?= )/g, '+'],
  [/(?<= )\*(?= )/g, '/'],
  [/(?<= )\/(?= )/g, '*'],
  [/(?<= )\+=(?= )/g, '-='],
  [/(?<= )-=(?= )/g, '+='],
  [/\btrue\b/g, 'false'],
  [/\bfalse\b/g, 'true'],
  [/ (nonReentrant|nonReentrantView|onlyCourt|onlyOwner)\b/g, ''],
  [/\b(bps|proportion)Down\(/g, '$1Up('],
  [/\b(bps|proportion)Up\(/g, '$1Down('],
]
/** Whole statements: refusals, with or without braces, and all that ends on its own line. */
const STATEMENTS: readonly RegExp[] = [
  /^ +if \([^;{}]*\) revert [^;]*;\n/gm,
  /^ +if \([^;{}]*\) \{\s+revert [^;]*;\s+\}\n/gm,
  /^ +(?:delete |emit |_\w+\(|[\w.[\]]+ [-+]?= )[^;{}]*;\n/gm,
]
/** Which tests can notice a break: the others would only take time. */
const TESTS: readonly (readonly [RegExp, string])[] = [
  [/Stake\.sol/, 'test/Stake*.t.sol'],
  [/Models\.sol/, 'test/Models.t.sol'],
  [/Token\.sol/, 'test/Token.t.sol'],
  [/Shares\.sol/, 'test/{libraries/Shares,Sweep,Deposit,Default}.t.sol'],
  [
    /./,
    'test/{Deposit,Session,Withdraw,Pause,Claim,ClaimToPot,DailyCap,Signatures,Default,Sweep,EscrowConfig,Assets,Vectors}.t.sol',
  ],
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false } },
})
const mutants = globSync(SOURCES, { cwd: FOLDER })
  .sort()
  .flatMap(mutantsOf)
  .filter((mutant) => positionals.length === 0 || positionals.some((part) => describe(mutant).includes(part)))
if (values.list) for (const mutant of mutants) console.log(describe(mutant))
else runAll()

function runAll(): void {
  const root = mkdtempSync(join(tmpdir(), 'infernet-mutants-'))
  const copy = join(root, 'contracts')
  const survivors: string[] = []
  const counts = { killed: 0, survived: 0, uncompiled: 0 }
  try {
    cpSync(FOLDER, copy, { recursive: true, filter: (path) => !path.includes('.cache') })
    symlinkSync(join(FOLDER, '../node_modules'), join(root, 'node_modules'))
    if (test(copy, 'test/**/*.t.sol') !== 'passed') throw new Error('The tests do not pass as it is.')
    for (const [index, mutant] of mutants.entries()) {
      const fate = tryMutant(copy, mutant)
      counts[fate]++
      if (fate === 'survived') survivors.push(describe(mutant))
      console.error(`${index + 1}/${mutants.length} ${fate} ${describe(mutant)}`)
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  console.log(survivors.join('\n'))
  console.log(`${counts.killed} killed, ${counts.survived} survived, ${counts.uncompiled} did not compile`)
}

function tryMutant(copy: string, { path, source }: Mutant): 'killed' | 'survived' | 'uncompiled' {
  const file = join(copy, path)
  const original = readFileSync(file, 'utf8')
  writeFileSync(file, source)
  try {
    const tests = TESTS.find(([of]) => of.test(path))?.[1] ?? ''
    const outcome = test(copy, tests)
    return outcome === 'passed' ? 'survived' : outcome === 'failed' ? 'killed' : 'uncompiled'
  } finally {
    writeFileSync(file, original)
  }
}

function test(cwd: string, tests: string): 'passed' | 'failed' | 'uncompiled' {
  const { status, stdout, stderr } = spawnSync(
    needFoundry('forge'),
    ['test', '--match-path', tests, '--no-match-contract', 'Invariant|Gas', '--fail-fast'],
    {
      cwd,
      encoding: 'utf8',
      timeout: MUTANT_LIMIT_MS,
      // Quicker: one pipeline, and no warnings taken as errors, for a break leaves names unused.
      env: { ...process.env, FOUNDRY_PROFILE: 'mutants' },
    },
  )
  if (status === 0) return 'passed'
  return `${stdout}${stderr}`.includes('Compiler run failed') ? 'uncompiled' : 'failed'
}

function mutantsOf(path: string): Mutant[] {
  const text = readFileSync(join(FOLDER, path), 'utf8')
  const found: Mutant[] = []
  const add = (at: number, length: number, to: string): void => {
    const start = text.lastIndexOf('\n', at - 1) + 1
    const line = text.slice(start, text.indexOf('\n', at)).trim()
    if (/^(\/\/|\*|import|pragma)/.test(line)) return
    const from = text
      .slice(at, at + length)
      .trim()
      .replaceAll(/\s+/g, ' ')
    found.push({
      path,
      line: text.slice(0, at).split('\n').length,
      what: to === '' ? `without ${from}` : `${from} -> ${to}: ${line}`,
      source: text.slice(0, at) + to + text.slice(at + length),
    })
  }
  for (const [from, to] of SWAPS)
    for (const match of text.matchAll(from))
      add(match.index, match[0].length, to.replace('$1', match[1] ?? ''))
  for (const statement of STATEMENTS)
    for (const match of text.matchAll(statement)) add(match.index, match[0].length, '')
  return found.sort((a, b) => a.line - b.line)
}

function describe({ path, line, what }: Mutant): string {
  return `${path}:${line} ${what}`
}
