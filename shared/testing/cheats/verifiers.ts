import type { Engine, ScoreRequest, TokenScore } from '../../engine/engine.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { MARGIN_FILTERED } from '../../engine/sampler/sampler.ts'
import { sellingAs, type CheatingEngine } from './cheat.ts'
import { madeUpSketches } from './signed-sketches.ts'

/**
 * Finds nothing wrong with its accomplice's answers: it reads them with the smaller model, as the accomplice wrote them,
 * and calls every token right. Alone it could not: it is bound to its own sketches before it sees the provider's.
 */
export const alwaysAgrees: CheatingEngine = ({ honest, smaller }) =>
  readingAs(honest, async (request) =>
    (await smaller.score(request)).map(({ sketch }) => ({ margin: 0, sketch })),
  )

/** Accuses everybody, and reads nothing. */
export const alwaysAccuses: CheatingEngine = ({ honest }) =>
  readingAs(honest, async ({ outputTokens, priorTokens = [] }) =>
    madeUpScores(outputTokens.length, { margin: MARGIN_FILTERED, seed: priorTokens.length + 1 }),
  )

/** Says what another verifier published of the same answer, and that all is well where nobody did. It reads nothing. */
export const copiedVerdict: CheatingEngine = ({ honest, published }) =>
  readingAs(
    honest,
    async (request) =>
      published(request) ?? madeUpScores(request.outputTokens.length, { margin: 0, seed: 1 }),
  )

/** An engine that writes as the honest one, and reads otherwise. */
function readingAs(honest: Engine, read: (request: ScoreRequest) => Promise<readonly TokenScore[]>): Engine {
  const engine = sellingAs(honest, (request, options) => honest.generate(request, options))
  return { ...engine, score: read }
}

function madeUpScores(
  count: number,
  { margin, seed }: { readonly margin: number; readonly seed: number },
): readonly TokenScore[] {
  const sketches = madeUpSketches(count, seed)
  return Array.from({ length: count }, (_, at) => ({
    margin,
    sketch: sketches.slice(at * SKETCH_SIZE, (at + 1) * SKETCH_SIZE),
  }))
}
