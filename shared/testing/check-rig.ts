import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { millis } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import type { Price, Quote, QuotePayment } from '../prompt/prompt.ts'
import { openQuote } from '../prompt/quote.ts'
import type { CreditVerifier, OutgoingCredit } from '../stream/credit.ts'
import type { LiveJob } from '../stream/job-service.ts'
import type { Screen } from '../stream/screen.ts'
import type { Transcript } from '../stream/transcript.ts'
import { unmeasuredEnvelope } from '../verify/calibration/hard-limits.ts'
import { openCase } from '../verify/service/check-case.ts'
import { checkOpenings } from '../verify/openings/check-openings.ts'
import {
  requestVerdict,
  type CheckStage,
  type ReceivedVerdict,
  type ShownOpenings,
} from '../verify/service/request-verdict.ts'
import { VerifyService } from '../verify/service/verify-service.ts'
import type { MadeAnswer } from './answers.ts'
import { connectedStreams, type TestPeer } from './peers.ts'
import { pricePerToken } from './prices.ts'
import { realRandom } from './real-clock.ts'

/** What nobody measured: exact engines agree, and what is beyond all bounds differs. */
export const ENVELOPE = unmeasuredEnvelope('fp32')

export interface CheckRigInit {
  readonly clock: Clock
  readonly engine: Engine
  readonly price?: Price
  readonly payment?: QuotePayment
  readonly till?: CreditVerifier
  readonly loadMs?: number
}

/** A verifier's desk and service, and askers that reach it over streams in memory. */
export class CheckRig {
  readonly service: VerifyService
  readonly desk: QuoteDesk
  /** The jobs that the verifier has; a test tells the service when it changes them. */
  jobs: LiveJob[] = []
  isDraining = false
  /** What the verifier does not want to read. */
  screen: Screen | undefined
  readonly #verifier: TestPeer
  readonly #init: CheckRigInit

  constructor(verifier: TestPeer, init: CheckRigInit) {
    const { clock, engine, price = pricePerToken(1n, 10n), payment, till, loadMs } = init
    this.#verifier = verifier
    this.#init = init
    this.desk = new QuoteDesk({
      ...{ key: verifier.key, clock, random: realRandom },
      termsOf: (model) =>
        model === engine.info.model
          ? {
              ...{ price, payment, queueMs: millis(0), isDraining: false },
              ...(loadMs !== undefined && { loadMs: millis(loadMs) }),
              ...{ prefillTokensPerSecond: 100, decodeTokensPerSecond: 10 },
              contextLength: engine.info.contextLength,
            }
          : undefined,
    })
    const jobs = (): readonly LiveJob[] => this.jobs
    this.service = new VerifyService({
      ...{ name: verifier.name, clock, key: verifier.key, random: realRandom, desk: this.desk },
      servedOf: (model) =>
        model === engine.info.model
          ? { engine, slots: 1, queue: 8, isDraining: this.isDraining, credit: till, screen: this.screen }
          : undefined,
      jobs: {
        get jobs() {
          return jobs()
        },
        countOf: (model) => this.jobs.filter((job) => job.model === model).length,
      },
      envelopeFor: () => ENVELOPE,
    })
  }

  /** A job of the verifier's model, as far as a check sees it. */
  someJob(): LiveJob {
    return { model: this.#init.engine.info.model } as unknown as LiveJob
  }

  /** @param read tokens that the check will read */
  async quoteFor(asker: TestPeer, read = 10): Promise<Quote> {
    const { model } = this.#init.engine.info
    const signed = await this.desk.quote(asker.name, {
      type: 'quote',
      model,
      promptTokens: read,
      maxTokens: 1,
    })
    return openQuote(signed, { provider: this.#verifier.name, consumer: asker.name })
  }

  /** A stream from the asker to the service; `done` settles when the service has let it go. */
  async connect(asker: TestPeer): Promise<{ stream: Stream; done: Promise<void>; connection: Connection }> {
    const { ours, theirs, connection } = await connectedStreams(asker)
    return { stream: ours, done: this.service.handle(theirs, connection), connection }
  }

  /** A whole check; what is opened may be changed. */
  async check(
    asker: TestPeer,
    { transcript, openings }: Pick<MadeAnswer, 'transcript' | 'openings'>,
    {
      shown,
      credit,
      quote,
      signal,
      onStage,
    }: {
      shown?: ShownOpenings
      credit?: OutgoingCredit
      quote?: Quote
      signal?: AbortSignal
      onStage?: (stage: CheckStage) => void
    } = {},
  ): Promise<ReceivedVerdict> {
    const { stream, done } = await this.connect(asker)
    const received = await ask(stream, this.#verifier, {
      ...{ transcript, openings, clock: this.#init.clock, quote: quote ?? (await this.quoteFor(asker)) },
      ...{ shown, credit, signal, onStage },
    }).finally(() => done)
    return received
  }
}

/** Asks over a stream that leads to a verifier, ours or one that lies. */
export async function ask(
  stream: Stream,
  verifier: TestPeer,
  asked: {
    readonly transcript: Transcript
    readonly openings: MadeAnswer['openings']
    readonly clock: Clock
    readonly quote: Quote
    readonly shown?: ShownOpenings | undefined
    readonly credit?: OutgoingCredit | undefined
    readonly signal?: AbortSignal | undefined
    readonly onStage?: ((stage: CheckStage) => void) | undefined
  },
): Promise<ReceivedVerdict> {
  const { transcript, openings, clock, quote, credit, signal, onStage } = asked
  const opened = await openCase(transcript)
  const usual = (): ShownOpenings => ({ openings, opened: checkOpenings(openings, opened.proven.roots) })
  const stages = requestVerdict(
    stream,
    {
      ...{ verifier: verifier.name, quote, credit, case: opened, envelope: ENVELOPE },
      openings: async () => asked.shown ?? usual(),
    },
    { clock, signal },
  )
  for (;;) {
    const next = await stages.next()
    if (next.done) return next.value
    onStage?.(next.value)
  }
}
