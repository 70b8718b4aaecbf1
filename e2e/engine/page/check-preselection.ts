import { ln } from '#shared/engine/sampler/ln.ts'
import { philox4x32 } from '#shared/engine/sampler/philox.ts'
import type { DrawHint } from '#shared/engine/decoder/decoder.ts'
import { BUFFER_USAGE, MAP_READ, TENSOR_USAGE } from '#shared/engine/decoder/gpu/gpu-constants.ts'
import { createPreselector } from '#shared/engine/decoder/gpu/preselect.ts'
import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import { NOISE } from '#shared/engine/decoder/gpu/preselect.wgsl.ts'

/** What a check of the preselection on one device found. */
export interface PreselectionReport {
  readonly draws: number
  /** The exact winner was handed over. */
  readonly right: number
  /** All logits had to be read: allowed, and slow. */
  readonly unproved: number
  /** Candidates over all draws that were proved; close to one for each draw that is no near-tie. */
  readonly candidates: number
  /** The first draws that lost their winner or whose sketch is another, in words; empty when the shader is right on this device. */
  readonly wrong: readonly string[]
  /** The largest error of the noise; the bound that the proof uses is 2^-17. */
  readonly noiseError: number
}

const ROWS = 8

/**
 * Draws some hundred tokens of a vocabulary on the GPU and on the CPU and compares. The logits are random, flat, steep,
 * negative, large, and adversarial: many tokens whose exact scores lie as close together as 32 bits allow.
 *
 * @example
 * const { wrong, noiseError } = await checkPreselection(device)
 */
export async function checkPreselection(
  device: GPUDevice,
  { rounds = 40, vocabSize = 5003 }: { rounds?: number; vocabSize?: number } = {},
): Promise<PreselectionReport> {
  const width = vocabSize + 5
  const layout = { type: 'float32', width, vocabSize, rowBytes: width * 4 } as const
  const logits = device.createBuffer({ size: ROWS * layout.rowBytes, usage: TENSOR_USAGE })
  const ids = device.createBuffer({ size: ROWS * 8, usage: TENSOR_USAGE })
  const preselector = createPreselector(device, { logits, layout, maxRows: ROWS, ids })
  const counts = { draws: 0, right: 0, unproved: 0, candidates: 0 }
  const wrong: string[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const rows = Array.from({ length: ROWS }, (_, row) => makeCase(round * ROWS + row, vocabSize))
      rows.forEach(({ values }, row) => {
        // What lies behind the vocabulary is no token, however large.
        const padded = Float32Array.from({ length: width }, (_, v) => values[v] ?? 1e30)
        device.queue.writeBuffer(logits, row * layout.rowBytes, padded)
      })
      const answers = await preselector.submit(rows.map(({ hint }) => hint)).read()
      rows.forEach(({ name, values, winner, places }, row) => {
        const answer = answers[row]?.logits
        const place = answer?.ids?.indexOf(winner) ?? -1
        counts.draws++
        counts.candidates += answer?.ids?.length ?? 0
        if (!answer) counts.unproved++
        else if (place >= 0 && answer.values[place] === values[winner]) counts.right++
        else wrong.push(`${name}: ${winner} is not among ${answer.ids?.join(' ') ?? 'none'}`)
        const gathered = answer?.sketch?.every((value, i) => value === values[places[i] ?? -1])
        if (answer && !gathered) wrong.push(`${name}: the sketch is ${answer.sketch?.join(' ') ?? 'none'}`)
      })
    }
    return { ...counts, wrong: wrong.slice(0, 10), noiseError: await measureNoise(device) }
  } finally {
    preselector.destroy()
    logits.destroy()
    ids.destroy()
  }
}

interface Case {
  readonly name: string
  readonly values: Float32Array
  readonly hint: DrawHint
  /** Token ids whose logits are wanted besides, the first and the last of the vocabulary among them. */
  readonly places: Uint32Array
  /** The token that the definition draws. */
  readonly winner: number
}

type Kind = (v: number, uniform: number, noise: number, temperature: number) => number

