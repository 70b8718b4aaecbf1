import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { findAnvil, NO_ANVIL } from './find-anvil.ts'

/** The chain id that tools know a developer's chain by. */
export const LOCAL_CHAIN_ID = 31_337

/**
 * A transaction is mined at once; empty blocks only let time pass for views. Each costs 1.5 KB of state that is kept
 * and written again and again (measured), so one a second would be 130 MB a day.
 */
export const LOCAL_BLOCK_SECONDS = 10

/** Old states to keep for calls at a block: ten minutes of empty blocks. Without this bound: 50 KB a block. */
const KEPT_STATES = 64

/** What is lost at most when anvil is killed: each time all of the state is written, whatever has changed. */
const STATE_INTERVAL_SECONDS = 5

/**
 * A state that has grown by so much is trimmed, for which anvil starts anew behind its port: a second without an answer.
 * An answer that is paid for takes 25 KB, so this is 600 of them, and what is written is 3 MB a second at most.
 */
const TRIM_AFTER_BYTES = 16 * 1024 * 1024

/** The contracts are compiled for this (`evm_version`). */
const HARDFORK = 'cancun'

const START_LIMIT_MS = 20_000

export interface AnvilInit {
  /** Tried first. @default 0, a free one */
  readonly port?: number
  /** A file that the state is read from and kept in. @default none */
  readonly stateFile?: string
  /** The web origins that may read from it. @default none: other pages must not be able to play with the chain */
  readonly allowOrigins?: readonly string[]
  /** @default LOCAL_BLOCK_SECONDS */
  readonly blockSeconds?: number
  /** Growth of the state file after which it is trimmed. @default TRIM_AFTER_BYTES */
  readonly trimAfterBytes?: number
}

/** What `anvil-keeper.ts` is told. */
export interface KeeperOrder {
  readonly program: string
  readonly args: readonly string[]
  /** What stands before anvil, so that pages may read from it. */
  readonly gate?: { readonly port: number; readonly origins: readonly string[] }
  /** What it keeps on disk, which is trimmed when it has grown. */
  readonly state?: { readonly file: string; readonly trimAfterBytes: number }
}

/** A chain on this machine. */
export interface Anvil {
  readonly url: string
  readonly port: number
  /** Of the process that holds it; a test kills it. */
  readonly pid: number
  /** Resolves when it has ended, by whatever. */
  readonly ended: Promise<void>
  /** Keeps the state and ends. */
  stop(): Promise<void>
}

/** Starts a chain that ends with this process. Throws with what to do when there is no anvil or it does not start. */
export async function startAnvil({
  port = 0,
  stateFile,
  allowOrigins = [],
  blockSeconds = LOCAL_BLOCK_SECONDS,
  trimAfterBytes = TRIM_AFTER_BYTES,
}: AnvilInit = {}): Promise<Anvil> {
  const program = findAnvil()
  if (program === undefined) throw new Error(NO_ANVIL)
  const state =
    stateFile === undefined ? [] : ['--state', stateFile, '--state-interval', String(STATE_INTERVAL_SECONDS)]
  const gate = allowOrigins.length > 0 ? { port, origins: allowOrigins } : undefined
  const args = [
    ...['--host', '127.0.0.1', '--port', String(gate ? 0 : port), '--chain-id', String(LOCAL_CHAIN_ID)],
    ...['--hardfork', HARDFORK, '--accounts', '0', '--prune-history', String(KEPT_STATES)],
    ...['--mixed-mining', '--block-time', String(blockSeconds), '--no-cors', ...state],
  ]
  const kept = stateFile === undefined ? undefined : { file: stateFile, trimAfterBytes }
  const order: KeeperOrder = { program, args, ...(gate && { gate }), ...(kept && { state: kept }) }
  const keeper = fileURLToPath(new URL('anvil-keeper.ts', import.meta.url))
  // Of its own group, so that Ctrl-C in a terminal ends the relay first and the chain after it.
  const child = spawn(process.execPath, [keeper, JSON.stringify(order)], { stdio: 'pipe', detached: true })
  const ended = once(child, 'exit').then(() => undefined)
  const words: string[] = []
  child.stderr.on('data', (chunk: Buffer) => words.length < 20 && words.push(chunk.toString()))
  const late = AbortSignal.timeout(START_LIMIT_MS)
  const listening = once(child.stdout, 'data', { signal: late }) as Promise<[Buffer]>
  const started = await Promise.race([listening, ended]).catch(() => undefined)
  if (!started) {
    child.kill('SIGTERM')
    await ended
    throw new Error(`The local chain did not start. ${words.join('').trim().slice(0, 500)}`)
  }
  const bound = Number(started[0].toString().trim())
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.stdin.destroy()
      await ended
    },
  }
}
