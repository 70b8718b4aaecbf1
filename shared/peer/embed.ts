import { toHex } from '../base/bytes.ts'
import { jobId, type PeerName } from '../base/ids.ts'
import { millis, tokens, type Millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { ENCODING } from '../models/task.ts'
import { isRedeemable } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { Offer } from '../schedule/offer.ts'
import { STREAM_PROTOCOL } from '../stream/constants.ts'
import { tokensOf } from '../stream/embed-question.ts'
import { embedQuestionOf, type EmbedJob } from '../stream/job.ts'
import { SALT_BYTES } from '../stream/question.ts'
import { RunningJob } from '../stream/run-job.ts'
import { MAX_EMBED_TEXTS, MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { AnswerProgress } from './answer-progress.ts'
import { patienceMs } from './beside.ts'
import { isFinal, leaveSilent, openCredit, OwnFailure, stalledFor } from './job-failure.ts'
import {
  MAX_EMBED_REQUEST_TEXTS,
  type EmbedEvent,
  type EmbedRequest,
  type EmbedSummary,
  type Segment,
} from './peer.ts'
import { openPaidStream } from './paid-stream.ts'
import { ProviderSearch, type SearchComponents } from './provider-search.ts'
import { segmentOf } from './segment-of.ts'
import { watchedEvents } from './watched-job.ts'

/**
 * Words of a provider that cannot do it and is not to blame: an older one that knows no such job, one that has another
 * model under this name, or none any more.
 */
const NOT_TO_BLAME: ReadonlySet<ErrorCode> = new Set([
  'wire.malformed',
  'models.unknown',
  'engine.other-task',
])

export interface EmbedOptions {
  readonly signal: AbortSignal | undefined
  /** Who is not asked: this peer, whatever it is called. */
  readonly except: ReadonlySet<PeerName>
}

/**
 * Turns texts into vectors by the network: as many texts at a time as a job may have, and when a provider vanishes the
 * next one is given those that are not answered. See `Peer.embed`.
 */
export async function* embed(
  components: SearchComponents,
  request: EmbedRequest,
  options: EmbedOptions,
): AsyncGenerator<EmbedEvent, EmbedSummary, void> {
  checkRequest(request)
  const embedding = new Embedding(components, request, options)
  try {
    return yield* embedding.compute()
  } catch (thrown) {
    if (options.signal?.aborted) throw new InfernetError('stream.cancelled')
    throw thrown instanceof OwnFailure ? thrown.reason : InfernetError.from(thrown)
  }
}

/** @throws InfernetError `prompt.bad-parameters`, `prompt.too-long` */
function checkRequest({ texts }: EmbedRequest): void {
  const isFew = texts.length > 0 && texts.length <= MAX_EMBED_REQUEST_TEXTS
  if (!isFew || texts.some(({ length }) => length === 0))
    throw new InfernetError('prompt.bad-parameters', { parameter: 'texts' })
  const longest = longestOf(texts)
  if (longest > MAX_TEXT_TOKENS)
    throw new InfernetError('prompt.too-long', { tokens: longest, maxTokens: MAX_TEXT_TOKENS })
}

class Embedding {
  readonly #components: SearchComponents
  readonly #request: EmbedRequest
  readonly #signal: AbortSignal | undefined
  readonly #search: ProviderSearch
  /** What it costs and who did it; it counts texts by itself. */
  readonly #progress: AnswerProgress
  readonly #startedAt: Millis
  /** Texts that have their vectors. */
  #done = 0

  constructor(components: SearchComponents, request: EmbedRequest, { signal, except }: EmbedOptions) {
    this.#components = components
    this.#request = request
    this.#signal = signal
    this.#progress = new AnswerProgress(components.clock)
    this.#startedAt = components.clock.monotonic()
    const isBegun = (): boolean => this.#done > 0
    this.#search = new ProviderSearch(components, {
      ...{ task: ENCODING, model: request.model, signal, except, isBegun },
    })
  }

  async *compute(): AsyncGenerator<EmbedEvent, EmbedSummary, void> {
    for (let attempt = 1; this.#done < this.#request.texts.length; attempt++) {
      this.#signal?.throwIfAborted()
      yield { type: 'searching', attempt }
      const before = this.#done
      const assignments = await this.#assignments()
      if (!assignments) {
        const { reason, wait } = this.#search.waitForSomeone()
        yield { type: 'waiting', reason }
        await wait()
      }
      for (const [index, assignment] of (assignments ?? []).entries()) {
        const now = this.#components.clock.monotonic()
        if (index > 0 && !isRedeemable(assignment.quote, now)) break // so are the others: a new look is taken
        const others = assignments?.slice(index + 1) ?? []
        yield* this.#runAt(
          assignment,
          others.some(({ quote }) => isRedeemable(quote, now)),
        )
        if (this.#done > before) break // the other quotes were for these texts, and are old
      }
      if (this.#done > before) this.#search.progressed()
    }
    const summary = this.#summary()
    yield { type: 'done', summary }
    return summary
  }

  /** The texts of the next job: the first that are left, as many as one may have. */
  get #nextTexts(): readonly (readonly number[])[] {
    const left = this.#request.texts.slice(this.#done, this.#done + MAX_EMBED_TEXTS)
    let sum = 0
    const over = left.findIndex(({ length }) => (sum += length) > MAX_TEXT_TOKENS)
    return over < 0 ? left : left.slice(0, over)
  }

  #assignments(): Promise<Assignment[] | undefined> {
    const { model, maxCost, maxPromptPrice } = this.#request
    const needs = {
      ...{ model, maxCost, maxTokens: 1, outputTokens: 0, spent: this.#progress.spent },
      maxPrice: { prompt: maxPromptPrice },
      prefillTokens: tokensOf(this.#nextTexts),
    }
    return this.#search.assignments(needs, (offers) => this.#roomy(offers))
  }

  /** Those that hold the longest text. Whoever says beforehand that it holds less is not to blame, and not tried. */
  #roomy(offers: readonly Offer[]): readonly Offer[] {
    const wanted = longestOf(this.#request.texts)
    const roomy = offers.filter(({ contextLength }) => contextLength >= wanted)
    const maxTokens = Math.max(0, ...offers.map(({ contextLength }) => contextLength))
    if (roomy.length === 0 && offers.length > 0)
      this.#search.because(new InfernetError('prompt.too-long', { tokens: wanted, maxTokens }))
    return roomy
  }

  async *#runAt(assignment: Assignment, hasOthers: boolean): AsyncGenerator<EmbedEvent, void, void> {
    const from = this.#done
    const { provider } = assignment.offer
    let job: RunningJob | undefined
    try {
      job = await this.#open(assignment)
      yield* this.#follow(assignment, job, { from, hasOthers })
    } catch (thrown) {
      const segment = job && this.#segment(assignment, job, from)
      if (segment && (segment.due > 0n || segment.paid > 0n))
        yield {
          ...{ type: 'ended', wasAssigned: job?.isAccepted ?? false, segment },
          due: this.#progress.dueWith(segment),
        }
      if (job?.transcript) yield { type: 'proof', transcript: job.transcript }
      if (isFinal(thrown, job, this.#signal)) throw thrown
      const reason = InfernetError.from(thrown)
      leaveSilent(assignment, reason)
      if (segment) this.#progress.endSegment(segment)
      if (assignment.path === 'relayed' && this.#done > from) this.#search.forgive(provider)
      else
        this.#search.fail(provider, reason, {
          hasLearned: job?.hasLearned ?? false,
          isToBlame: !(job?.wasRefused && NOT_TO_BLAME.has(reason.code)),
        })
      if (this.#done > from) yield { type: 'seam', position: this.#done, lost: provider, reason }
    }
  }

  async *#follow(
    assignment: Assignment,
    job: RunningJob,
    { from, hasOthers }: { from: number; hasOthers: boolean },
  ): AsyncGenerator<EmbedEvent, void, void> {
    const { clock, record, directories } = this.#components
    const { provider } = assignment.offer
    const openedAt = clock.monotonic()
    const stopWaiting = this.#giveUpLater(assignment, job, hasOthers)
    const watching = { directories: directories(), signal: this.#signal }
    try {
      for await (const event of watchedEvents(job, provider, watching)) {
        const isDisputed = event.type === 'done' && event.isUsageDisputed
        const segment = this.#segment(assignment, job, from, isDisputed)
        if (event.type === 'accepted') yield { type: 'assigned', position: from, segment }
        if (event.type === 'vectors') {
          stopWaiting()
          const { chunk } = event
          const position = from + chunk.position
          this.#done = position + chunk.vectors.length
          yield { type: 'vectors', position, vectors: chunk.vectors }
          yield { type: 'chunk', index: chunk.index, due: this.#progress.dueWith(segment), segment }
        }
        if (event.type === 'done') {
          // All of it, for which the quote was asked: it writes nothing that could come first.
          const observedMs = millis(clock.monotonic() - openedAt)
          record.ended(provider, 'served', { observedMs, predictedMs: assignment.prediction.ttftMs })
          this.#progress.endSegment(segment)
          if (job.transcript) yield { type: 'proof', transcript: job.transcript }
        }
      }
    } finally {
      stopWaiting()
    }
  }

  /** One that has not begun in three times what it said, where others are ready, and some seconds at least. */
  #giveUpLater(assignment: Assignment, job: RunningJob, hasOthers: boolean): () => void {
    if (!hasOthers) return () => undefined
    const { clock, record } = this.#components
    const slowness = record.slownessOf(assignment.offer.provider)
    const waitMs = patienceMs(assignment, { slowness, prefillTokens: tokensOf(this.#nextTexts) })
    const timer = clock.schedule(waitMs, () => job.abort(stalledFor(waitMs)))
    return () => timer.stop()
  }

  async #open({ connection, offer, quote }: Assignment): Promise<RunningJob> {
    const { clock, random, payer, name } = this.#components
    const { model, dimensions } = this.#request
    const job: EmbedJob = {
      // A job of its own for each provider: what is asked is not the same.
      ...{ jobId: jobId(toHex(random.bytes(16))), provider: offer.provider },
      ...{ quote: quote.quote, quoteSigned: quote.signed },
      ...{ model, dimensions, texts: this.#nextTexts, salt: random.bytes(SALT_BYTES) },
    }
    const signal = this.#signal
    const { stream, credit } = await openPaidStream(this.#components, connection, STREAM_PROTOCOL, {
      openCredit: () => openCredit(embedQuestionOf(job), job, { payer, name, signal }),
      signal,
    })
    return new RunningJob(stream, job, { clock, credit })
  }

  #segment(assignment: Assignment, job: RunningJob, from: number, isUsageDisputed = false): Segment {
    const elapsedMs = this.#components.clock.monotonic() - this.#startedAt
    const tokensPerSecond = elapsedMs > 0 ? (1000 * job.received) / elapsedMs : 0
    return segmentOf(assignment, job, { from, tokensPerSecond, isUsageDisputed })
  }

  #summary(): EmbedSummary {
    const { segments, due, paid } = this.#progress.summarise('stop', 0)
    return {
      ...{ segments, due, paid },
      promptTokens: tokens(tokensOf(this.#request.texts)),
      totalMs: millis(this.#components.clock.monotonic() - this.#startedAt),
    }
  }
}

function longestOf(texts: readonly (readonly number[])[]): number {
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0)
}
