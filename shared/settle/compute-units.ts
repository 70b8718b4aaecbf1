import { baseUnits, type BaseUnits } from '../base/units.ts'
import { WEIGHTS_PATHS, type Manifest } from '../models/manifest.ts'
import type { Price } from '../prompt/prompt.ts'

/** The reference machine that work is measured on (docs/design-notes.md): 10 TFLOP/s and 100 GB/s of memory. */
const PICOSECONDS_PER_BYTE = 10n // 1 / 100 GB/s
/** Two operations a parameter at 10^13 a second take a fifth of a picosecond. */
const PARAMETERS_PER_PICOSECOND = 5n

/** Weights and their scales, in bits: blocks of 32 with one scale of 32 bits (q4) or 16 (q4f16). */
const TENTH_BITS_PER_PARAMETER: Readonly<Record<Manifest['dtype'], bigint>> = {
  fp32: 320n,
  fp16: 160n,
  q4: 50n,
  q4f16: 45n,
}

/** A text of this length stands for all when the reading of the KV cache is counted. */
const REFERENCE_CONTEXT_TOKENS = 1024

/** Decode costs 8 to 20 times prefill on real GPUs, where the pure arithmetic says up to 28. */
const MIN_DECODE_RATIO = 8n
const MAX_DECODE_RATIO = 20n

/** A compute unit (CU) is one millisecond of the reference machine; in here it is counted in picoseconds. */
const PICOSECONDS_PER_UNIT = 1_000_000_000n

/**
 * What a provider asks for a million compute units until the market sets prices: 1 INF, for a thousand seconds of the
 * reference machine. A model of 1.5 billion parameters in q4 comes to 8.6 INF for a million written tokens.
 */
const LIST_PRICE_PER_MILLION_UNITS = baseUnits(10n ** 18n)

/** What one token costs to read and to write, in picoseconds of the reference machine. */
export interface ComputeUnits {
  readonly prefill: bigint
  readonly decode: bigint
}

/** The work of a model per token, from its manifest alone, so that everybody comes to the same figure. @internal */
export function computeUnitsOf(manifest: Manifest): ComputeUnits {
  const weights = weightBytes(manifest)
  const parameters = (weights * 80n) / TENTH_BITS_PER_PARAMETER[manifest.dtype]
  const context = BigInt(Math.min(manifest.contextLength, REFERENCE_CONTEXT_TOKENS))
  const cache = BigInt(manifest.memory?.cacheBytesPerToken ?? 0) * context
  const arithmetic = parameters / PARAMETERS_PER_PICOSECOND
  const decode = max(arithmetic, (weights + cache) * PICOSECONDS_PER_BYTE, MAX_DECODE_RATIO)
  const prefill = min(max(arithmetic, decode / MAX_DECODE_RATIO), decode / MIN_DECODE_RATIO)
  return { prefill, decode }
}

/**
 * Prices of a model from the price of a million compute units. Each is rounded up to the next base unit, against the
 * payer, so that nothing is ever free by rounding.
 *
 * @internal
 */
export function priceOfUnits(units: ComputeUnits, perMillionUnits: BaseUnits): Price {
  return {
    promptPerMillion: baseUnits(divideUp(units.prefill * perMillionUnits, PICOSECONDS_PER_UNIT)),
    outputPerMillion: baseUnits(divideUp(units.decode * perMillionUnits, PICOSECONDS_PER_UNIT)),
  }
}

/** What is asked for a model where nobody said otherwise. */
export function listPriceOf(manifest: Manifest): Price {
  return priceOfUnits(computeUnitsOf(manifest), LIST_PRICE_PER_MILLION_UNITS)
}

/** The file of the weights and what lies beside it under the same name, as `model.onnx_data`. */
function weightBytes({ files, weights, dtype }: Manifest): bigint {
  const own = files.filter(({ path }) => path.startsWith(weights) || path.startsWith(WEIGHTS_PATHS[dtype]))
  return BigInt(own.reduce((sum, { size }) => sum + size, 0))
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

function max(...values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b))
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
