import type { PrivateKey } from '@libp2p/interface'
import type { PeerName } from '../base/ids.ts'
import { baseUnits } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { WRITING } from '../models/task.ts'
import type { Quote } from '../prompt/prompt.ts'
import { isRedeemable } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { isPaid, type OutgoingCredit } from '../stream/credit.ts'
import type { Transcript } from '../stream/transcript.ts'
import { envelopeFor } from '../verify/calibration/envelope-for.ts'
import type { Envelope } from '../verify/calibration/envelope.ts'
import { encodeEvidence } from '../verify/evidence/evidence.ts'
import { checkFits, openCase, scoreRequestOf, type CheckCase } from '../verify/service/check-case.ts'
import { checkTermsOf, costOfCheck } from '../verify/service/check-terms.ts'
import { VERIFY_PROTOCOL } from '../verify/service/constants.ts'
import { bindReading, concludeReading } from '../verify/service/own-reading.ts'
import { requestVerdict, type ReceivedVerdict } from '../verify/service/request-verdict.ts'
import type { CheckBy, CheckEvent, CheckReport } from './check-events.ts'
import { fetchOpenings, type FetchedOpenings } from './fetch-openings.ts'
import { OwnFailure } from './job-failure.ts'
import { openPaidStream, type PaidStream } from './paid-stream.ts'
import { ProviderSearch, type SearchComponents } from './provider-search.ts'

export interface CheckComponents extends SearchComponents {
  /** Signs what this peer finds itself. */
  readonly key: PrivateKey
}

type Events<T> = AsyncGenerator<CheckEvent, T, void>
type ByPeer = Extract<CheckBy, { by: 'peer' }>

/** What a verifier that means well says: it is asked no more now, and not blamed. */
const NOT_TO_BLAME: ReadonlySet<ErrorCode> = new Set([
  'verify.busy',
  'verify.rate-limited',
  'verify.no-verifier',
  'stream.busy',
  'stream.draining',
  'stream.refused',
  'models.unknown',
  'engine.other-task',
  'engine.context-full',
  'wire.other-version',
  'prompt.quote-unknown',
  'prompt.quote-expired',
  'prompt.quote-limit',
  'prompt.price-too-high',
])

/** So many verifiers are paid that give no verdict; then nobody else is. */
const MAX_PAID_FOR_NOTHING = 2

