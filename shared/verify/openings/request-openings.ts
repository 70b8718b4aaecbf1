import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import { CHUNK_TOKENS } from '../../stream/constants.ts'
import { firstLink } from '../../stream/first-link.ts'
import type { OpenedSketch, SketchOpening } from '../../stream/sketch-tree.ts'
import type { Proven, Transcript } from '../../stream/transcript.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { checkOpenings } from './check-openings.ts'
import { OPENINGS_DEADLINE_MS } from './constants.ts'
import { openingsReplySchema } from './messages.ts'
import { openingKey } from './opening-key.ts'
import { committedPositions, openedAsAsked, readOpenings, type GivenOpenings } from './read-openings.ts'
import { statementFrom } from './statement.ts'

/** What a provider opened, as it came. */
export interface ReceivedOpenings extends GivenOpenings {
  /**
   * What it shows, checked: exactly the positions that were asked for, in rising order. `forged` where it is something
   * else under the provider's name: that is shown by `forgery`.
   */
  readonly opened: readonly OpenedSketch[] | 'forged'
}

/** A job of which a provider is asked to open something. */
export interface AskedJob {
  readonly transcript: Transcript
  readonly proven: Proven
  readonly positions: readonly number[]
}

/** Hashes on the way from a leaf to the root of a whole chunk. */
const TREE_DEPTH = Math.log2(CHUNK_TOKENS)

/**
 * Has a provider open sketches of a job, over a stream of `OPENINGS_PROTOCOL` to it that was just opened.
 *
 * @param job its transcript with question and payment shown, what that proves (`verifyTranscript`), and the wanted positions, in
 *   rising order, each of {@link committedPositions}, `MAX_ASKED_POSITIONS` at most
 * @throws InfernetError `verify.no-commitments` where nothing was committed to at a wanted position, `verify.bad-request`
 *   for a transcript without its question, `verify.bad-openings` for what is not what was signed and bears no name, the
 *   provider's refusal by its code (`verify.not-kept`, `verify.rate-limited`), `wire.timeout` when it does not come in time, or what the
 *   stream throws
 */
export async function requestOpenings(
  stream: Stream,
  job: AskedJob,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<ReceivedOpenings> {
  const frames = new FramedStream(stream, openingsReplySchema, clock)
  const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPENINGS_DEADLINE_MS })
  try {
    const request = requestOf(job)
    const given = await withDeadline(
      clock,
      millis(OPENINGS_DEADLINE_MS),
      late,
      async (own) => {
        await frames.send(request, { signal: own })
        return receiveOpenings(frames, job, own)
      },
      { signal },
    )
    const received = await judgeReceived(given, job)
    await frames.close()
    return received
  } catch (thrown) {
    frames.abort(thrown)
    throw thrown
  }
}

function requestOf({ transcript: { jobId, hashes, shown }, proven, positions }: AskedJob): unknown {
  const committed = new Set(committedPositions(proven))
  if (!positions.every((at) => committed.has(at))) throw new InfernetError('verify.no-commitments')
  if (!shown.question) throw new InfernetError('verify.bad-request', { reason: 'question' })
  return {
    type: 'open',
    link: firstLink(jobId, hashes),
    key: openingKey(shown.question, shown.credit),
    positions,
  }
}

interface SaidOpenings {
  readonly openings: readonly SketchOpening[]
  readonly statement: Uint8Array | undefined
}

/** Takes no more than the positions can need, so that what was forged is small enough to be shown to others. */
async function receiveOpenings(
  frames: FramedStream<typeof openingsReplySchema>,
  { proven, positions }: AskedJob,
  signal: AbortSignal,
): Promise<SaidOpenings> {
  const openings: SketchOpening[] = []
  let leaves = 0
  for (;;) {
    const reply = await frames.receive({ signal }).catch((thrown: unknown) => {
      // What cannot be read is none of what was signed.
      const isGarbage = hasCode(thrown, 'wire.malformed') || hasCode(thrown, 'wire.too-large')
      throw isGarbage ? bad('form', thrown) : thrown
    })
    if (reply.type === 'refused') throw errorFromPeer(reply.error)
    if (reply.type === 'done') return { openings, statement: reply.optional?.statement }
    const { opening } = reply
    openings.push(opening)
    leaves += opening.leaves.length
    const isTooMuch =
      openings.length > proven.roots.length ||
      leaves > positions.length ||
      opening.siblings.length > TREE_DEPTH * opening.leaves.length
    if (isTooMuch) throw bad('form')
  }
}

async function judgeReceived(
  { openings, statement }: SaidOpenings,
  { transcript, proven, positions }: AskedJob,
): Promise<ReceivedOpenings> {
  const opened = openedAsAsked(openings, positions, proven)
  if (opened) return { openings, opened, forgery: undefined }
  if (!statement) {
    checkOpenings(openings, proven.roots) // says what is wrong with them
    throw bad('place')
  }
  const forgery = { positions, statement: statementFrom(statement) }
  const read = await readOpenings({ openings, forgery }, { transcript, proven })
  return { openings, opened: read ?? 'forged', forgery }
}

function bad(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('verify.bad-openings', { reason }, { cause })
}
