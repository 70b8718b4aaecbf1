import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { CheckTask, ThreadReply } from './check-thread.ts'
import type { Draws } from './questions.ts'
import { sumTallies, type Tally } from './tally.ts'

/** Answers of one task: as many as the engine writes at once. */
const TASK_ANSWERS = 16

/** Threads that ask and check, one for each core. */
export interface CheckPool extends AsyncDisposable {
  /** Asks the first `count` questions and checks the answers. */
  check(cheat: string | undefined, count: number, draws?: Draws): Promise<Tally>
}

/** @throws Error when a thread does not come up */
export async function openCheckPool(threads: number): Promise<CheckPool> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./check-thread.ts', import.meta.url)),
  )
  await Promise.all(workers.map(nextMessage))
  return {
    async check(cheat, count, draws = 'page') {
      const tasks: CheckTask[] = []
      for (let at = 0; at < count; at += TASK_ANSWERS) {
        const size = Math.min(TASK_ANSWERS, count - at)
        tasks.push({ cheat, draws, questions: Array.from({ length: size }, (_, i) => at + i) })
      }
      return sumTallies((await Promise.all(workers.map((worker) => work(worker, tasks)))).flat())
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

/** Takes tasks as long as there are any. */
async function work(worker: Worker, tasks: CheckTask[]): Promise<readonly Tally[]> {
  const done: Tally[] = []
  for (let task = tasks.shift(); task; task = tasks.shift()) {
    const answered = nextMessage(worker)
    worker.postMessage(task)
    const reply = (await answered) as ThreadReply
    if ('error' in reply) throw new Error(`A check failed in its thread: ${reply.error}`)
    done.push(reply.tally)
  }
  return done
}

/** Rejects with what a thread dies of. */
async function nextMessage(worker: Worker): Promise<unknown> {
  const [message] = (await once(worker, 'message')) as [unknown]
  return message
}
