import type { Aim } from '../figure.ts'
import { nameOf, type EngineCase } from './cases.ts'

/** Under this much of the peer a figure of a shared machine is slower beyond noise: rounds of one case differ by a third. */
const NOISE = 0.9

/** Of a miss that nobody has looked into. */
const UNKNOWN = 'not profiled yet'

/** Seen through Dawn on lavapipe: with subgroups, and right, 64 tokens take 51 ms, 8 rows 17.8 and 1 row 12. */
const SLOW_ROWS =
  'Without subgroups, which no side has on a software adapter, the kernel of ORT for MatMulNBits of several rows takes ' +
  '65 ms for 8 rows and 12 for one, and 252 ms for 64 tokens of prompt.'

/** What a profile says of lines that miss their aim: `<case> <metric>`, or `<metric>` for all cases. */
const WHY: Readonly<Record<string, string>> = {
  loadMs:
    'Ours includes the golden prompts of the self-test, which the peer has not: in Node 137 of 214 ms of a load ' +
    '(Infernet Tiny fp32, wasm), 213 of 238 (q4). The first load in a browser (firstLoadMs) also searches for a width ' +
    'and proves more: 500 and 900 ms, on lavapipe 5 s.',
  'smol135-random/q4/wasm/cpu loadMs':
    'The peer tests nothing. In Node a load that knows the device takes 0.4 s for the graph and 2.2 s for the golden ' +
    'prompt, 22 tokens read and 6 written in 16 rows at once, as it will be run.',
  'infernet-tiny/fp32/webgpu/lavapipe loadMs':
    'The peer tests nothing. A load that knows the device takes 0.8 to 1.1 s for the graph, 1.9 s for the golden ' +
    'prompts in 16 rows at once and 0.1 s for the first token.',
  'infernet-tiny/q4/webgpu/lavapipe loadMs':
    'The peer tests nothing. A load that knows the device takes 0.2 to 0.6 s for the graph, 1.0 s for the golden ' +
    'prompts in 16 rows at once and 0.04 s for the first token.',
  'smol135-random/q4/webgpu/lavapipe loadMs':
    'It is a first load: lavapipe compiles the kernels of each width that is tried, where the peer needs those of one ' +
    'row. Not timed apart; a first step after 22 tokens takes 57 s with an empty cache of Mesa, 2.3 s with a full one.',
  'infernet-tiny/fp32/wasm/cpu streamsGain':
    'Eight rows are bound by arithmetic, one row by memory. A step of one reads 11.5 MB of weights in 0.50 ms, 23 GB/s; ' +
    'of eight it is 46 million operations in 2.0 ms, 23 of the 32 GFLOP/s that products and sums of 128 bits, not ' +
    'fused, reach in wasm here. At 200 tokens it is 5.9 ms, a third the attention of ORT. And prompts gain nothing.',
  'smol135-random/fp32/wasm/cpu scoreShare':
    'Bound by arithmetic, where writing is bound by memory: 86 tokens with 64 times all logits are 22 billion ' +
    'operations in 0.97 s, 23 of the 32 GFLOP/s that products and sums of 128 bits, not fused, reach in wasm here; a ' +
    'step reads 538 MB in 26 ms, 20 GB/s. 0.3 would need 38 GFLOP/s. Segments of 8 to 128 tokens differ by 12 %.',
  'smol135-random/q4/webgpu/lavapipe scoreShare':
    'The kernel of ORT for MatMulNBits of several rows: 38 tokens take 3.2 s, a step of one row 0.2 s. With an empty ' +
    'cache of Mesa the first check compiles for 250 s.',
  'infernet-tiny/q4/webgpu/lavapipe memoryMb':
    'Of 16.3 MB on the GPU 8.4 are the KV cache of 16 rows of 256 tokens, made for the search for a width and kept ' +
    'because captured steps hold on to it, 3.1 weights, and the rest what ORT keeps between operators of 16 rows. ' +
    'The peer, with the cache of the one text that it reads, has 3.6.',
  'infernet-tiny/q4/webgpu/lavapipe prefillTokensPerSecond': SLOW_ROWS,
  'infernet-tiny/q4/webgpu/lavapipe streamsTokensPerSecond': SLOW_ROWS,
}

/** What a line of a case is hoped to be; undefined for figures that only tell. */
export function aimOf(metric: string, on: EngineCase): Aim | undefined {
  const aim = plainAim(metric, on)
  return aim && { ...aim, why: WHY[`${nameOf(on)} ${metric}`] ?? WHY[metric] ?? UNKNOWN }
}

function plainAim(metric: string, { model, dtype, backend, adapter }: EngineCase): Aim | undefined {
  switch (metric) {
    case 'loadMs':
    case 'prefillTokensPerSecond':
    case 'streamsTokensPerSecond':
    case 'memoryMb':
      return { atLeast: NOISE, of: 'ratio' }
    case 'decodeTokensPerSecond':
      return { atLeast: adapter === 'gpu' ? 1.5 : NOISE, of: 'ratio' }
    case 'streamsGain':
      if (backend === 'wasm')
        return model === 'infernet-tiny' ? { atLeast: 2 } : dtype === 'q4' ? { atLeast: 3 } : {}
      return undefined
    case 'submitMs':
      return model === 'smol135-random' && dtype === 'q4' ? { atLeast: 10, of: 'ratio' } : undefined
    case 'scoreShare':
      return model === 'smol135-random' ? { atMost: dtype === 'q4' ? 0.15 : 0.3 } : undefined
    case 'handlingShare':
      return adapter === 'gpu' && model === 'smol135-random' ? { atMost: 0.02 } : undefined
    default:
      return undefined
  }
}
