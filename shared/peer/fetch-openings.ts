import { millis, type Millis } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Random } from '../base/random.ts'
import { findOffers } from '../schedule/find-offers.ts'
import { OPENINGS_PROTOCOL } from '../verify/openings/constants.ts'
import { committedPositions } from '../verify/openings/read-openings.ts'
import { requestOpenings, type ReceivedOpenings } from '../verify/openings/request-openings.ts'
import type { CheckCase } from '../verify/service/check-case.ts'
import { FETCH_OPENINGS_DEADLINE_MS, MAX_OPENED_POSITIONS } from '../verify/service/constants.ts'
import type { ShownOpenings } from '../verify/service/request-verdict.ts'
import type { Shown } from './check-events.ts'
import { connect, openStream } from './connect.ts'
import type { SearchComponents } from './provider-search.ts'

/** What the provider showed, and how that went. */
export interface FetchedOpenings extends ShownOpenings {
  readonly shown: Shown
  /** Why nothing was shown. */
  readonly reason: InfernetError | undefined
}

/**
 * Asks the provider of an answer to open what it signed with it, at positions that it could not foresee.
 *
 * Whoever does not answer within the deadline, is gone or keeps nothing any more, withholds, and so does who sends what is
 * wrong and puts no name to it: nobody could be shown that. Whoever opens under its name what it did not sign, forges.
 *
 * @throws the signal's reason alone
 */
export async function fetchOpenings(
  components: SearchComponents,
  opened: CheckCase,
  {
    signal,
    limitMs = millis(FETCH_OPENINGS_DEADLINE_MS),
  }: { signal: AbortSignal | undefined; limitMs?: Millis },
): Promise<FetchedOpenings> {
  const positions = pickPositions(opened, components.random)
  if (positions.length === 0) return nothing('unsigned')
  const late = (): Error => new InfernetError('verify.withheld')
  try {
    const received = await withDeadline(
      components.clock,
      limitMs,
      late,
      (own) => askProvider(components, opened, positions, own),
      { signal },
    )
    return { shown: received.opened === 'forged' ? 'forged' : 'opened', ...received, reason: undefined }
  } catch (thrown) {
    signal?.throwIfAborted()
    return nothing('withheld', InfernetError.from(thrown, 'verify.withheld'))
  }
}

async function askProvider(
  components: SearchComponents,
  { held: transcript, proven, model }: CheckCase,
  positions: readonly number[],
  signal: AbortSignal,
): Promise<ReceivedOpenings> {
  const { clock, directories, offers, slowRelays: slow } = components
  const { provider } = proven
  const found = await findOffers(directories(), model, { clock, signal, slow }).then(
    (all) => all.map(({ offer }) => offer),
    () => [],
  )
  // A relay names some of many: where it was met a moment ago, that stands.
  const known = [...found, ...offers.recall(model, clock.now())]
  const addresses = known.find((offer) => offer.provider === provider)?.addresses ?? []
  const { connection } = await connect(components, provider, addresses, { signal })
  const stream = await openStream(components, connection, OPENINGS_PROTOCOL, { signal })
  return requestOpenings(stream, { transcript, proven, positions }, { clock, signal })
}

/** Of the tokens under a root, all, or so many by lot: who knew them before could sketch these alone. */
function pickPositions({ proven }: CheckCase, random: Random): readonly number[] {
  const signed = committedPositions(proven)
  if (signed.length <= MAX_OPENED_POSITIONS) return signed
  const lots = new DataView(random.bytes(4 * signed.length).buffer)
  return signed
    .map((position, i) => ({ position, lot: lots.getUint32(4 * i, true) }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, MAX_OPENED_POSITIONS)
    .map(({ position }) => position)
    .sort((a, b) => a - b)
}

function nothing(shown: Shown, reason?: InfernetError): FetchedOpenings {
  return { shown, openings: [], opened: undefined, reason }
}
