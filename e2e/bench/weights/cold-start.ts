import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'
import type { ColdNetwork } from './cold-network.ts'
import { LINK_BITS_PER_SECOND } from './links.ts'
import type { ColdStart } from './page/cold-tab.ts'
import { isTooBusy, ProcessorWatch } from './processor-watch.ts'

/** Who a cold visitor has the model from. */
interface Row {
  readonly from: 'origin alone' | 'origin and seeders'
  readonly seeders: number
}

const ROWS: readonly Row[] = [
  { from: 'origin alone', seeders: 0 },
  ...[0, 1, 4, 8].map((seeders) => ({ from: 'origin and seeders', seeders }) as const),
]

/** For the network: what the rows need. */
export const SEEDER_COUNTS = [...new Set(ROWS.map(({ seeders }) => seeders))]

const PROMPT_TOKENS = 64

interface Run extends ColdStart {
  readonly busy: number | undefined
}

/** From a visitor's wish to its first token, with nothing of the model there: in turns, each in a profile of its own. */
export async function measureColdStarts(
  network: ColdNetwork,
  { quick, print }: Pick<BenchOptions, 'quick' | 'print'>,
): Promise<void> {
  const runs = ROWS.map((row) => ({ row, runs: [] as Run[] }))
  for (let round = 0; round < (quick ? 1 : 3); round++)
    for (const { row, runs: of } of runs) of.push(await startCold(network, row))
  const alone = median((runs[0]?.runs ?? []).map(({ ttftMs }) => ttftMs))
  for (const { row, runs: of } of runs) {
    const times = of.map(({ ttftMs }) => ttftMs)
    const value = median(times)
    const busy = of.flatMap((run) => run.busy ?? [])
    print({
      bench: 'weights',
      metric: 'coldTtftMs',
      case: {
        ...row,
        uploadMbitPerSecond: LINK_BITS_PER_SECOND / 1e6,
        shapedBy: network.links.shapedBy,
        ...(busy.length > 0
          ? { processorShare: round(median(busy)), isProcessorBound: busy.some(isTooBusy) }
          : {}),
      },
      value,
      unit: 'ms',
      low: Math.min(...times),
      high: Math.max(...times),
      runs: times.length,
      ...(row.from === 'origin alone'
        ? {}
        : { peer: 'origin alone', peerValue: alone, ratio: alone / value }),
      note: noteOf(of, row),
    })
  }
}

/** What the time went into. */
function noteOf(runs: readonly Run[], { from, seeders }: Row): string {
  const ms = (read: (run: Run) => number): string => `${Math.round(median(runs.map(read)))} ms`
  const mb = (read: (run: Run) => number): string => `${(median(runs.map(read)) / 1e6).toFixed(1)} MB`
  return [
    `${ms(({ wholeMs }) => wholeMs)} until all is stored`,
    `of that ${mb(({ peerBytes }) => peerBytes)} from peers and ${mb(({ originBytes }) => originBytes)} from the origin`,
    `then ${ms(({ checkedMs, wholeMs }) => checkedMs - wholeMs)} for reading the files back`,
    `${ms(({ graphMs, checkedMs }) => graphMs - checkedMs)} for runtime and graph`,
    `${ms(({ readyMs, graphMs }) => readyMs - graphMs)} for the self-test`,
    `${ms(({ ttftMs, readyMs }) => ttftMs - readyMs)} for a prompt of ${PROMPT_TOKENS} tokens`,
    ...(from === 'origin and seeders' && seeders > 0
      ? ['the origin rests where peers bring four times as much as it']
      : []),
  ].join(', ')
}

async function startCold(network: ColdNetwork, { from, seeders }: Row): Promise<Run> {
  const manifest = network.manifestFor(seeders)
  const page = await network.openTab()
  try {
    const ask = {
      manifest,
      origin: network.origin.address,
      asksPeers: from !== 'origin alone',
    }
    const prompt = Array.from({ length: PROMPT_TOKENS }, (_, i) => 3 + ((i * 37) % (manifest.vocabSize - 3)))
    const watch = new ProcessorWatch()
    const start = await page.evaluate(([what, tokens]) => window.coldTab.start(what, tokens), [
      ask,
      prompt,
    ] as const)
    return { ...start, busy: watch.busy }
  } finally {
    await page.context().close()
  }
}

const round = (share: number): number => Math.round(share * 100) / 100
