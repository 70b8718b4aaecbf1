import type { SamplerParams } from '../engine.ts'
import { exp } from './exp.ts'
import { ln } from './ln.ts'
import { createNoise, HIGHEST_NOISE, type SeedWords } from './noise.ts'
import { topKOf } from './params.ts'
import type { Scanner } from './scan.ts'

/** Tokens with their logits as the draw sees them, all finite: a token of -Infinity is none of them. */
export interface Pool {
  readonly ids: Uint32Array
  readonly values: Float32Array
}

/** What came of a draw. */
export interface Drawn {
  readonly token: number
  readonly score: number
  /** The score of the token that was asked about; -Infinity when the filters exclude it. */
  readonly wantedScore: number
}

export interface Draw {
  /** Among few tokens, which are all that may come. At least one. */
  among(pool: Pool, position: number, wanted: number): Drawn
  /**
   * Among a whole vocabulary, in which a token that may not come has the logit -Infinity. Undefined when none may.
   *
   * @throws InfernetError `engine.bad-logits` when a logit is NaN or Infinity
   */
  amongAll(scanner: Scanner, position: number, wanted: number): Drawn | undefined
}

/** How many tokens top-p looks at when there is no top-k. */
const TOP_P_HEAD = 256
/** Logits of a block where all that may win are looked for: the more blocks, the more of them can be left out. */
const BLOCK = 32
/** Most logits of a block where the highest are looked for: few blocks are quick to go through and sort. */
const HEAD_BLOCK = 256

/** SAMPLER.md, steps 4 to 6. */
export function createDraw(params: SamplerParams, words: SeedWords): Draw {
  const { temperature, topP, minP = 0 } = params
  const noise = createNoise(words)
  const headSize = topKOf(params) ?? (topP < 1 ? TOP_P_HEAD : Infinity)
  const isHeadOnly = temperature > 0 && headSize < Infinity
  /** Added to the top, the lowest logit that min-p keeps. */
  const minPDrop = temperature > 0 && minP > 0 ? temperature * ln(minP) : -Infinity
  const scoreOf = (token: number, z: number, position: number): number =>
    temperature > 0 ? z + temperature * noise(position, token) : z

  /** Of the highest score, and of equal ones the lowest id. */
  function loudest(
    pool: Pool,
    length: number,
    floor: number,
    position: number,
  ): { token: number; score: number } {
    const { ids, values } = pool
    let token = -1
    let score = -Infinity
    for (let i = 0; i < length; i++) {
      const id = ids[i] ?? 0
      const z = values[i] ?? 0
      // Only a bound: it saves the draws of tokens that cannot win and changes no result.
      if (z < floor || z + temperature * HIGHEST_NOISE < score) continue
      const its = scoreOf(id, z, position)
      if (its < score || (its === score && id > token)) continue
      token = id
      score = its
    }
    return { token, score }
  }

  /** Top-k, top-p and min-p, then the draw. */
  function amongHead(pool: Pool, position: number, wanted: number): Drawn {
    const head = sorted(pool, headSize)
    const top = head.values[0] ?? 0
    const length = topP < 1 ? nucleusSize(head.values, temperature, topP) : head.ids.length
    const floor = top + minPDrop
    const at = head.ids.indexOf(wanted)
    const z = head.values[at] ?? 0
    const wantedScore = at >= 0 && at < length && z >= floor ? scoreOf(wanted, z, position) : -Infinity
    return { ...loudest(head, length, floor, position), wantedScore }
  }

  return {
    among(pool, position, wanted) {
      if (isHeadOnly) return amongHead(pool, position, wanted)
      const { ids, values } = pool
      let top = -Infinity
      for (const z of values) if (z > top) top = z
      const floor = top + minPDrop
      const z = values[ids.indexOf(wanted)] ?? -Infinity
      const wantedScore = z > -Infinity && z >= floor ? scoreOf(wanted, z, position) : -Infinity
      return { ...loudest(pool, ids.length, floor, position), wantedScore }
    },
    amongAll(scanner, position, wanted) {
      const { values } = scanner
      const blockSize =
        temperature === 0 ? HEAD_BLOCK : isHeadOnly ? blockSizeFor(values.length, headSize) : BLOCK
      const top = scanner.findPeaks(blockSize)
      if (top === -Infinity) return undefined
      if (isHeadOnly) return amongHead(highest(scanner, headSize), position, wanted)
      const floor = top + minPDrop
      const z = values[wanted] ?? -Infinity
      const wantedScore = z > -Infinity && z >= floor ? scoreOf(wanted, z, position) : -Infinity
      if (temperature === 0) return { token: scanner.gather(top)[0] ?? 0, score: top, wantedScore }
      const first = scanner.peaks.indexOf(top) * blockSize
      const last = Math.min(first + blockSize, values.length)
      const block = {
        ids: Uint32Array.from({ length: last - first }, (_, i) => first + i),
        values: values.subarray(first, last),
      }
      const { score } = loudest(block, last - first, Math.max(floor, -Number.MAX_VALUE), position)
      const rest = poolOf(values, scanner.noisy({ temperature, score, top, floor, position, words }))
      return { ...loudest(rest, rest.ids.length, floor, position), wantedScore }
    },
  }
}

