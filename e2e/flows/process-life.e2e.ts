import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childrenOf } from '../chain/kill-chain.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { readStart } from '../fixtures/relay-process.ts'
import { takeTurn } from '../fixtures/start-process.ts'
import { until } from '../../relay/testing/fixtures.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** `/proc` tells who started whom. */
const hasProc = existsSync('/proc/self/task')

let folder: string
const left: number[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infernet-life-'))
})
afterEach(async () => {
  for (const pid of left.splice(0)) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** As a person types it, so that npm and its shell stand between. */
function npmStart(): ChildProcess {
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, INFERNET_DATA_FOLDER: folder },
  })
  left.push(child.pid ?? 0)
  return child
}

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`)

/** All that a process started, and they in turn. */
function below(pid: number): number[] {
  const children = childrenOf(pid).filter((each) => each > 0)
  return [...children, ...children.flatMap(below)]
}

/** What a process runs, without the path to it. */
async function programsOf(pids: readonly number[]): Promise<string[]> {
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')))
  return lines.map((line) => line.replaceAll('\0', ' '))
}

it.runIf(hasProc).for([
  ['npm is asked to end', 'SIGTERM', 'npm'],
  ['npm is killed', 'SIGKILL', 'npm'],
  ['the launcher is killed', 'SIGKILL', 'launcher'],
] as const)('nothing of npm start is left when %s', async ([, signal, whom]) => {
  await using _turn = await takeTurn()
  const npm = npmStart()
  await readStart(npm)
  const pids = below(npm.pid ?? 0)
  left.push(...pids)
  const programs = await programsOf(pids)
  const at = (name: string): number => programs.findIndex((program) => program.includes(name))
  expect(at('e2e/run/start.ts')).toBeGreaterThanOrEqual(0)
  expect(at('relay/main.ts')).toBeGreaterThanOrEqual(0)
  if (findAnvil() !== undefined) expect(at('anvil')).toBeGreaterThanOrEqual(0)
  const launcher = pids[programs.findIndex((program) => /^\S*node \S*e2e\/run\/start\.ts/.test(program))] ?? 0
  process.kill(whom === 'npm' ? (npm.pid ?? 0) : launcher, signal)
  await until('all of it to be gone', () => !pids.some(isRunning))
})

it('a second start on the same folder ends at once, and says where the first one is', async () => {
  await using _turn = await takeTurn()
  const first = npmStart()
  const { url } = await readStart(first)
  const second = npmStart()
  let said = ''
  second.stdout?.resume() // else its end is never told
  second.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect((await once(second, 'close'))[0]).toBe(1)
  const words =
    /^Infernet runs already on (\S+) \(process (\d+) at (\S+)\)\. Use that one, or stop it first\. /m.exec(
      said,
    )
  expect(words?.slice(1)).toEqual([folder, expect.stringMatching(/^\d+$/), url])
  process.kill(Number(words?.[2]), 'SIGTERM') // the relay itself
  await once(first, 'close')
})
