import type { Aim } from '../figure.ts'
import { nameOf, type EngineCase } from './cases.ts'

/** Under this much of the peer a figure of a shared machine is slower beyond noise: rounds of one case differ by a third. */
const NOISE = 0.9

/** Of a miss that nobody has looked into. */
const UNKNOWN = 'not profiled yet'

/** Seen through Dawn: 64 tokens take 231 ms with ORT 1.30.0 and with 1.31-dev, 204 with every feature but subgroups. */
const SLOW_ROWS =
  'MatMulNBits of more than one row is five times as slow as in the peer on this adapter (8 rows 60 ms, 1 row 12). It is ' +
  'neither the version of ORT nor a feature or limit of the device; the cause is not found.'

/** What a profile says of lines that miss their aim: `<case> <metric>`, or `<metric>` for all cases. */
const WHY: Readonly<Record<string, string>> = {
  loadMs:
    'Ours includes the self-test and the search for a width, which the peer has not: of 518 ms in Node (Infernet ' +
    'Tiny fp32, wasm) loading is 68, of 921 (q4) 23.',
  'infernet-tiny/fp32/wasm/cpu streamsGain':
    'ORT on wasm copies the whole KV cache in and out at each step: eight rows take 5 ms at 40 tokens and 11 at 200.',
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
