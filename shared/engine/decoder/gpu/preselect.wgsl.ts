import { SKETCH_SIZE } from '../../score/sketch.ts'

/** What is built into the shader. */
export interface PreselectShape {
  readonly vocabSize: number
  /** Numbers from one row of logits to the next. */
  readonly width: number
  readonly type: 'float32' | 'float16'
}

export const WORKGROUP_SIZE = 256
/** Tokens that may be handed over for one row. Ties aside it is one, rarely two. */
export const MAX_CANDIDATES = 64
/** Where the logits of the sketch lie in a row of the result. */
export const SKETCH_WORD = 4 + 2 * MAX_CANDIDATES
/** Words of one row of the result: count, flags, best score, winner, pairs of token id and logit, logits of the sketch. */
export const RESULT_WORDS = SKETCH_WORD + SKETCH_SIZE
/** Where the token ids of the sketch lie in a row's draw. */
export const PLACES_WORD = 8
/** Words of one row's draw: mode, temperature, position, four of the seed, one unused, token ids of the sketch. */
export const DRAW_WORDS = PLACES_WORD + SKETCH_SIZE

export const MODE = { skip: 0, greedy: 1, sample: 2 } as const

/**
 * The approximate draw of a whole vocabulary: z + temperature * g as `createSampler` defines it, with Philox exact and
 * the noise g = -ln(-ln(u)) in 32 bits. `findBest` finds the best score of each row, `collect` every token that could
 * still be better than it when worked out exactly, and `feed` writes the provisional winner where the next step reads
 * its token, and gathers the logits of the row's sketch.
 *
 * The bound. WGSL rounds +, - and * correctly in an unspecified direction (relative error h = 2^-23 at most) and / to
 * 2.5 ulp; fusing and reordering are allowed only where they lose nothing. Nothing else is relied on: the built-in
 * `log` is not used.
 *
 * 1. `natural(v)`, v normal: v = m * 2^e with m in [0.707, 1.415) is exact, e * LN2_HIGH is exact (9 bits times 6),
 *    e * LN2_LOW is off by 2e-9. With s = (m - 1) / (m + 1), 2 s (1 + s^2 / 3 + ..) is off by 6 h of itself, at most
 *    2.5e-7; cutting the series there costs 2 * 0.172^11 / 11 = 7e-10. The two sums add h * 0.36 and h * |ln v|. So
 *    natural(v) is within 3.0e-7 + h |ln v| of ln v.
 * 2. x as a float, plus 0.5, is off by 2 h at most, relative; times 2^-32 is exact.
 * 3. E = -ln(u). For u <= 1/2 it is natural(u), off by 2 h + 3.0e-7 + h E, and E >= 0.69: relative error 9e-7. For
 *    u > 1/2 it is worked out from c = 1 - u = (2^32 - 1 - x + 0.5) / 2^32, because ln of numbers near 1 would lose
 *    everything: -ln(1 - c) = 2 atanh(s) = 2 s (1 + s^2 / 3 + .. + s^12 / 13) with s = c / (2 - c) <= 1/3. The error
 *    of c counts 1.44 times, the rest is 6.5 h, the cut 2e-8: relative error 1.2e-6.
 * 4. g = -natural(E), |ln E| <= 22.9: off by 1.2e-6 + 3.0e-7 + 22.9 h < 2^-17.
 * 5. The temperature T is rounded (h / 2), the product and the sum too: a score s is off by less than
 *    T 2^-17 + 22.9 T * 1.5 h + h |s| < eps = T 2^-16 + |s| 2^-22.
 *
 * The exact winner's approximate score lies at most two eps below the best approximate score. `collect` takes twice
 * that, which also covers the rounding of the comparison itself. At temperature 0 a score is the logit, compared
 * exactly as an integer, and all of equal logits are collected.
 *
 * A number that is not finite sets flag 1; the caller then reads all logits, as it does when more than
 * `MAX_CANDIDATES` were found.
 */
