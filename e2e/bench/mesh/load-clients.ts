import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadOrder, LoadReport } from './load-client.ts'

const CLIENT = fileURLToPath(import.meta.resolve('./load-client.ts'))
/** One process runs this many nodes well beside the relay on two cores. */
const NODES_PER_PROCESS = 125

/** Tabs as a relay sees them, in processes of their own so that their work is not counted as the relay's. */
export class LoadClients implements AsyncDisposable {
  readonly #processes: readonly ChildProcess[]

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes
  }

  /** Resolves when all of them hold a reservation. */
  static async start(relay: string, count: number): Promise<LoadClients> {
    await using cleanUp = new AsyncDisposableStack()
    const processes = []
    for (let left = count; left > 0; left -= NODES_PER_PROCESS) {
      const nodes = String(Math.min(left, NODES_PER_PROCESS))
      const child = fork(CLIENT, [relay, nodes], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      cleanUp.defer(() => end(child))
      processes.push(child)
    }
    await Promise.all(processes.map((child) => reportOf(child, 'reserved')))
    cleanUp.move()
    return new LoadClients(processes)
  }

  /** From now on each provides a model: its offer is renewed as a tab's is. Resolves when all were taken once. */
  async offer(): Promise<void> {
    const taken = this.#processes.map((child) => reportOf(child, 'offered'))
    for (const child of this.#processes) child.send('offer' satisfies LoadOrder)
    await Promise.all(taken)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(end))
  }
}

function reportOf(child: ChildProcess, wanted: LoadReport): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (report) => report === wanted && resolve())
    child.once('exit', (code) =>
      reject(new Error(`a load client ended with ${code} before it had ${wanted}`)),
    )
  })
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
