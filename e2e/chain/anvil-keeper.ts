/**
 * Runs anvil for exactly as long as somebody holds our standard input: a parent that was killed cannot say goodbye,
 * and a chain that outlives it would hold its port and write its state for ever. `node anvil-keeper.ts <order>`, where
 * the order is a `KeeperOrder` as JSON; the one line that comes out is the port to ask at.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { KeeperOrder } from './anvil.ts'
import { prepareState } from './chain-state.ts'
import { startOriginGate } from './origin-gate.ts'

/** Writing the state takes 0.2 s; one that hangs is cut. */
const STOP_LIMIT_MS = 5000

/** How often the size of the state is looked at. */
const LOOK_MS = 2000

const { program, args, gate, state } = JSON.parse(process.argv[2] ?? '') as KeeperOrder
/** Of the one that runs; it stays the same when another takes its place. */
let boundPort: number | undefined
let isStopping = false
let isTrimming = false
let smallest = sizeOfState()
let anvil = start(args)
if (state) setInterval(trimWhenLarge, LOOK_MS).unref()
process.stdout.on('error', () => undefined)

const stop = (): void => {
  isStopping = true
  anvil.kill('SIGTERM')
  setTimeout(() => anvil.kill('SIGKILL'), STOP_LIMIT_MS).unref()
}
process.stdin.resume().on('end', stop).on('error', stop)
process.on('SIGTERM', stop)
// Ctrl-C reaches the whole terminal; the chain goes last, when its parent lets go.
process.on('SIGINT', () => undefined)

function start(given: readonly string[]): ChildProcess {
  const child = spawn(program, given, { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const port = /^Listening on \S+:(\d+)$/.exec(line)?.[1]
    if (port !== undefined && boundPort === undefined) void tell(Number(port)).catch(fail)
  })
  child.on('error', (cause) => {
    process.stderr.write(`${cause.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (isTrimming && !isStopping) return restart()
    process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1))
  })
  return child
}

async function tell(target: number): Promise<void> {
  boundPort = target
  const port = gate ? await startOriginGate({ ...gate, target }) : target
  process.stdout.write(`${port}\n`)
}

/** anvil keeps in memory what it keeps on disk, so only one that starts from a trimmed state is small again. */
function trimWhenLarge(): void {
  const size = sizeOfState()
  if (size > 0 && size < smallest) smallest = size
  if (isStopping || isTrimming || boundPort === undefined || size < smallest + (state?.trimAfterBytes ?? 0))
    return
  isTrimming = true
  anvil.kill('SIGTERM') // it writes its state first
}

function restart(): void {
  isTrimming = false
  try {
    if (state) prepareState(state.file)
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    process.exit(1)
  }
  smallest = sizeOfState()
  const at = args.indexOf('--port')
  anvil = start(args.map((arg, index) => (index === at + 1 ? String(boundPort) : arg)))
}

function sizeOfState(): number {
  return (state && statSync(state.file, { throwIfNoEntry: false })?.size) ?? 0
}

/** Without its gate nobody can ask: the chain ends in order, and the port is not told. */
function fail(thrown: unknown): void {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  stop()
}