/** Room for two bits of order: the value, and below it 20 bits of id. */
const ID_SPAN = 2 ** 20
const float = new Float32Array(1)
const floatBits = new Int32Array(float.buffer)
let keys = new Float64Array(1024)

/** The first `size` tokens by falling logit, equal logits by rising id. */
function sorted({ ids, values }: Pool, size: number): Pool {
  if (keys.length < ids.length) keys = new Float64Array(ids.length)
  for (let i = 0; i < ids.length; i++) {
    float[0] = (values[i] ?? 0) + 0 // -0 becomes 0
    const bits = floatBits[0] ?? 0
    // The higher the logit, the smaller the key: the bits of floats rise with them, those below zero turned over.
    const rank = bits < 0 ? 0x80000000 + (bits & 0x7fffffff) : 0x7fffffff - bits
    keys[i] = rank * ID_SPAN + (ids[i] ?? 0)
  }
  const order = keys.subarray(0, ids.length).sort().subarray(0, size)
  const head = { ids: new Uint32Array(order.length), values: new Float32Array(order.length) }
  for (let i = 0; i < order.length; i++) {
    const key = order[i] ?? 0
    const rank = Math.floor(key / ID_SPAN)
    floatBits[0] = rank >= 0x80000000 ? (rank - 0x80000000) | 0x80000000 : 0x7fffffff - rank
    head.ids[i] = key - rank * ID_SPAN
    head.values[i] = float[0] ?? 0
  }
  return head
}

/** How many of the sorted logits top-p keeps. */
function nucleusSize(values: Float32Array, temperature: number, topP: number): number {
  const top = values[0] ?? 0
  const weights = new Float64Array(values.length)
  let total = 0
  for (let i = 0; i < values.length; i++) {
    const weight = exp(((values[i] ?? 0) - top) / temperature)
    weights[i] = weight
    total += weight
  }
  const target = topP * total
  let running = 0
  for (let i = 0; i < values.length; i++) {
    running += weights[i] ?? 0
    if (running >= target) return i + 1
  }
  return values.length
}

/** A power of two that makes at least two blocks for each token wanted, as far as blocks can be that small. */
function blockSizeFor(count: number, wanted: number): number {
  return Math.min(HEAD_BLOCK, 2 ** Math.max(0, Math.floor(Math.log2(count / wanted / 2))))
}

/** The tokens among which the `size` highest are: few more than those. */
function highest({ peaks, values, gather }: Scanner, size: number): Pool {
  // There are `size` logits as high as the lowest of the `size` highest peaks, so no lower one is needed.
  const least = peaks.length < size ? -Infinity : nthHighest(peaks, size)
  const found = gather(least)
  if (found.length <= 2 * size) return poolOf(values, found)
  // Of logits that equal the least, those with the lowest ids come first: this is what keeps a flat vocabulary quick.
  let equals = 0
  return poolOf(
    values,
    found.filter((id) => (values[id] ?? 0) > least || ++equals <= size),
  )
}

const BUCKETS = 256

/** At most the n-th highest peak, and not much less: counted in buckets, since sorting takes ten times as long. */
function nthHighest(peaks: Float32Array, n: number): number {
  let top = -Infinity
  let bottom = Infinity
  for (let i = 0; i < peaks.length; i++) {
    const peak = peaks[i] ?? 0
    if (peak > top) top = peak
    if (peak < bottom && peak > -Infinity) bottom = peak
  }
  if (top === bottom) return peaks.includes(-Infinity) ? -Infinity : bottom
  const scale = BUCKETS / (top - bottom)
  const bucketOf = (peak: number): number => Math.min(BUCKETS - 1, Math.floor((top - peak) * scale))
  const counts = new Uint32Array(BUCKETS)
  for (let i = 0; i < peaks.length; i++) {
    const bucket = bucketOf(peaks[i] ?? 0)
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  let last = 0
  for (let found = counts[0] ?? 0; found < n && last < BUCKETS - 1; found += counts[last] ?? 0) last++
  let least = top
  for (let i = 0; i < peaks.length; i++) {
    const peak = peaks[i] ?? 0
    if (peak < least && bucketOf(peak) <= last) least = peak
  }
  return least
}

/** Indexed loops: `Float32Array.from` with a function walks an iterator, which takes longer than all the rest. */
export function poolOf(values: Float32Array, ids: Uint32Array): Pool {
  const found = new Float32Array(ids.length)
  for (let i = 0; i < ids.length; i++) found[i] = values[ids[i] ?? 0] ?? 0
  return { ids, values: found }
}

/** Without the tokens of -Infinity, which can never come. */
export function withoutImpossible(pool: Pool): Pool {
  if (!pool.values.includes(-Infinity)) return pool
  const ids = pool.ids.filter((_, i) => (pool.values[i] ?? 0) > -Infinity)
  return { ids, values: pool.values.filter((z) => z > -Infinity) }
}