export function preselectShader({ vocabSize, width, type }: PreselectShape): string {
  return /* wgsl */ `
const SKETCH = ${SKETCH_SIZE}u;

struct Draw { mode: u32, temperature: f32, position: u32, s0: u32, s1: u32, s2: u32, s3: u32, unused: u32,
  places: array<u32, SKETCH> }

@group(0) @binding(0) var<storage, read> logits: array<u32>;
@group(0) @binding(1) var<storage, read> draws: array<Draw>;
@group(0) @binding(2) var<storage, read_write> result: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;

const VOCAB = ${vocabSize}u;
const BLOCKS = ${Math.ceil(vocabSize / 4)}u;
const WIDTH = ${width}u;
const WORDS = ${RESULT_WORDS}u;
const GREEDY = ${MODE.greedy}u;
const SKIP = ${MODE.skip}u;
const INFINITE = 0x7f800000u;

var<workgroup> bestOfGroup: atomic<u32>;

${type === 'float32' ? LOAD_FLOATS : LOAD_HALVES}

${PHILOX}

${NOISE}

/** Floats as integers that compare alike; the two zeros are one. */
fn keyOf(bits: u32) -> u32 {
  let b = select(bits, 0u, bits == 0x80000000u);
  return b ^ select(0x80000000u, 0xffffffffu, (b >> 31u) == 1u);
}

fn scoreOf(key: u32) -> f32 {
  return bitcast<f32>(key ^ select(0xffffffffu, 0x80000000u, (key >> 31u) == 1u));
}

struct Block { bits: array<u32, 4>, key: array<u32, 4>, count: u32 }

/** Four neighbours, which share one Philox block. Key 0 stands for a token that cannot reach \`floor\`. */
fn scoreBlock(row: u32, block: u32, draw: Draw, floor: f32) -> Block {
  var b: Block;
  b.count = min(4u, VOCAB - block * 4u);
  var top = -3.0e38f;
  for (var i = 0u; i < b.count; i++) {
    let bits = loadBits(row, block * 4u + i);
    b.bits[i] = bits;
    if ((bits & INFINITE) == INFINITE) { atomicOr(&result[row * WORDS + 1u], 1u); continue; }
    b.key[i] = keyOf(bits);
    top = max(top, bitcast<f32>(bits));
  }
  if (draw.mode == GREEDY) { return b; }
  // The noise is below 22.9; this only saves work.
  if (top + draw.temperature * 23.0 < floor) { b.key = array<u32, 4>(); return b; }
  let noise = philox(vec4u(draw.position, block, draw.s2, draw.s3), vec2u(draw.s0, draw.s1));
  for (var i = 0u; i < b.count; i++) {
    if (b.key[i] == 0u) { continue; }
    let score = bitcast<f32>(b.bits[i]) + draw.temperature * gumbel(noise[i]);
    b.key[i] = keyOf(bitcast<u32>(score));
  }
  return b;
}

@compute @workgroup_size(${WORKGROUP_SIZE})
fn findBest(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = id.y;
  let draw = draws[row];
  var best = 0u;
  if (draw.mode != SKIP) {
    for (var block = id.x; block < BLOCKS; block += groups.x * ${WORKGROUP_SIZE}u) {
      var floor = -3.0e38f;
      if (best != 0u) { floor = scoreOf(best); }
      let b = scoreBlock(row, block, draw, floor);
      for (var i = 0u; i < b.count; i++) { best = max(best, b.key[i]); }
    }
  }
  atomicMax(&bestOfGroup, best);
  workgroupBarrier();
  if (local == 0u) { atomicMax(&result[row * WORDS + 2u], atomicLoad(&bestOfGroup)); }
}

@compute @workgroup_size(${WORKGROUP_SIZE})
fn collect(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y;
  let draw = draws[row];
  if (draw.mode == SKIP) { return; }
  let best = atomicLoad(&result[row * WORDS + 2u]);
  var floor = scoreOf(best);
  var lowest = best;
  if (draw.mode != GREEDY) {
    floor -= draw.temperature * ${2 ** -14}f + abs(floor) * ${2 ** -20}f;
    lowest = keyOf(bitcast<u32>(floor));
  }
  for (var block = id.x; block < BLOCKS; block += groups.x * ${WORKGROUP_SIZE}u) {
    let b = scoreBlock(row, block, draw, floor);
    for (var i = 0u; i < b.count; i++) {
      if (b.key[i] == 0u || b.key[i] < lowest) { continue; }
      let token = block * 4u + i;
      let place = atomicAdd(&result[row * WORDS], 1u);
      if (place < ${MAX_CANDIDATES}u) {
        atomicStore(&result[row * WORDS + 4u + place * 2u], token);
        atomicStore(&result[row * WORDS + 5u + place * 2u], b.bits[i]);
      }
      // The lowest id of the best, as its complement: the row starts as zeros.
      if (b.key[i] == best) { atomicMax(&result[row * WORDS + 3u], ~token); }
    }
  }
}

@compute @workgroup_size(SKETCH)
fn feed(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let place = min(draws[row].places[lane], VOCAB - 1u);
  atomicStore(&result[row * WORDS + ${SKETCH_WORD}u + lane], loadBits(row, place));
  if (lane > 0u) { return; }
  // A row without a winner must not give an id that is none.
  ids[row * 2u] = min(~atomicLoad(&result[row * WORDS + 3u]), VOCAB - 1u);
  ids[row * 2u + 1u] = 0u;
}
`
}

