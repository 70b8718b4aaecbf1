import { createEngineRoom } from '../../engine/page/engine-room.ts'
import { holdings } from '../../engine/page/probe-workers.ts'
import type { Side } from './side.ts'

const GREEDY = { temperature: 0, topP: 1 } as const

export interface OurSide extends Side {
  /** How long it takes to check so many tokens of an answer, in milliseconds. */
  score(promptTokens: readonly number[], outputTokens: readonly number[]): Promise<number>
}

/** Our engine, in its worker and behind the interface that the page uses, as one of the sides. */
export function createOurSide(): OurSide {
  const room = createEngineRoom()
  return {
    load: async (model) => (await room.load(model)).loadMs,
    async answer({ prompts, tokens: maxTokens }) {
      const begun = performance.now()
      const requests = prompts.map((promptTokens) => ({ promptTokens, sampler: GREEDY, maxTokens }))
      const answers = await room.answer(requests)
      const totalMs = performance.now() - begun
      const firstMs = Math.min(...answers.map((answer) => answer.firstMs))
      return { tokens: answers.map(({ tokens }) => tokens), firstMs, spanMs: totalMs - firstMs }
    },
    async score(promptTokens, outputTokens) {
      const begun = performance.now()
      const scores = await room.score({ promptTokens, outputTokens, sampler: GREEDY })
      if (scores.length !== outputTokens.length) throw new Error('not every token was scored')
      return performance.now() - begun
    },
    submitMs: async () => (await holdings('engine')).submitMs,
    close: () => room.close(),
  }
}
