import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import { firstLink } from '../../stream/first-link.ts'
import type { OpenedSketch, SketchOpening } from '../../stream/sketch-tree.ts'
import type { Proven, Transcript } from '../../stream/transcript.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { checkOpenings } from './check-openings.ts'
import { OPENINGS_DEADLINE_MS } from './constants.ts'
import { openingsReplySchema } from './messages.ts'
import { openingKey } from './opening-key.ts'

/** The positions of which sketches can be opened: those under a root. In rising order. */
export function committedPositions({ roots }: Pick<Proven, 'roots'>): readonly number[] {
  return roots.flatMap(({ from, count, root }) =>
    root ? Array.from({ length: count }, (_, i) => from + i) : [],
  )
}

/** Sketches that a provider opened. */
export interface ReceivedOpenings {
  /** As they came, for a file. */
  readonly openings: readonly SketchOpening[]
  /** What they show, checked: exactly the positions that were asked for, in rising order. */
  readonly opened: readonly OpenedSketch[]
}

/**
 * Has a provider open sketches of a job, over a stream of `OPENINGS_PROTOCOL` to it that was just opened.
 *
 * @param job its transcript with the question shown, what that proves (`verifyTranscript`), and the wanted positions, in
 *   rising order, each of {@link committedPositions}, `MAX_ASKED_POSITIONS` at most
 * @throws InfernetError `verify.no-commitments` where nothing was committed to at a wanted position, `verify.bad-request`
 *   for a transcript without its question, `verify.bad-openings` for what is not what was signed, the provider's refusal
 *   by its code (`verify.not-kept`, `verify.rate-limited`), `wire.timeout` when it does not come in time, or what the
 *   stream throws
 */
export async function requestOpenings(
  stream: Stream,
  job: { readonly transcript: Transcript; readonly proven: Proven; readonly positions: readonly number[] },
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<ReceivedOpenings> {
  const frames = new FramedStream(stream, openingsReplySchema, clock)
  const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPENINGS_DEADLINE_MS })
  try {
    const request = requestOf(job)
    const openings = await withDeadline(
      clock,
      millis(OPENINGS_DEADLINE_MS),
      late,
      async (own) => {
        await frames.send(request, { signal: own })
        return receiveOpenings(frames, job.proven.roots.length, own)
      },
      { signal },
    )
    const opened = checkOpenings(openings, job.proven.roots)
    const isAsked =
      opened.length === job.positions.length &&
      opened.every(({ position }, i) => position === job.positions[i])
    if (!isAsked) throw new InfernetError('verify.bad-openings', { reason: 'place' })
    await frames.close()
    return { openings, opened }
  } catch (thrown) {
    frames.abort(thrown)
    throw thrown
  }
}

function requestOf({
  transcript: { jobId, hashes, shown },
  proven,
  positions,
}: Parameters<typeof requestOpenings>[1]): unknown {
  const committed = new Set(committedPositions(proven))
  if (!positions.every((at) => committed.has(at))) throw new InfernetError('verify.no-commitments')
  if (!shown.question) throw new InfernetError('verify.bad-request', { reason: 'question' })
  return { type: 'open', link: firstLink(jobId, hashes), key: openingKey(shown.question), positions }
}

/** @param limit chunks of the job: more openings are none of it */
async function receiveOpenings(
  frames: FramedStream<typeof openingsReplySchema>,
  limit: number,
  signal: AbortSignal,
): Promise<readonly SketchOpening[]> {
  const openings: SketchOpening[] = []
  for (;;) {
    const reply = await frames.receive({ signal }).catch((thrown: unknown) => {
      // What cannot be read is none of what was signed.
      const isGarbage = hasCode(thrown, 'wire.malformed') || hasCode(thrown, 'wire.too-large')
      throw isGarbage
        ? new InfernetError('verify.bad-openings', { reason: 'form' }, { cause: thrown })
        : thrown
    })
    if (reply.type === 'refused') throw errorFromPeer(reply.error)
    if (reply.type === 'done') return openings
    openings.push(reply.opening)
    if (openings.length > limit) throw new InfernetError('verify.bad-openings', { reason: 'form' })
  }
}
