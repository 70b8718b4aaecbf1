import { InfernetError } from '../../errors/infernet-error.ts'
import { checkOpening, type OpenedSketch, type SketchOpening } from '../../stream/sketch-tree.ts'
import type { SignedRoot } from '../../stream/transcript.ts'

/**
 * The sketches that some openings show, by rising position, each checked against the root that its provider signed.
 *
 * @param openings by rising position, at most one for each chunk
 * @param roots of the transcript (`Proven.roots`)
 * @throws InfernetError `verify.bad-openings` as `checkOpening`, and with `place` for a chunk that commits to nothing, is
 *   none of the job, or comes out of order
 */
export function checkOpenings(
  openings: readonly SketchOpening[],
  roots: readonly SignedRoot[],
): readonly OpenedSketch[] {
  const isInOrder = openings.every(({ from }, i) => from > (openings[i - 1]?.from ?? -1))
  if (!isInOrder) throw new InfernetError('verify.bad-openings', { reason: 'place' })
  return openings.flatMap((opening) => {
    const chunk = roots.find(({ from }) => from === opening.from)
    if (!chunk?.root) throw new InfernetError('verify.bad-openings', { reason: 'place' })
    return checkOpening(chunk.root, opening, chunk)
  })
}
