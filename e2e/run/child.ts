import { spawn } from 'node:child_process'
import { ROOT } from '../fixtures/root.ts'

/** For what it started to end by itself. */
const GRACE_MS = 10_000

export interface ChildInit {
  /** After which it is ended. */
  readonly limitMs: number
  readonly env?: Readonly<Record<string, string>>
  /** Whether its words are kept for the caller, not printed as they come. @default false */
  readonly isQuiet?: boolean
}

export interface ChildEnd {
  /** Null when a signal ended it. */
  readonly status: number | null
  /** What it printed; empty unless it was quiet. */
  readonly output: string
  readonly isOverdue: boolean
}

const running = new Set<(signal: NodeJS.Signals) => void>()
let isEnding = false

/** Whether the whole run was told to end: nothing more is to be started. */
export const isStopped = (): boolean => isEnding

/** Has Ctrl-C, and the deadline of whoever started us, end what runs, so that the counts so far are still told. */
export function endChildrenOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      isEnding = true
      for (const end of running) end('SIGTERM')
    })
}

/** Runs a script of Node in a process group of its own, so that all of it ends with it. */
export function runNode(args: readonly string[], init: ChildInit): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...init.env },
      detached: true,
      stdio: init.isQuiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
    let isOverdue = false
    let grace: NodeJS.Timeout | undefined
    const end = (signal: NodeJS.Signals): void => {
      signalGroup(child.pid, signal)
      grace ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS)
    }
    const limit = setTimeout(() => {
      isOverdue = true
      end('SIGTERM')
    }, init.limitMs)
    const settle = (status: number | null): void => {
      clearTimeout(limit)
      clearTimeout(grace)
      running.delete(end)
      if (isOverdue || isEnding) signalGroup(child.pid, 'SIGKILL') // what it left behind
      resolve({ status, output, isOverdue })
    }
    running.add(end)
    child.once('error', (thrown) => {
      output += thrown.message
      settle(null)
    })
    child.once('close', settle)
  })
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // all of it has ended
  }
}
