import { sellingAs, wholeAnswer, type CheatingEngine } from './cheat.ts'
import { withRightSketches } from './signed-sketches.ts'

/** The seed that it draws by, whatever was agreed on. */
const OWN_SEED = Uint8Array.from({ length: 32 }, (_, i) => 251 - i)

/** Draws by a seed of its own, which it could have tried until it liked the answer; its sketches are right. */
export const otherSeed: CheatingEngine = ({ honest }) =>
  sellingAs(honest, async function* (request, options) {
    const answer = await wholeAnswer(
      honest.generate({ ...request, seed: OWN_SEED, sketches: false }, options),
    )
    yield* withRightSketches(honest, request, answer)
  })

/** Draws at temperature 1 from all tokens, whatever was asked for: one setting for everybody. Its sketches are right. */
export const ignoredSampler: CheatingEngine = ({ honest }) =>
  sellingAs(honest, (request, options) =>
    honest.generate({ ...request, sampler: { ...request.sampler, temperature: 1, topP: 1 } }, options),
  )

/** Reads the second half of the prompt alone. */
export const shortenedContext: CheatingEngine = ({ honest }) =>
  sellingAs(honest, (request, options) => {
    const promptTokens = request.promptTokens.slice(request.promptTokens.length >> 1)
    return honest.generate({ ...request, promptTokens }, options)
  })

/** Reads the prompt in a form that the model's files do not say any more. */
export const staleTemplate: CheatingEngine = ({ honest, oldTemplate }) =>
  sellingAs(honest, (request, options) =>
    honest.generate({ ...request, promptTokens: oldTemplate(request.promptTokens) }, options),
  )
