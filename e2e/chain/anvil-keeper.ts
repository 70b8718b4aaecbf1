/**
 * Runs anvil for exactly as long as somebody holds our standard input: a parent that was killed cannot say goodbye,
 * and a chain that outlives it would hold its port and write its state for ever. `node anvil-keeper.ts <order>`, where
 * the order is a `KeeperOrder` as JSON; the one line that comes out is the port to ask at.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { KeeperOrder } from './anvil.ts'
import { startOriginGate } from './origin-gate.ts'

/** Writing the state takes 0.2 s; one that hangs is cut. */
const STOP_LIMIT_MS = 5000

const { program, args, gate } = JSON.parse(process.argv[2] ?? '') as KeeperOrder
const anvil = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
createInterface({ input: anvil.stdout }).on('line', (line) => {
  const port = /^Listening on \S+:(\d+)$/.exec(line)?.[1]
  if (port !== undefined) void tell(Number(port)).catch(fail)
})
process.stdout.on('error', () => undefined)

const stop = (): void => {
  anvil.kill('SIGTERM')
  setTimeout(() => anvil.kill('SIGKILL'), STOP_LIMIT_MS).unref()
}
process.stdin.resume().on('end', stop).on('error', stop)
process.on('SIGTERM', stop)
// Ctrl-C reaches the whole terminal; the chain goes last, when its parent lets go.
process.on('SIGINT', () => undefined)
anvil.on('error', (cause) => {
  process.stderr.write(`${cause.message}\n`)
  process.exit(1)
})
anvil.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1)))

async function tell(target: number): Promise<void> {
  const port = gate ? await startOriginGate({ ...gate, target }) : target
  process.stdout.write(`${port}\n`)
}

/** Without its gate nobody can ask: the chain ends in order, and the port is not told. */
function fail(thrown: unknown): void {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  stop()
}
