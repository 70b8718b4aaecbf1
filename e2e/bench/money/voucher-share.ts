import { millis } from '#shared/base/units.ts'
import { voucherShareOfChunk, type VoucherTimes } from '../engine-page/measure-voucher.ts'
import { CHUNK_TOKENS } from '#shared/stream/constants.ts'
import { openBenchTab, type BenchTab } from '../engine/bench-tab.ts'
import type { BenchOptions } from '../figure.ts'
import { smolModel, type BenchModel } from '../models.ts'

const DTYPE = 'q4'
const BACKEND = 'wasm'
const PROMPT = 'Tell me a story about a fox.'
/** A chunk, after the first token, which the prompt's reading delays. */
const TOKENS = CHUNK_TOKENS + 1
const AIM_SHARE = 0.05
const WHY =
  'Signing and recovering are JavaScript of viem and noble on one core; the chunk is written by all of them.'
/**
 * Tokens a second: the most that this model writes on two idle cores (20 to 40 by `bench -- engine`). The share is
 * of a chunk at this speed or at the measured one, whichever is faster, because a machine that is busy otherwise
 * writes slower, and that must not make vouchers look cheap.
 */
const IDLE_TOKENS_PER_SECOND = 40

/**
 * What paying costs beside answering, both in one tab of a real browser on the processor of this machine: signing and
 * verifying one voucher, and writing one chunk of tokens with a model of 135M parameters. The best of some rounds of
 * each, because what else runs on the machine only ever slows them down.
 */
export async function measureVoucherShare({ quick, print }: BenchOptions): Promise<void> {
  const model = smolModel(DTYPE)
  if (!model)
    return console.error('money: voucherShareOfChunk is skipped: it takes Python with onnx and numpy')
  await using tab = await openBenchTab('cpu', { [model.id]: model.files })
  const rounds = quick ? 1 : 3
  const times = await bestTimes(tab, rounds)
  const on = { model: model.id, dtype: DTYPE, backend: BACKEND }
  print({ bench: 'money', metric: 'voucherSignMs', value: times.signMs, unit: 'ms' })
  print({ bench: 'money', metric: 'voucherVerifyMs', value: times.verifyMs, unit: 'ms' })
  const measuredMs = await bestChunk(tab, model, rounds)
  print({ bench: 'money', metric: 'chunkMs', case: on, value: measuredMs, unit: 'ms' })
  const tokensPerSecond = Math.max((CHUNK_TOKENS / measuredMs) * 1000, IDLE_TOKENS_PER_SECOND)
  const value = voucherShareOfChunk(times, millis((CHUNK_TOKENS / tokensPerSecond) * 1000)) / 100
  const metric = 'voucherShareOfChunk'
  print(
    { bench: 'money', metric, case: { ...on, tokensPerSecond }, value, unit: 'ratio' },
    { atMost: AIM_SHARE, why: WHY },
  )
}

async function bestTimes(tab: BenchTab, rounds: number): Promise<VoucherTimes> {
  const all: VoucherTimes[] = []
  for (let round = 0; round < rounds; round++) all.push(await tab.voucherMs())
  const best = (of: keyof VoucherTimes) => millis(Math.min(...all.map((times) => times[of])))
  return { signMs: best('signMs'), verifyMs: best('verifyMs') }
}

async function bestChunk(tab: BenchTab, model: BenchModel, rounds: number): Promise<number> {
  const prompts = [model.encode(PROMPT)]
  await tab.load('ours', { id: model.id, dtype: DTYPE, backend: BACKEND })
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const { tokens, spanMs } = await tab.answer('ours', { prompts, tokens: TOKENS })
    if (tokens[0]?.length !== TOKENS)
      throw new Error(`an answer has ${tokens[0]?.length} tokens, not ${TOKENS}`)
    best = Math.min(best, spanMs)
  }
  return best
}
