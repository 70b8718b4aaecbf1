import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { WITH_PARENT } from '../fixtures/with-parent.ts'
import { endOf } from '../fixtures/relay-process.ts'
import type { WatchOrder, WatchReading } from './watch-loop.ts'

/** Arguments for Node, with which a process can be watched; it needs an IPC channel. */
export const WATCHED = ['--expose-gc', '--import', new URL('watch-loop.ts', import.meta.url).href] as const

/** One of the honest side, in a process of its own. */
export class HonestProcess {
  readonly #child: ChildProcess
  readonly role: string

  constructor(role: string, child: ChildProcess) {
    this.role = role
    this.#child = child
  }

  /** Starts a script of this folder, and waits for the first thing that it sends. */
  static async start<T>(
    role: string,
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly process: HonestProcess; readonly first: T }> {
    const path = fileURLToPath(new URL(script, import.meta.url))
    const child = spawn(process.execPath, [...WITH_PARENT, ...WATCHED, path, ...args], {
      stdio: ['pipe', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    const started = new HonestProcess(role, child)
    return { process: started, first: await started.#next<T>('ready') }
  }

  /** Sends an order and waits for its answer, as long as the process lives. */
  async order<T>(order: object, answer: string): Promise<T> {
    if (!this.#child.connected) throw new Error(`the ${this.role} has ended`)
    const next = this.#next<T>(answer)
    this.#child.send(order)
    return next
  }

  /** What the loop did since it was last read. */
  read(): Promise<WatchReading> {
    return this.order({ watch: true } satisfies WatchOrder, 'reading')
  }

  stop(): Promise<void> {
    return endOf(this.#child)
  }

  /** The next message with that field. */
  #next<T>(field: string): Promise<T> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const hear = (message: Record<string, unknown>): void => {
        if (!(field in message)) return
        leave()
        resolve(message[field] as T)
      }
      const die = (code: number | null, signal: string | null): void => {
        leave()
        reject(new Error(`the ${this.role} ended with ${code ?? signal}`))
      }
      const leave = (): void => void child.off('message', hear).off('exit', die)
      child.on('message', hear).once('exit', die)
    })
  }
}
