import { InfernetError } from '../../errors/infernet-error.ts'
import { firstLink } from '../../stream/first-link.ts'
import type { OpenedSketch, SketchOpening } from '../../stream/sketch-tree.ts'
import type { Proven, Transcript } from '../../stream/transcript.ts'
import type { Signed } from '../../wire/signed.ts'
import { checkOpenings } from './check-openings.ts'
import { checkStatement } from './statement.ts'

/** Shows that openings which are not what was signed are the provider's all the same. */
export interface ForgeryProof {
  /** What it was asked to open, in rising order. */
  readonly positions: readonly number[]
  /** Its word on what it was asked and what it gave (`signOpened`). */
  readonly statement: Signed
}

/** Openings as they are passed on. */
export interface GivenOpenings {
  readonly openings: readonly SketchOpening[]
  /** @default the openings are right, and prove themselves */
  readonly forgery?: ForgeryProof | undefined
}

/** The positions of which sketches can be opened: those under a root. In rising order. */
export function committedPositions({ roots }: Pick<Proven, 'roots'>): readonly number[] {
  return roots.flatMap(({ from, count, root }) =>
    root ? Array.from({ length: count }, (_, i) => from + i) : [],
  )
}

/**
 * What somebody shows of a provider's sketches. It is called forged where the provider itself put its name to it: that
 * it was asked for these positions, each of which it had committed to, and gave these openings, which are not what it
 * had signed, or not all of it. So a provider that opens only what suits it is shown as well, and one that says nothing
 * is not.
 *
 * @returns undefined where nothing was opened
 * @throws InfernetError `verify.bad-openings` for what is wrong and is not shown to be the provider's: whoever brought it
 * may have changed it
 */
export async function readOpenings(
  { openings, forgery }: GivenOpenings,
  job: { readonly transcript: Pick<Transcript, 'jobId' | 'hashes'>; readonly proven: Proven },
): Promise<readonly OpenedSketch[] | 'forged' | undefined> {
  const { roots, provider } = job.proven
  if (!forgery) return openings.length > 0 ? checkOpenings(openings, roots) : undefined
  const { positions, statement } = forgery
  const { jobId, hashes } = job.transcript
  await checkStatement(statement, { link: firstLink(jobId, hashes), positions, openings }, provider)
  const committed = new Set(committedPositions(job.proven))
  const isOfThis = positions.length > 0 && positions.every((at) => committed.has(at))
  if (!isOfThis) throw new InfernetError('verify.bad-openings', { reason: 'place' })
  return openedAsAsked(openings, positions, job.proven) ?? 'forged'
}

/** The sketches where the openings are right and show exactly these positions. */
export function openedAsAsked(
  openings: readonly SketchOpening[],
  positions: readonly number[],
  { roots }: Pick<Proven, 'roots'>,
): readonly OpenedSketch[] | undefined {
  try {
    const opened = checkOpenings(openings, roots)
    const isAsked =
      opened.length === positions.length && opened.every(({ position }, i) => position === positions[i])
    return isAsked ? opened : undefined
  } catch {
    return undefined
  }
}