const LOAD_FLOATS = /* wgsl */ `
fn loadBits(row: u32, v: u32) -> u32 { return logits[row * WIDTH + v]; }
`

/** By integers: 16-bit numbers below 2^-14 are none too small for 32 bits, and hardware may lose them. */
const LOAD_HALVES = /* wgsl */ `
fn loadBits(row: u32, v: u32) -> u32 {
  let i = row * WIDTH + v;
  let half = (logits[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu;
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 0x1fu;
  let fraction = half & 0x3ffu;
  if (exponent == 0x1fu) { return sign | INFINITE | (fraction << 13u); }
  if (exponent == 0u) { return sign | bitcast<u32>(f32(fraction) * ${2 ** -24}f); }
  return sign | ((exponent + 112u) << 23u) | (fraction << 13u);
}
`

/** As `philox4x32`, which names the source. */
const PHILOX = /* wgsl */ `
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let middle = aHigh * bLow + ((aLow * bLow) >> 16u);
  let carry = aLow * bHigh + (middle & 0xffffu);
  return aHigh * bHigh + (middle >> 16u) + (carry >> 16u);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    let high0 = multiplyHigh(0xd2511f53u, c.x);
    let low0 = 0xd2511f53u * c.x;
    let high1 = multiplyHigh(0xcd9e8d57u, c.z);
    let low1 = 0xcd9e8d57u * c.z;
    c = vec4u(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
`

/** Gumbel noise of 32 random bits, in f32. @internal */
export const NOISE = /* wgsl */ `
const LN2_HIGH = 0.693359375f;
const LN2_LOW = -2.12194440e-4f;

/** The natural logarithm of a normal positive number. */
fn natural(v: f32) -> f32 {
  let bits = bitcast<u32>(v);
  var e = f32(bits >> 23u) - 127.0;
  var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  if (m > 1.41421354) { m *= 0.5; e += 1.0; }
  let s = (m - 1.0) / (m + 1.0);
  let q = s * s;
  let fraction = 2.0 * s * (1.0 + q * (0.333333333 + q * (0.2 + q * (0.142857143 + q * 0.111111111))));
  return e * LN2_HIGH + (e * LN2_LOW + fraction);
}

/** -ln(-ln(u)) with u = (x + 0.5) / 2^32. */
fn gumbel(x: u32) -> f32 {
  if (x < 0x80000000u) { return -natural(-natural((f32(x) + 0.5) * ${2 ** -32}f)); }
  let c = (f32(~x) + 0.5) * ${2 ** -32}f;
  let s = c / (2.0 - c);
  let q = s * s;
  let tail = q * (0.142857143 + q * (0.111111111 + q * (0.0909090909 + q * 0.0769230769)));
  return -natural(2.0 * s * (1.0 + q * (0.333333333 + q * (0.2 + tail))));
}
`
