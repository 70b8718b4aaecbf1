import { sellingAs, wholeAnswer, type CheatingEngine } from './cheat.ts'
import { withRightSketches } from './signed-sketches.ts'

/** Runs a model with a layer less, and signs what that one says. */
export const smallerModel: CheatingEngine = ({ honest, smaller }) =>
  sellingAs(honest, (request, options) => smaller.generate(request, options))

/** Runs the 4-bit weights in place of the 32-bit ones. */
export const otherQuantisation: CheatingEngine = ({ honest, quantised }) =>
  sellingAs(honest, (request, options) => quantised.generate(request, options))

/** Writes with the smaller model, and reads the answer once with the right one to have its sketches. */
export const rightSketchesWrongTokens: CheatingEngine = ({ honest, smaller }) =>
  sellingAs(honest, async function* (request, options) {
    const answer = await wholeAnswer(smaller.generate(request, options))
    yield* withRightSketches(honest, request, answer)
  })

/** Behaves for what it takes for a probe, and for nothing else. */
export const probeRecogniser: CheatingEngine = ({ honest, smaller, isProbe }) =>
  sellingAs(honest, (request, options) =>
    (isProbe(request.promptTokens) ? honest : smaller).generate(request, options),
  )
