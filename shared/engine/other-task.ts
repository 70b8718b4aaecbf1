import { InfernetError } from '../errors/infernet-error.ts'
import { stoppable } from './stoppable.ts'
import type { Engine, EngineInfo } from './engine.ts'

/** The `embed` of a model that is no encoder. */
export function refuseEmbedding({ task }: Pick<EngineInfo, 'task'>): Engine['embed'] {
  return async () => {
    throw new InfernetError('engine.other-task', { task })
  }
}

/** What an encoder does not do. */
export function refuseWriting({ task }: Pick<EngineInfo, 'task'>): Pick<Engine, 'generate' | 'score'> {
  const refuse = (): never => {
    throw new InfernetError('engine.other-task', { task })
  }
  return {
    generate: () =>
      stoppable(
        (async function* () {
          refuse()
        })(),
        new AbortController(),
      ),
    score: async () => refuse(),
  }
}