/** Has one answer checked, by this peer's engine or by a verifier of the network. See `Peer.check`. */
export async function* check(
  components: CheckComponents,
  transcript: Transcript,
  by: CheckBy,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Events<CheckReport> {
  try {
    const opened = await openCase(transcript)
    const report =
      by.by === 'self'
        ? yield* checkHere(components, opened, by.engine, signal)
        : yield* new PeerCheck(components, opened, by, signal).run()
    yield { type: 'done', report }
    return report
  } catch (thrown) {
    if (signal?.aborted) throw new InfernetError('stream.cancelled')
    throw thrown instanceof OwnFailure ? thrown.reason : InfernetError.from(thrown)
  }
}

/** Reads the answer with an engine of this peer. Its verdict bears this peer's name. */
async function* checkHere(
  components: CheckComponents,
  opened: CheckCase,
  engine: Engine,
  signal: AbortSignal | undefined,
): Events<CheckReport> {
  const { name, clock, random, key } = components
  const { info } = engine
  if (info.model !== opened.model || !info.dtype) throw new InfernetError('models.unknown')
  checkFits(opened, info)
  const envelope = envelopeFor(info.dtype)
  yield { type: 'reading', verifier: name }
  const reading = bindReading(await engine.score(scoreRequestOf(opened), { signal }), random)
  yield { type: 'opening', verifier: name }
  const fetched = await fetchOpenings(components, opened, { signal })
  const cost = baseUnits(0n)
  const judged = await concludeReading(reading, fetched.opened, {
    ...{ case: opened, info, envelope, cost, key },
    at: clock.now(),
  })
  return reportOf(opened, {
    by: 'self',
    verifier: name,
    ...fetched,
    ...judged,
    ...reading,
    cost,
    spent: cost,
  })
}

/** Asks one verifier after the other, until one gives a verdict that holds. */
class PeerCheck {
  readonly #components: CheckComponents
  readonly #case: CheckCase
  readonly #by: ByPeer
  readonly #signal: AbortSignal | undefined
  readonly #envelope: Envelope
  readonly #search: ProviderSearch
  #fetched: FetchedOpenings | undefined
  /** What verifiers were paid who gave no verdict that holds. */
  #spent = 0n
  #paidForNothing = 0

  constructor(components: CheckComponents, opened: CheckCase, by: ByPeer, signal: AbortSignal | undefined) {
    this.#components = components
    this.#case = opened
    this.#by = by
    this.#signal = signal
    this.#envelope = envelopeFor(by.profile)
    const except = new Set<PeerName>([components.name, opened.proven.provider, ...(by.except ?? [])])
    this.#search = new ProviderSearch(components, {
      ...{ task: WRITING, model: opened.model, signal, except },
      isBegun: () => false,
    })
  }

  async *run(): Events<CheckReport> {
    for (let attempt = 1; ; attempt++) {
      this.#signal?.throwIfAborted()
      yield { type: 'searching', attempt }
      const assignments = await this.#assignments()
      if (!assignments) await this.#waitForSomeone()
      const { clock } = this.#components
      for (const [index, assignment] of (assignments ?? []).entries()) {
        if (index > 0 && !isRedeemable(assignment.quote, clock.monotonic())) break
        const report = yield* this.#askOne(assignment)
        if (report) return report
      }
    }
  }

  #assignments(): Promise<Assignment[] | undefined> {
    const { model, read } = this.#case
    const needs = {
      ...{ model, prefillTokens: read, outputTokens: 0, maxTokens: 1, maxPrice: {} },
      spent: this.#spent,
      maxCost: this.#by.maxCost,
    }
    return this.#search.assignments(needs, (offers) =>
      offers.filter(({ contextLength }) => contextLength > read),
    )
  }

  /** A relay that has just started may not know anybody yet; for all else nobody waits. */
  async #waitForSomeone(): Promise<void> {
    try {
      const { reason, wait } = this.#search.waitForSomeone()
      if (reason.code !== 'schedule.filling') throw reason
      await wait()
    } catch (thrown) {
      throw hasCode(thrown, 'schedule.no-provider') ? new InfernetError('verify.no-verifier') : thrown
    }
  }

  /** Gives nothing where the next verifier is to be asked. */
  async *#askOne(assignment: Assignment): Events<CheckReport | undefined> {
    const { provider: verifier, backend } = assignment.offer
    const { quote } = assignment.quote
    let credit: OutgoingCredit | undefined
    try {
      const cost = costOfCheck(quote, this.#case.read)
      this.#expectOther(assignment)
      this.#expectWithinLimit(cost)
      yield { type: 'asked', verifier, backend, cost }
      const paid = await openPaidStream(this.#components, assignment.connection, VERIFY_PROTOCOL, {
        openCredit: () => this.#openCredit(quote),
        signal: this.#signal,
      })
      credit = paid.credit
      const received = yield* this.#receive(assignment, paid)
      const { shown = 'withheld' } = this.#fetched ?? {}
      const spent = baseUnits(this.#spent + received.cost)
      return reportOf(this.#case, { ...received, by: 'peer', verifier, shown, spent })
    } catch (thrown) {
      if (this.#signal?.aborted || thrown instanceof OwnFailure) throw thrown
      const reason = InfernetError.from(thrown)
      if (credit && credit.paid > 0n) {
        this.#spent += credit.paid
        if (++this.#paidForNothing >= MAX_PAID_FOR_NOTHING) throw new OwnFailure(reason)
      }
      this.#search.fail(verifier, reason, {
        hasLearned: credit?.hasLearned ?? false,
        isToBlame: !NOT_TO_BLAME.has(reason.code),
      })
      yield { type: 'passed-over', verifier, reason }
      return undefined
    }
  }

  /** Two peers of one operator are one witness. */
  #expectOther({ quote: { quote } }: Assignment): void {
    const operator = this.#case.quote.payment?.operator
    if (operator !== undefined && operator === quote.payment?.operator)
      throw new InfernetError('verify.no-verifier')
  }

  /** Its quote may be from before another one was paid. */
  #expectWithinLimit(cost: bigint): void {
    const { maxCost } = this.#by
    if (maxCost !== undefined && this.#spent + cost > maxCost)
      throw new InfernetError('prompt.price-too-high')
  }

  async #openCredit(quote: Quote): Promise<OutgoingCredit | undefined> {
    const { payer } = this.#by
    if (!payer || !isPaid(quote)) return undefined
    const terms = checkTermsOf(quote, { consumer: this.#components.name, read: this.#case.read })
    return payer.open(terms, { signal: this.#signal }).catch((thrown: unknown) => {
      throw new OwnFailure(InfernetError.from(thrown, 'payment.no-record'))
    })
  }

  async *#receive(
    { offer: { provider: verifier }, quote: { quote } }: Assignment,
    { stream, credit }: PaidStream,
  ): Events<ReceivedVerdict> {
    const stages = requestVerdict(
      stream,
      {
        ...{ verifier, quote, credit, case: this.#case, envelope: this.#envelope },
        openings: (signal) => this.#openings(signal),
      },
      { clock: this.#components.clock, signal: this.#signal },
    )
    try {
      for (;;) {
        const next = await stages.next()
        if (next.done) return next.value
        yield { type: next.value, verifier }
      }
    } finally {
      await stages.return(undefined as never)
    }
  }

  /** Fetched once: they are the same for every verifier. */
  async #openings(signal: AbortSignal): Promise<FetchedOpenings> {
    this.#fetched ??= await fetchOpenings(this.#components, this.#case, { signal })
    return this.#fetched
  }
}

function reportOf(
  { transcript, proven }: CheckCase,
  found: Omit<CheckReport, 'jobId' | 'provider' | 'transcript' | 'evidence'>,
): CheckReport {
  const { by, verifier, verdict, signed, own, salt, shown, openings, forgery, cost, spent } = found
  const { jobId, provider } = proven
  const evidence = encodeEvidence({
    ...{ transcript, verifier, verdict: signed, own, salt },
    openings: openings.length > 0 ? openings : undefined,
    forgery,
  })
  return {
    ...{ jobId, provider, transcript, by, verifier, verdict, signed, own, salt },
    ...{ shown, openings, forgery, evidence, cost, spent },
  }
}
