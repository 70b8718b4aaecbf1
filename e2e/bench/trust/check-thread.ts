import { parentPort } from 'node:worker_threads'
import type { Engine } from '#shared/engine/engine.ts'
import { cheatNamed } from '#shared/testing/cheats/cheats.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import { checkLengths } from './check-lengths.ts'
import { questionOf, type Draws } from './questions.ts'
import { readingOnce } from './read-once.ts'
import { sumTallies, type Tally } from './tally.ts'

/** Answers that are to be asked for and checked, together. */
export interface CheckTask {
  /** Undefined asks an honest provider. */
  readonly cheat: string | undefined
  readonly draws: Draws
  /** Of `questionOf`. */
  readonly questions: readonly number[]
}

export type ThreadReply = { readonly tally: Tally } | { readonly error: string }

/** The entry of a thread of the bench: it has the engines of a provider and of a verifier, and takes one task at a time. */
if (!parentPort) throw new Error('check-thread.ts runs in a worker thread')
const port = parentPort
const loaded = await loadTinyParts()
const parts = { ...loaded, honest: readingOnce(loaded.honest) }
const envelope = envelopeFor('fp32')

port.on('message', (task: CheckTask) => {
  checkAll(task)
    .then((tally): ThreadReply => ({ tally }))
    .catch((thrown: unknown): ThreadReply => ({
      error: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown),
    }))
    .then((reply) => port.postMessage(reply))
    .catch((thrown: unknown) => console.error(thrown))
})
port.postMessage('ready')

async function checkAll({ cheat, draws, questions }: CheckTask): Promise<Tally> {
  const provider: Engine = cheat === undefined ? parts.honest : cheatNamed(cheat).wrap(parts)
  const pair = { provider, verifier: parts.honest, envelope }
  const asked = questions.map((number) => questionOf(number, parts.model, draws))
  return sumTallies(await Promise.all(asked.map((each) => checkLengths(pair, each))))
}
