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
  /** Tokens of the prompt whose reading is timed. */
  readonly prefill: number
  /** Tokens of the answer whose writing is timed. */
  readonly decode: number
  /** Tokens of each of the answers at once. */
  readonly streamTokens: number
  /** Loads of each side: the first one of a page downloads and compiles, so one alone is the worst case. */
  readonly loads: number
  /** Of everything but the load; each round has both sides. */
  readonly rounds: number
}

const TINY = { model: 'infernet-tiny' } as const
const SMOL = { model: 'smol135-random' } as const
const WASM = { backend: 'wasm', adapter: 'cpu' } as const

/** As much as a machine of two cores measures in about ten minutes. What runs on `gpu` is left out where there is none. */
export const CASES: readonly EngineCase[] = [
  { ...TINY, dtype: 'fp32', ...WASM, prefill: 512, decode: 64, streamTokens: 48, loads: 3, rounds: 5 },
  { ...TINY, dtype: 'q4', ...WASM, prefill: 256, decode: 48, streamTokens: 24, loads: 2, rounds: 4 },
  { ...SMOL, dtype: 'fp32', ...WASM, prefill: 128, decode: 24, streamTokens: 8, loads: 2, rounds: 3 },
  { ...SMOL, dtype: 'q4', ...WASM, prefill: 32, decode: 12, streamTokens: 6, loads: 2, rounds: 2 },
  {
    ...TINY,
    dtype: 'fp32',
    ...software('swiftshader'),
    prefill: 64,
    decode: 12,
    streamTokens: 4,
    loads: 1,
    rounds: 2,
  },
  {
    ...TINY,
    dtype: 'fp32',
    ...software('lavapipe'),
    prefill: 64,
    decode: 32,
    streamTokens: 12,
    loads: 2,
    rounds: 3,
  },
  {
    ...TINY,
    dtype: 'q4',
    ...software('lavapipe'),
    prefill: 64,
    decode: 32,
    streamTokens: 12,
    loads: 2,
    rounds: 3,
  },
  {
    ...SMOL,
    dtype: 'q4',
    ...software('lavapipe'),
    prefill: 16,
    decode: 32,
    streamTokens: 3,
    loads: 1,
    rounds: 2,
  },
  ...([TINY, SMOL] as const).flatMap((model) =>
    (['fp32', 'q4'] as const).map((dtype) => ({
      ...model,
      dtype,
      backend: 'webgpu' as const,
      adapter: 'gpu' as const,
      prefill: 512,
      decode: 64,
      streamTokens: 48,
      loads: 3,
      rounds: 5,
    })),
  ),
]

function software(adapter: 'swiftshader' | 'lavapipe') {
  return { backend: 'webgpu', adapter } as const
}

/** For people, and for `--only`. */
export function nameOf({ model, dtype, backend, adapter }: EngineCase): string {
  return `${model}/${dtype}/${backend}/${adapter}`
}
