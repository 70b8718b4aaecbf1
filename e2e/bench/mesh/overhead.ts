import { BenchNetwork, type BenchConsumer, type BenchProvider } from '../bench-network.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'
import { smolModel, tinyModel, type BenchModel } from '../models.ts'
import type { PageRequest } from '../page/bench-page.ts'
import { tokensPerSecond } from '../page/stopwatch.ts'

/** A story of the bundled model has 90 tokens, a tenth of a second; one run is several, so that it lasts. */
const SUBJECTS = ['a fox and a lantern', 'a cat', 'a dog and a ball', 'a bird', 'an owl and a kite', 'a bear']

/** Long for a run of a model that writes a handful of tokens a second. Random weights hardly ever write their end. */
const SMOL_TOKENS = 32

/**
 * Tokens a second through the mesh over those of the same engine read in its own tab, one thread each. Both ask for
 * the same greedy tokens and time them alike, in turns, so that what else the machine does falls on both.
 */
export async function benchOverhead({ quick, print }: BenchOptions): Promise<void> {
  const runs = quick ? 2 : 5
  const tiny = tinyModel()
  const stories = SUBJECTS.map((subject) => ({
    promptTokens: tiny.encode(`Tell me a story about ${subject}.`),
    maxTokens: 256,
  }))
  await benchModel(tiny, stories, { runs, aim: 0.85 }, print)
  const smol = smolModel()
  if (!smol)
    return console.error('networkOverhead of a larger model is skipped: it takes Python with onnx and numpy')
  const long = [{ promptTokens: smol.encode('Tell me a story.'), maxTokens: quick ? 8 : SMOL_TOKENS }]
  await benchModel(smol, long, { runs, aim: 0.97 }, print)
}

async function benchModel(
  model: BenchModel,
  requests: readonly PageRequest[],
  { runs, aim }: { runs: number; aim: number },
  print: BenchOptions['print'],
): Promise<void> {
  await using network = await BenchNetwork.start(model)
  const provider = await network.openProvider()
  const consumer = await network.openConsumer()
  const { path } = await inTurns(consumer, provider, requests, 0) // connects, and warms both ways
  const pairs = []
  for (let run = 0; run < runs; run++) pairs.push(await inTurns(consumer, provider, requests, run))
  const { id, dtype } = model
  const on = { model: id, dtype, backend: 'wasm', adapter: provider.adapter, threads: 1, streams: 1, path }
  const value = median(pairs.map(({ meshed, alone }) => meshed / alone))
  const peer = 'the same engine in its own tab'
  print(
    {
      bench: 'mesh',
      metric: 'networkOverhead',
      case: on,
      value,
      unit: 'ratio',
      peer,
      peerValue: 1,
      ratio: value,
    },
    { atLeast: aim },
  )
  const meshed = median(pairs.map((pair) => pair.meshed))
  const alone = median(pairs.map((pair) => pair.alone))
  print({
    bench: 'mesh',
    metric: 'tokensPerSecond',
    case: on,
    value: meshed,
    unit: 'tokens/s',
    peer,
    peerValue: alone,
    ratio: meshed / alone,
  })
}

/** One run of both, request by request, by turns the one or the other first. */
async function inTurns(
  consumer: BenchConsumer,
  provider: BenchProvider,
  requests: readonly PageRequest[],
  run: number,
): Promise<{ meshed: number; alone: number; path: string }> {
  const meshed = []
  const alone = []
  for (const [i, request] of requests.entries()) {
    const isMeshFirst = (run + i) % 2 === 0
    if (isMeshFirst) meshed.push(await consumer.ask(request))
    alone.push(await provider.generate(request))
    if (!isMeshFirst) meshed.push(await consumer.ask(request))
  }
  return { meshed: tokensPerSecond(meshed), alone: tokensPerSecond(alone), path: meshed[0]?.path ?? '' }
}
