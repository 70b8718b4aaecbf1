import type { Stream } from '@libp2p/interface'
import { jobId } from '#shared/base/ids.ts'
import { millis, tokens } from '#shared/base/units.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { QuoteDesk } from '#shared/prompt/quote-desk.ts'
import { openQuote } from '#shared/prompt/quote.ts'
import { JobService } from '#shared/stream/job-service.ts'
import { RunningJob } from '#shared/stream/run-job.ts'
import type { SketchKeeper } from '#shared/stream/sketch-keeper.ts'
import type { Asked } from '#shared/testing/cheats/checked-answer.ts'
import { connectedStreams, makePeer } from '#shared/testing/peers.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'

/** What one job sent over its stream. */
export interface CountedJob {
  readonly tokens: number
  /** Of the provider's frames, in bytes. */
  readonly sent: number
}

/**
 * Runs a real job between the two ends of a stream in memory, and counts what its provider sends: frames, without what
 * the transport puts around them.
 *
 * @param options `keeper`: with one the provider commits to its sketches
 */
export async function runCounted(
  engine: Engine,
  { promptTokens, sampler, seed }: Asked,
  { maxTokens, keeper }: { readonly maxTokens: number; readonly keeper: SketchKeeper | undefined },
): Promise<CountedJob> {
  const provider = await makePeer()
  const consumer = await makePeer()
  const { model, contextLength } = engine.info
  const terms = { price: pricePerToken(1n, 10n), queueMs: millis(0), contextLength, isDraining: false }
  const speeds = { prefillTokensPerSecond: 1000, decodeTokensPerSecond: 1000 }
  const { key } = provider
  const clocks = { clock: realClock, random: realRandom }
  const desk = new QuoteDesk({ ...clocks, key, termsOf: () => ({ ...terms, ...speeds }) })
  const served = { engine, slots: 1, queue: 1, isDraining: false }
  const service = new JobService({ clock: realClock, key, desk, servedOf: () => served, sketches: keeper })
  const asked = { type: 'quote', model, promptTokens: promptTokens.length, maxTokens } as const
  const quoteSigned = await desk.quote(consumer.name, asked)
  const job = {
    jobId: jobId('1'.padStart(32, '0')),
    provider: provider.name,
    prompt: { task: 'text-generation', model, promptTokens, sampler, maxTokens, maxOutputPrice: undefined },
    quote: await openQuote(quoteSigned, { provider: provider.name, consumer: consumer.name }),
    ...{ quoteSigned, priorTokens: [], seed },
    ...{ consumerNonce: new Uint8Array(32), salt: new Uint8Array(16) },
  } as const
  const { ours, theirs, connection } = await connectedStreams(consumer)
  const count = countSent(theirs)
  void service.handle(theirs, connection)
  let written = 0
  for await (const event of new RunningJob(ours, job, { clock: realClock }).events())
    if (event.type === 'tokens') written += event.tokens.length
  return { tokens: tokens(written), sent: count() }
}

function countSent(stream: Stream): () => number {
  const send = stream.send.bind(stream)
  let sent = 0
  stream.send = (data) => {
    sent += data.byteLength
    return send(data)
  }
  return () => sent
}
