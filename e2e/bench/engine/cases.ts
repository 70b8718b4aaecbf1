import type { Backend } from '#shared/engine/engine.ts'
import type { BenchDtype } from '../models.ts'

/**
 * Where a case runs: the processor, a software GPU by its real name (both call themselves `google swiftshader`), or the
 * GPU of this machine.
 */
export type BenchAdapter = 'cpu' | 'swiftshader' | 'lavapipe' | 'gpu'

export interface EngineCase {
  readonly model: 'infernet-tiny' | 'smol135-random'
  readonly dtype: BenchDtype
  readonly backend: Backend
  readonly adapter: BenchAdapter
  /** It is measured only where that one cannot be had, or when it is asked for by name. */
  readonly standsInFor?: BenchAdapter
  /** Tokens of the prompt whose reading is timed. */
  readonly prefill: number
  /** Tokens of the answer whose writing is timed. */
  readonly decode: number
  /** Tokens of each of the answers at once. */
  readonly streamTokens: number
  /** Tokens that are checked. @default 64 */
  readonly scored?: number
  /** Loads of each side: the first one of a page downloads and compiles, so one alone is the worst case. */
  readonly loads: number
  /** Of everything but the load; each round has both sides. */
  readonly rounds: number
}

const TINY = { model: 'infernet-tiny' } as const
const SMOL = { model: 'smol135-random' } as const
const WASM = { backend: 'wasm', adapter: 'cpu' } as const

/** Lavapipe is 5 to 60 times faster than SwiftShader, which stands in for it, with little to do, where it cannot be had. */
const LAVAPIPE = { backend: 'webgpu', adapter: 'lavapipe' } as const
const SWIFTSHADER = { backend: 'webgpu', adapter: 'swiftshader', standsInFor: 'lavapipe' } as const
const GPU = { backend: 'webgpu', adapter: 'gpu' } as const

/** As much as a machine of two cores measures in about ten minutes. */
export const CASES: readonly EngineCase[] = [
  { ...TINY, dtype: 'fp32', ...WASM, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
  { ...TINY, dtype: 'q4', ...WASM, prefill: 256, decode: 48, streamTokens: 16, loads: 2, rounds: 4 },
  { ...SMOL, dtype: 'fp32', ...WASM, prefill: 128, decode: 24, streamTokens: 6, loads: 2, rounds: 2 },
  { ...SMOL, dtype: 'q4', ...WASM, prefill: 32, decode: 12, streamTokens: 4, loads: 2, rounds: 2 },
  { ...TINY, dtype: 'fp32', ...LAVAPIPE, prefill: 64, decode: 32, streamTokens: 12, loads: 2, rounds: 3 },
  { ...TINY, dtype: 'q4', ...LAVAPIPE, prefill: 64, decode: 32, streamTokens: 12, loads: 2, rounds: 3 },
  {
    ...SMOL,
    dtype: 'q4',
    ...LAVAPIPE,
    prefill: 16,
    decode: 32,
    streamTokens: 2,
    scored: 16,
    loads: 1,
    rounds: 1,
  },
  { ...TINY, dtype: 'fp32', ...SWIFTSHADER, prefill: 64, decode: 12, streamTokens: 4, loads: 1, rounds: 2 },
  {
    ...TINY,
    dtype: 'q4',
    ...SWIFTSHADER,
    prefill: 16,
    decode: 8,
    streamTokens: 2,
    scored: 16,
    loads: 1,
    rounds: 1,
  },
  { ...TINY, dtype: 'fp32', ...GPU, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
  { ...TINY, dtype: 'q4', ...GPU, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
  { ...SMOL, dtype: 'fp32', ...GPU, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
  { ...SMOL, dtype: 'q4', ...GPU, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
]

/** For people, and for `--only`. */
export function nameOf({ model, dtype, backend, adapter }: EngineCase): string {
  return `${model}/${dtype}/${backend}/${adapter}`
}
