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
  'infernet-tiny/fp32/wasm/cpu streamsGain':
    'A step of 8 rows takes 2.9 ms at 40 tokens and 5.9 at 200: half of it are the matrices, a third the attention ' +
    'of ORT; the KV cache is copied in and out in 0.1 and 0.6 of it.',
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
