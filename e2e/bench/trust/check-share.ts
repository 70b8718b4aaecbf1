import type { Engine } from '#shared/engine/engine.ts'
import { wholeAnswer } from '#shared/testing/cheats/cheat.ts'
import type { Asked } from '#shared/testing/cheats/checked-answer.ts'
import { loadTinyParts, type TinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'
import { questionOf } from './questions.ts'

/** What the page asks the bundled model for. */
const TOKENS = 128
/** Of the prompt whose reading is timed alone: long enough that a call's own cost is little of it. */
const LONG_PROMPT_TOKENS = 512
const PAIRS = 24
const QUICK_PAIRS = 4
/** What a check does besides reading: margins and sketches. */
const AIM_OVER_READING = 1.15

/**
 * What a check costs beside the job that it checks, one after the other on one engine on wasm, in processor time: a pass
 * that reads prompt and answer over one that reads the prompt and writes the answer.
 */
export async function measureCheckShare({ quick, print }: BenchOptions): Promise<void> {
  const parts = await loadTinyParts()
  try {
    const pairs = []
    for (let at = 0; at < (quick ? QUICK_PAIRS : PAIRS); at++) pairs.push(await timePair(parts, at))
    const share = pairs.map(({ checkMs, jobMs }) => checkMs / jobMs)
    const decode = median(pairs.map(({ decodeMs }) => TOKENS / decodeMs))
    const prefill = median(pairs.map(({ readMs }) => LONG_PROMPT_TOKENS / readMs))
    const perSecond = (rate: number): number => Math.round(rate * 1000)
    print(
      {
        ...{ bench: 'trust', metric: 'checkShare', unit: 'ratio', value: median(share) },
        case: { model: 'infernet-tiny', dtype: 'fp32', backend: 'wasm', tokens: TOKENS },
        ...{ low: Math.min(...share), high: Math.max(...share), runs: share.length },
        note: `processor time; this run decoded ${perSecond(decode)} and read ${perSecond(prefill)} tokens a second`,
      },
      {
        atMost: (AIM_OVER_READING * decode) / prefill,
        why: 'A check also draws each token again: its margin takes the noise of the whole vocabulary, as a draw does.',
      },
    )
  } finally {
    await parts.close()
  }
}

interface PairTimes {
  readonly jobMs: number
  readonly checkMs: number
  /** Of the job, without the reading of its prompt. */
  readonly decodeMs: number
  readonly readMs: number
}

async function timePair({ honest, model }: TinyParts, at: number): Promise<PairTimes> {
  const asked = questionOf(at, model)
  let tokens: readonly number[] = []
  const first = await cpuOf(() => write(honest, asked, 1))
  const jobMs = await cpuOf(async () => {
    tokens = await write(honest, asked, TOKENS)
  })
  const checkMs = await cpuOf(() => honest.score({ ...asked, outputTokens: tokens }))
  const long = Array.from(
    { length: LONG_PROMPT_TOKENS },
    (_, i) => asked.promptTokens[i % asked.promptTokens.length] ?? 0,
  )
  const readMs = await cpuOf(() => write(honest, { ...asked, promptTokens: long }, 1))
  return { jobMs, checkMs, decodeMs: jobMs - first, readMs }
}

async function write(engine: Engine, asked: Asked, maxTokens: number): Promise<readonly number[]> {
  const request = { ...asked, priorTokens: [], maxTokens, sketches: true }
  return (await wholeAnswer(engine.generate(request))).tokens
}

/** Milliseconds of this process's processor time: another process that takes the core meanwhile does not count. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const begun = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1000
}
