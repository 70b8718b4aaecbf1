/** A chain of our own: anvil, on loopback. */
import { spawn, type ChildProcess } from 'node:child_process'
import { needFoundry } from './foundry.ts'

export interface Anvil {
  readonly rpcUrl: string
  /** Ends it and waits for that; it writes its state first, if it was told to keep one. */
  stop(): Promise<void>
}

export interface AnvilOptions {
  /** @default 0, a free one. */
  readonly port?: number
  /** More of anvil's flags, e.g. `['--state', file]`. */
  readonly args?: readonly string[]
}

const START_LIMIT_MS = 15_000
const STOP_LIMIT_MS = 10_000
const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/

/** @throws Error where anvil is missing, does not start in time, or ends at once, with its last words. */
export async function startAnvil({ port = 0, args = [] }: AnvilOptions = {}): Promise<Anvil> {
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--hardfork', 'cancun', ...args]
  const child = spawn(needFoundry('anvil'), flags, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }
  try {
    return { rpcUrl: `http://127.0.0.1:${await listeningPort(child, ended)}`, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

function listeningPort(child: ChildProcess, ended: Promise<void>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (why: string): void => reject(new Error(`anvil ${why}: ${said.slice(-500)}`))
    const timer = setTimeout(() => fail('did not start in time'), START_LIMIT_MS)
    // Read to the end, whatever comes: a full pipe would stop it. Only the beginning is kept.
    const listen = (data: Buffer): void => {
      if (said.length < 10_000) said += data.toString()
      const found = LISTENING.exec(said)?.[1]
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    void ended.then(() => {
      clearTimeout(timer)
      fail('ended')
    })
  })
}