/** How the logit of a token is made, of a random number in [0, 1) and of the token's own noise. */
const KINDS: Readonly<Record<string, Kind>> = {
  random: (_, uniform) => 30 * uniform - 15,
  flat: () => 1.5,
  steep: (v, uniform) => (v % 977 === 3 ? 20 : 0) + uniform,
  negative: (_, uniform) => -1000 - 30 * uniform,
  large: (_, uniform) => 1e6 * uniform,
  // Every 50th token: some 100 ties of 32-bit scores, more than are handed over.
  tied: (v, uniform, noise, temperature) => (v % 50 === 7 ? 12 - temperature * noise : -40 - uniform),
  // Twenty tokens whose scores differ by a few units in the last place.
  close: (v, uniform, noise, temperature) =>
    v % 251 === 9 ? 7 + uniform * 2e-6 - temperature * noise : -40 - uniform,
  closeLow: (v, uniform, noise, temperature) =>
    v % 401 === 2 ? -900 + uniform * 1e-4 - temperature * noise : -990 - uniform,
}
const TEMPERATURES = [0.7, 1, 0, 2, 0.05, 1e-5]

function makeCase(index: number, vocabSize: number): Case {
  const names = Object.keys(KINDS)
  const kindName = names[index % names.length] ?? 'random'
  const kind = KINDS[kindName] as Kind
  const temperature = TEMPERATURES[Math.floor(index / names.length) % TEMPERATURES.length] ?? 1
  const seedWords = [index * 2654435761, ~index, index * 40503, 7].map((word) => word >>> 0)
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = seedWords
  const position = index % 3 === 0 ? 0xffffffff - index : index
  const noise = createNoise([position, s2, s3], [s0, s1])
  const uniform = createNoise([index, 1, 2], [3, 4])
  const values = Float32Array.from({ length: vocabSize }, (_, v) =>
    kind(v, uniform(v) / 2 ** 32, exactNoise(noise(v)), temperature),
  )
  const scores = Float64Array.from(
    values,
    (z, v) => z + (temperature === 0 ? 0 : temperature * exactNoise(noise(v))),
  )
  const places = Uint32Array.from({ length: SKETCH_SIZE }, (_, i) =>
    i === 0 ? 0 : i === 1 ? vocabSize - 1 : uniform(i) % vocabSize,
  )
  const sketch = { at: () => places }
  const hint = { temperature, position, seedWords: [s0, s1, s2, s3], sketch } as const
  const winner = scores.reduce((best, score, v) => (score > (scores[best] ?? NaN) ? v : best), 0)
  return { name: `${kindName} at ${temperature}, case ${index}`, values, hint, places, winner }
}

type Three = readonly [number, number, number]

/** The random words of the tokens: four neighbours share one Philox block. */
function createNoise([c0, c2, c3]: Three, key: readonly [number, number]): (v: number) => number {
  const keyWords = Uint32Array.from(key)
  const counter = Uint32Array.of(c0, 0xffffffff, c2, c3)
  const words = new Uint32Array(4)
  return (v) => {
    if (counter[1] !== v >>> 2) {
      counter[1] = v >>> 2
      philox4x32(counter, keyWords, words)
    }
    return words[v & 3] ?? 0
  }
}

/** The Gumbel noise of a random word, as `createSampler` defines it. */
function exactNoise(x: number): number {
  return -ln(-ln((x + 0.5) / 2 ** 32))
}

/** The shader's noise against the definition: both ends, where errors are largest, the middle, and a sample between. */
async function measureNoise(device: GPUDevice): Promise<number> {
  const words = Uint32Array.from({ length: 4096 }, (_, i) => {
    if (i < 512) return i
    if (i < 1024) return 0xffffffff - (i - 512)
    if (i < 1536) return 0x80000000 + (i - 1280)
    return Math.imul(i, 2654435761) >>> 0
  })
  const input = device.createBuffer({ size: words.byteLength, usage: TENSOR_USAGE })
  const output = device.createBuffer({ size: words.byteLength, usage: TENSOR_USAGE })
  const usage = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget
  const staging = device.createBuffer({ size: words.byteLength, usage })
  try {
    device.queue.writeBuffer(input, 0, words)
    const module = device.createShaderModule({ code: `${NOISE}${NOISE_KERNEL}` })
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
    const entries = [input, output].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
    pass.dispatchWorkgroups(words.length / 64)
    pass.end()
    encoder.copyBufferToBuffer(output, 0, staging, 0, words.byteLength)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ)
    const noise = new Float32Array(staging.getMappedRange())
    return words.reduce((max, x, i) => Math.max(max, Math.abs((noise[i] ?? NaN) - exactNoise(x))), 0)
  } finally {
    for (const buffer of [input, output, staging]) buffer.destroy()
  }
}

const NOISE_KERNEL = /* wgsl */ `
@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) { output[id.x] = gumbel(input[id.x]); }
`
