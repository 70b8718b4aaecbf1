/**
 * `node contracts/script/mutate.ts [part of a path, or path:line ...] [--since commit] [--list]`: breaks the contracts
 * on purpose, one place at a time, and tells which breaks no test notices; with `--since` only on lines that are
 * different from that commit. Works on a copy; takes some seconds a mutant. The survivors are explained in SECURITY.md.
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
  /** The first, and the last that the break touches. */
  readonly line: number
  readonly lastLine: number
  readonly what: string
  readonly source: string
}

interface Lines {
  readonly path: string
  readonly first: number
  readonly last: number
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
  [/(?<=[( ])!(?=[\w(])/g, ''],
  [/(?<=\bif \()([\w.]+)(?=\))/g, '!$1'],
  [/(?<=(?:return| =) )([\w.]+)(?= \?)/g, '!$1'],
]
/** Becomes one more. What is compared with zero has its comparison broken already. */
const NUMBER = /(?<![\w.]|[=<>!] |address\()\d[\d_]*(?![\w.])|(?<= = )\d[\d_]*/g
/** Whole statements: refusals, with or without braces, and all that ends on its own line, on a condition or without. */
const STATEMENTS: readonly RegExp[] = [
  /^ +if \([^;{}]*\) revert [^;]*;\n/gm,
  /^ +if \([^;{}]*\) \{\s+revert [^;]*;\s+\}\n/gm,
  /^ +if \([^;{}]*\) (?!revert )[^;{}]*;\n/gm,
  /^ +(?:delete |emit |_\w+\(|[\w.[\]]+ [-+]?= )[^;{}]*;\n/gm,
]
const ESCROW_TESTS =
  'test/{Deposit,Session,Withdraw,Pause,Claim,ClaimToPot,DailyCap,Signatures,Default,Sweep,EscrowConfig,Assets,Vectors,attacks/*}.t.sol'
/** Which tests can notice a break, the likeliest first: the others would only take time. */
const TESTS: readonly (readonly [RegExp, ...string[]])[] = [
  [/Stake\.sol/, 'test/{Stake*,attacks/{LateUnbond,LeftJail}}.t.sol'],
  [/Models\.sol/, 'test/{Models,attacks/SquattedRoyalty}.t.sol'],
  [/Token\.sol/, 'test/Token.t.sol'],
  [/Shares\.sol/, 'test/{libraries/Shares,Sweep,Deposit,Default}.t.sol'],
  [/Defaults\.sol/, 'test/{Default,attacks/WateredBond}.t.sol', ESCROW_TESTS],
  [/Claims\.sol/, 'test/{Claim,DailyCap,attacks/PayerDay}.t.sol', ESCROW_TESTS],
  [/Accounts\.sol/, 'test/{Deposit,Session,Withdraw}.t.sol', ESCROW_TESTS],
  [/./, 'test/{Claim,EscrowConfig,Sweep}.t.sol', ESCROW_TESTS],
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false }, since: { type: 'string' } },
})
const changed = values.since === undefined ? undefined : linesSince(values.since)
const mutants = globSync(SOURCES, { cwd: FOLDER })
  .sort()
  .flatMap(mutantsOf)
  .filter((mutant) => positionals.length === 0 || positionals.some((part) => describe(mutant).includes(part)))
  .filter((mutant) => changed?.some((lines) => touches(mutant, lines)) ?? true)
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
    const [, ...steps] = TESTS.find(([of]) => of.test(path)) ?? []
    for (const tests of steps) {
      const outcome = test(copy, tests)
      if (outcome !== 'passed') return outcome === 'failed' ? 'killed' : 'uncompiled'
    }
    return 'survived'
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

/** Runs of lines that a commit did not have, or had otherwise. */
function linesSince(commit: string): Lines[] {
  const { status, stdout, stderr } = spawnSync(
    'git',
    ['diff', '--relative', '--no-color', '--no-ext-diff', '--no-prefix', '-U0', commit, '--', 'src'],
    { cwd: FOLDER, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`git has no difference to ${commit}: ${stderr}`)
  const found: Lines[] = []
  let path = ''
  for (const row of stdout.split('\n')) {
    if (row.startsWith('+++ ')) path = row.slice('+++ '.length)
    const [, first, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(row) ?? []
    if (first !== undefined)
      found.push({ path, first: Number(first), last: Number(first) + Number(count) - 1 })
  }
  return found
}

function touches({ path, line, lastLine }: Mutant, lines: Lines): boolean {
  return path === lines.path && line <= lines.last && lastLine >= lines.first
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
      lastLine: text
        .slice(0, at + length)
        .trimEnd()
        .split('\n').length,
      what: to === '' ? `without ${from}` : `${from} -> ${to}: ${line}`,
      source: text.slice(0, at) + to + text.slice(at + length),
    })
  }
  for (const [from, to] of SWAPS)
    for (const match of text.matchAll(from))
      add(match.index, match[0].length, to.replace('$1', match[1] ?? ''))
  for (const { index, 0: number } of text.matchAll(NUMBER))
    add(index, number.length, String(Number(number.replaceAll('_', '')) + 1))
  // A bound that is one of two: either of them alone.
  for (const { index, 0: call } of text.matchAll(/\bShares\.min\(/g)) {
    const [whole, ...both] = partsOfCall(text, index, index + call.length)
    for (const one of both) add(index, whole.length, one)
  }
  for (const statement of STATEMENTS)
    for (const match of text.matchAll(statement)) add(match.index, match[0].length, '')
  return found.sort((a, b) => a.line - b.line)
}

/** A call from its name to its closing bracket, then each of its arguments. */
function partsOfCall(text: string, from: number, inside: number): [string, ...string[]] {
  const parts: string[] = []
  let begun = inside
  let depth = 1
  for (let at = inside; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')') depth--
    const ends = depth === 0 || (depth === 1 && text[at] === ',')
    if (ends) parts.push(text.slice(begun, at).trim())
    if (ends) begun = at + 1
    if (depth === 0) return [text.slice(from, at + 1), ...parts]
  }
  throw new Error(`A call at ${from} has no end.`)
}

function describe({ path, line, what }: Mutant): string {
  return `${path}:${line} ${what}`
}
