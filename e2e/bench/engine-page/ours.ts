import { createEngineRoom } from '../../engine/page/engine-room.ts'
import type { Side } from './side.ts'

const GREEDY = { temperature: 0, topP: 1 } as const

/** Our engine, in its worker and behind the interface that the page uses, as one of the sides. */
export function createOurSide(): Side {
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
    close: () => room.close(),
  }
}
