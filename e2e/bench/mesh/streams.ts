import { BenchNetwork, type BenchConsumer } from '../bench-network.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'
import { tinyModel } from '../models.ts'

/** A provider answers two quotes a second to one consumer; a burst of 20 is free, and is left for retries. */
const PAUSE_MS = 550

/**
 * Small answers over a connection that stands, tab to tab and through the relay.
 *
 * The round trip is the application's: a quote on a stream of its own, asked, priced and signed in the provider's page,
 * and back. It is what a consumer waits for before a job, and a heartbeat on a job's stream takes no longer.
 */
export async function benchStreams({ quick, print }: BenchOptions): Promise<void> {
  const model = tinyModel()
  await using network = await BenchNetwork.start(model)
  const provider = await network.openProvider()
  const { id, dtype } = model
  const on = { model: id, dtype, backend: 'wasm', adapter: provider.adapter, threads: 1, streams: 1 }
  const request = { promptTokens: model.encode('What is 7 plus 5?'), maxTokens: 1 }
  const times = quick ? 5 : 20

  const direct = await askOften(await network.openConsumer(), request, times)
  print({
    bench: 'mesh',
    metric: 'streamRttMs',
    case: { ...on, path: direct.path },
    value: median(direct.rtts),
    unit: 'ms',
  })
  const relayed = await askOften(await network.openConsumer({ hasWebRtc: false }), request, times)
  print({
    bench: 'mesh',
    metric: 'streamRttMs',
    case: { ...on, path: relayed.path },
    value: median(relayed.rtts),
    unit: 'ms',
  })
  const warm = direct.ttfts.slice(0, 10)
  print({
    bench: 'mesh',
    metric: 'ttftMs',
    case: { ...on, path: direct.path },
    value: median(warm),
    unit: 'ms',
  })
}

interface Asked {
  readonly path: string
  readonly rtts: readonly number[]
  readonly ttfts: readonly number[]
}

/** Asks once to connect, then counts. The consumer is closed at the end. */
async function askOften(
  consumer: BenchConsumer,
  request: Parameters<BenchConsumer['ask']>[0],
  times: number,
): Promise<Asked> {
  const { path } = await consumer.ask(request)
  const paces = []
  for (let i = 0; i < times; i++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    paces.push(await consumer.ask(request))
  }
  await consumer.close()
  return { path, rtts: paces.map(({ quoteRttMs }) => quoteRttMs), ttfts: paces.map(({ ttftMs }) => ttftMs) }
}
