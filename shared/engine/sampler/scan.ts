import { InfernetError } from '../../errors/infernet-error.ts'
import {
  FOUND_AT,
  LEAST_BLOCK,
  MAX_SCANNED,
  MAXIMA_AT,
  scanModule,
  type ScanFunctions,
} from './scan-module.ts'
import { HIGHEST_NOISE, type SeedWords } from './noise.ts'

/** The bounds of what `noisy` looks for. */
export interface NoisyReach {
  readonly temperature: number
  /** A score that is known to be reached. */
  readonly score: number
  /** No logit is above this. */
  readonly top: number
  /** Logits below this do not matter. */
  readonly floor: number
  readonly position: number
  readonly words: SeedWords
}

/**
 * Looks through a vocabulary of logits with vector instructions. It decides nothing: it leaves out what cannot matter,
 * by bounds that hold for every rounding, and the exact arithmetic in `draw.ts` decides among the rest.
 */
export interface Scanner {
  /** The logits last loaded. May be changed, followed by {@link findPeaks}. Valid until the next `load` of anybody. */
  readonly values: Float32Array
  /**
   * Finds the highest logits of blocks of at least `blockSize` logits (a power of two) and gives their top.
   *
   * A logit may be -Infinity, as a mask writes it, and as models have it for what pads their vocabulary.
   *
   * @throws InfernetError `engine.bad-logits` when a logit is NaN or Infinity
   */
  findPeaks(blockSize: number): number
  /** The peaks that `findPeaks` found. */
  readonly peaks: Float32Array
  /** The ids of the finite logits that are at least `least`, in rising order. Valid until the next call. */
  readonly gather: (least: number) => Uint32Array
  /** The ids, in rising order, of all logits whose noisy score may reach `score`, and of few others. */
  noisy(reach: NoisyReach): Uint32Array
}

let scanner: Scanner | undefined

/**
 * Takes in the logits of a whole vocabulary. There is one scanner in a realm, shared by all samplers: nothing between
 * `load` and the last use waits, so no two use it at once.
 *
 * @throws InfernetError `engine.bad-logits` when there are none, or more than the largest vocabulary has
 */
export function loadScanner(values: Float32Array): Scanner {
  if (values.length === 0 || values.length > MAX_SCANNED) throw new InfernetError('engine.bad-logits')
  const loaded = (scanner ??= createScanner()) as Scanner & { load(values: Float32Array): void }
  loaded.load(values)
  return loaded
}

/** The lowest finite number. */
const LOWEST = -3.4028234663852886e38
const BYTES = 4
/** -ln(-ln(u)) <= -ln(1 - u) = ln 2 * (32 - log2(c)) for c = 2^32 (1 - u), and log2(c) >= bits / 2^23 - 127. */
const NOISE_HIGH = Math.LN2 * (32 + 127)
const NOISE_SLOPE = Math.LN2 * 2 ** -23
/** Above {@link NOISE_HIGH}'s and the conversions' rounding in 32 bits, which stays below 1e-4. */
const NOISE_SLACK = 1e-3
/** The widest noise, twice, in logits per temperature: what the rounding of a sum in 32 bits is bounded by. */
const SPAN = 100

function createScanner(): Scanner & { load(values: Float32Array): void } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(scanModule()))
  const { memory, peaks, gather, noisy } = exports as unknown as ScanFunctions & {
    memory: WebAssembly.Memory
  }
  const all = new Float32Array(memory.buffer, 0, MAX_SCANNED)
  const found = new Uint32Array(memory.buffer, FOUND_AT, MAX_SCANNED)
  let count = 0
  let block = LEAST_BLOCK * BYTES
  let bytes = 0

  /** Without the ids of the padding, which come last. */
  function firstFound(size: number): Uint32Array {
    while (size > 0 && (found[size - 1] ?? 0) >= count) size--
    return found.subarray(0, size)
  }

  return {
    get values() {
      return all.subarray(0, count)
    },
    get peaks() {
      return new Float32Array(memory.buffer, MAXIMA_AT, bytes / block)
    },
    load(values) {
      all.set(values)
      count = values.length
    },
    findPeaks(blockSize) {
      block = Math.max(blockSize, LEAST_BLOCK) * BYTES
      bytes = Math.ceil((count * BYTES) / block) * block
      all.fill(-Infinity, count, bytes / BYTES)
      if (peaks(bytes, block) === 0) {
        const token = this.values.findIndex((z) => !(z < Infinity))
        throw new InfernetError('engine.bad-logits', { token })
      }
      let top = -Infinity
      const found = this.peaks
      for (let i = 0; i < found.length; i++) top = Math.max(top, found[i] ?? top)
      return top
    },
    gather: (least) => firstFound(gather(bytes, block, Math.max(least, LOWEST))),
    noisy({ temperature, score, top, floor, position, words }) {
      const slack = temperature * NOISE_SLACK + (Math.abs(top) + SPAN) * 2 ** -21
      const reach = score - slack
      const least = Math.max(reach - temperature * HIGHEST_NOISE, floor - slack)
      const [key0, key1, high0, high1] = words
      const size = noisy(
        ...([bytes, block, least, reach] as const),
        temperature * NOISE_HIGH,
        temperature * NOISE_SLOPE,
        ...([position, key0, key1, high0, high1] as const),
      )
      return firstFound(size)
    },
  }
}
