import type { DrawHint, Logits } from '../decoder.ts'
import { BUFFER_USAGE, MAP_READ, TENSOR_USAGE } from './gpu-constants.ts'
import type { LogitsLayout } from './logits-layout.ts'
import {
  DRAW_WORDS,
  MAX_CANDIDATES,
  MODE,
  PLACES_WORD,
  RESULT_WORDS,
  SKETCH_WORD,
  WORKGROUP_SIZE,
  preselectShader,
} from './preselect.wgsl.ts'

/** What was found for one row. */
export interface RowDraw {
  /** Undefined where all logits have to be read. */
  readonly logits: Logits | undefined
  /** The best by approximate score: what `feed` wrote for the next step. */
  readonly winner: number
}

/** A preselection under way. */
export interface Preselection {
  /** One for each row, undefined for rows without a hint. Has to be called once. */
  read(): Promise<readonly (RowDraw | undefined)[]>
}

/** Draws on the GPU, approximately, so that a step reads some bytes and not a vocabulary (see `preselectShader`). */
export interface Preselector {
  /**
   * Submits the draw of the first `hints.length` rows of `logits`; rows without a hint are left out. At most two may
   * be unread at a time, and they are read in order.
   */
  submit(hints: readonly (DrawHint | undefined)[]): Preselection
  destroy(): void
}

export interface PreselectorOptions {
  readonly logits: GPUBuffer
  readonly layout: LogitsLayout
  readonly maxRows: number
  /** Where each row's provisional winner is written, as int64. */
  readonly ids: GPUBuffer
}

/** 16,384 threads keep any GPU busy; a vocabulary of 152,000 gives each of them 10 tokens. */
const MAX_WORKGROUPS = 64
const ROW_BYTES = RESULT_WORDS * 4

export function createPreselector(
  device: GPUDevice,
  { logits, layout, maxRows, ids }: PreselectorOptions,
): Preselector {
  const draws = device.createBuffer({ size: maxRows * DRAW_WORDS * 4, usage: TENSOR_USAGE })
  const result = device.createBuffer({ size: maxRows * ROW_BYTES, usage: TENSOR_USAGE })
  // Two: the next step may be submitted before the last one is read.
  const staging = [0, 1].map(() =>
    device.createBuffer({
      size: maxRows * ROW_BYTES,
      usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget,
    }),
  )
  let turn = 0
  const { pipelines, group } = createPipelines(device, layout, [logits, draws, result, ids])
  const workgroups = Math.min(MAX_WORKGROUPS, Math.ceil(layout.vocabSize / 4 / WORKGROUP_SIZE))

  return {
    submit(hints) {
      const rows = hints.length
      const target = staging[(turn ^= 1)] as GPUBuffer
      device.queue.writeBuffer(draws, 0, drawWords(hints))
      const encoder = device.createCommandEncoder()
      encoder.clearBuffer(result, 0, rows * ROW_BYTES)
      const pass = encoder.beginComputePass()
      pass.setBindGroup(0, group)
      pass.setPipeline(pipelines.findBest)
      pass.dispatchWorkgroups(workgroups, rows)
      pass.setPipeline(pipelines.collect)
      pass.dispatchWorkgroups(workgroups, rows)
      pass.setPipeline(pipelines.feed)
      pass.dispatchWorkgroups(rows)
      pass.end()
      encoder.copyBufferToBuffer(result, 0, target, 0, rows * ROW_BYTES)
      device.queue.submit([encoder.finish()])
      const mapped = target.mapAsync(MAP_READ, 0, rows * ROW_BYTES)
      // Who does not read it must not get an unhandled rejection when the device goes.
      mapped.catch(() => undefined)
      return {
        async read() {
          await mapped
          const words = new Uint32Array(target.getMappedRange(0, rows * ROW_BYTES)).slice()
          target.unmap()
          return hints.map((hint, row) =>
            hint ? readRow(words.subarray(row * RESULT_WORDS, (row + 1) * RESULT_WORDS), hint) : undefined,
          )
        },
      }
    },
    destroy() {
      for (const buffer of [draws, result, ...staging]) buffer.destroy()
    },
  }
}

/** A temperature that is no normal 32-bit float has no error bound: such a draw is left to the CPU. */
export function canPreselect({ temperature }: DrawHint): boolean {
  return temperature === 0 || Math.fround(temperature) >= 2 ** -126
}

function drawWords(hints: readonly (DrawHint | undefined)[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(hints.length * DRAW_WORDS)
  const floats = new Float32Array(words.buffer)
  hints.forEach((hint, row) => {
    if (!hint) return
    const at = row * DRAW_WORDS
    words[at] = hint.temperature === 0 ? MODE.greedy : MODE.sample
    floats[at + 1] = hint.temperature
    words[at + 2] = hint.position
    words.set(hint.seedWords, at + 3)
    if (hint.sketch) words.set(hint.sketch.at(hint.position), at + PLACES_WORD)
  })
  return words
}

/** Candidates in rising order of ids, as the sampler wants them: threads put them down in any. */
function readRow(words: Uint32Array, hint: DrawHint): RowDraw {
  const [count = 0, flags = 0, , complement = 0] = words
  const winner = ~complement >>> 0
  if (flags !== 0 || count === 0 || count > MAX_CANDIDATES) return { logits: undefined, winner }
  const pairs = Array.from(
    { length: count },
    (_, i) => [words[4 + 2 * i] ?? 0, words[5 + 2 * i] ?? 0] as const,
  )
  pairs.sort(([a], [b]) => a - b)
  const bits = Uint32Array.from(pairs, ([, logit]) => logit)
  const ids = Uint32Array.from(pairs, ([token]) => token)
  const sketch = hint.sketch && new Float32Array(words.slice(SKETCH_WORD).buffer)
  return { logits: { ids, values: new Float32Array(bits.buffer), sketch }, winner }
}

function createPipelines(device: GPUDevice, shape: LogitsLayout, buffers: readonly GPUBuffer[]) {
  const module = device.createShaderModule({ code: preselectShader(shape) })
  const readOnly = [true, true, false, false]
  const groupLayout = device.createBindGroupLayout({
    entries: readOnly.map((only, binding) => ({
      binding,
      visibility: COMPUTE_STAGE,
      buffer: { type: only ? 'read-only-storage' : 'storage' },
    })),
  })
  const layout = device.createPipelineLayout({ bindGroupLayouts: [groupLayout] })
  const pipeline = (entryPoint: 'findBest' | 'collect' | 'feed'): GPUComputePipeline =>
    device.createComputePipeline({ layout, compute: { module, entryPoint } })
  return {
    pipelines: { findBest: pipeline('findBest'), collect: pipeline('collect'), feed: pipeline('feed') },
    group: device.createBindGroup({
      layout: groupLayout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  }
}

/** `GPUShaderStage.COMPUTE`. */
const COMPUTE_STAGE = 0x4
