import type { Backend } from '#shared/engine/engine.ts'
import type { Decoder } from '#shared/engine/decoder/decoder.ts'
import { checkPreselection, type PreselectionReport } from './check-preselection.ts'
import { createGpuDecoder, type GpuDecoderOptions } from '#shared/engine/decoder/gpu/gpu-decoder.ts'
import { loadDecoder } from '#shared/engine/decoder/load-decoder.ts'
import type { Gpu, OrtRuntime } from '#shared/engine/ort-runtime.ts'
import { requestGpu } from '#shared/engine/request-gpu.ts'
import { checkOperators, type OperatorReport } from '#shared/engine/self-test/check-operators.ts'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { makeFamilyModel } from '#shared/model-kit/families/make-family.ts'
import type { Dtype } from '#shared/models/manifest.ts'
import { readJson, type ModelFiles } from '#shared/models/model-files.ts'
import { prepareGraph } from '#shared/models/onnx/prepare-graph.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { openRuntime } from '../../../web/engine/device.ts'
import { countBytes } from './count-bytes.ts'
import {
  beginTogether,
  bestByScore,
  drawOfAllLogits,
  sketchTwice,
  writeAlone,
  writeTogether,
} from './write-texts.ts'
import type { SketchedTwice, Writing, Written } from './write-texts.ts'

type Tokens = readonly number[]

/** The decoder with nothing above it, on a GPU device of the page itself: plain data in and out. */
export interface DecoderRoom {
  checkPreselection(): Promise<PreselectionReport>
  /** Three is added up four times in a variable that is declared in a loop: what each time gives. */
  addUpInLoops(): Promise<Tokens>
  /** How one operator does with the `subgroups` feature. To be the first thing asked of a page: it keeps the device. */
  tryWithSubgroups(operator: string): Promise<readonly OperatorReport[]>
  /** Loads the bundled model in fp32 and ends what was open before. */
  open(backend: Backend, options?: GpuDecoderOptions): Promise<void>
  /** The answer, and how often ORT was asked to run the graph for them. */
  alone(prompt: Tokens, writing: Writing): Promise<Written & { readonly runs: number }>
  together(prompts: readonly Tokens[], count: number): Promise<readonly Written[]>
  begun(prompts: readonly Tokens[], count: number): Promise<readonly Written[]>
  drawnOfAll(prompt: Tokens, answer: Tokens): Promise<Tokens>
  bestByScore(text: Tokens, from: number): Promise<Tokens>
  sketchTwice(prompt: Tokens, count: number): Promise<SketchedTwice>
  /** What a model of that family with random weights answers. */
  answerAs(family: string, dtype: Dtype, backend: Backend, writing: Writing): Promise<Written>
  /** Bytes of the GPU that are still held after the end of what was open. */
  close(): Promise<number>
}

export function createDecoderRoom(): DecoderRoom {
  let device: Promise<{ ort: OrtRuntime; gpu: Gpu; liveBytes: () => number }> | undefined
  let open: Decoder | undefined
  let runs = 0

  /** ORT keeps the first device that it is given for as long as the page lives, so there is one. */
  const runtime = (): NonNullable<typeof device> =>
    (device ??= openRuntime('webgpu').then(({ ort, gpu }) => {
      if (!gpu) throw new Error('no GPU')
      return { ort: countingRuns(ort, () => runs++), gpu, liveBytes: countBytes(gpu.device) }
    }))

  function loaded(): Decoder {
    if (!open) throw new Error('no decoder is open')
    return open
  }

  async function close(): Promise<void> {
    await open?.close()
    open = undefined
  }

  return {
    // Twice as many draws as there are kinds and temperatures of them.
    checkPreselection: async () => checkPreselection((await runtime()).gpu.device, { rounds: 12 }),
    addUpInLoops: async () => addUpInLoops((await runtime()).gpu.device),
    async tryWithSubgroups(only) {
      const { ort } = await openRuntime('wasm')
      const gpu = await requestGpu(navigator.gpu, { subgroups: true })
      return checkOperators({ ort, gpu, now: () => performance.now() }, { only })
    },
    async open(backend, options) {
      await close()
      const { ort, gpu } = await runtime()
      const { manifest, files } = await readTiny()
      if (backend === 'wasm') {
        open = await loadDecoder({ ort, files, gpu: undefined }, manifest)
        return
      }
      const graph = prepareGraph(await files.read(manifest.weights))
      const { vocabSize, contextLength: maxLength } = manifest
      const config = await readJson(files, 'config.json')
      open = await createGpuDecoder({ ort, gpu }, { graph, config, vocabSize, maxLength }, options)
    },
    async alone(prompt, writing) {
      const before = runs
      const answer = await writeAlone(loaded(), prompt, writing)
      return { ...answer, runs: runs - before }
    },
    together: (prompts, count) => writeTogether(loaded(), prompts, count),
    begun: (prompts, count) => beginTogether(loaded(), prompts, count),
    drawnOfAll: (prompt, answer) => drawOfAllLogits(loaded(), prompt, answer),
    bestByScore: (text, from) => bestByScore(loaded(), text, from),
    sketchTwice: async (prompt, count) => {
      const { vocabSize } = (await readTiny()).manifest
      return sketchTwice(loaded(), prompt, { count, vocabSize })
    },
    async answerAs(family, dtype, backend, writing) {
      const model = FAMILIES.find((each) => each.family.id === family)
      if (!model) throw new Error(`no family ${family}`)
      const { manifest, files } = makeFamilyModel(model, dtype)
      const { ort, gpu } = await runtime()
      const decoder = await loadDecoder({ ort, files, gpu: backend === 'wasm' ? undefined : gpu }, manifest)
      try {
        return await writeAlone(decoder, PROMPT, writing)
      } finally {
        await decoder.close()
      }
    },
    async close() {
      await close()
      return (await runtime()).liveBytes()
    },
  }
}

/** Tokens that every family has. */
const PROMPT = [5, 80, 33, 256, 7, 112, 9, 250, 31, 44, 45, 46, 200, 3, 19]

async function readTiny() {
  const base = 'models/infernet-tiny/'
  const read = async (path: string): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await (await fetch(`${base}${path}`)).arrayBuffer())
  const manifest = parseManifest(await read('manifest.fp32.json'))
  const files: ModelFiles = { paths: manifest.files.map(({ path }) => path), read }
  return { manifest, files }
}

/** The same runtime; its sessions tell of each run. */
function countingRuns(ort: OrtRuntime, onRun: () => void): OrtRuntime {
  const create = async (...args: Parameters<OrtRuntime['InferenceSession']['create']>) => {
    const session = await ort.InferenceSession.create(...args)
    const run = session.run.bind(session)
    session.run = ((...given: Parameters<typeof run>) => {
      onRun()
      return run(...given)
    }) as typeof run
    return session
  }
  return { Tensor: ort.Tensor, InferenceSession: { create: create as typeof ort.InferenceSession.create } }
}

/** By a device of `requestGpu`, which writes the zero that every variable begins with; not every driver does. */
async function addUpInLoops(device: GPUDevice): Promise<Tokens> {
  const [rounds, size] = [4, 16]
  const code = `@group(0) @binding(0) var<storage, read_write> sums : array<f32>;
    @compute @workgroup_size(1) fn main() {
      for (var i = 0u; i < ${rounds}u; i++) {
        var x : vec4<f32>;
        for (var j = 0u; j < 3u; j++) { x[0] += 1; }
        sums[i] = x[0];
      }
    }`
  const module = device.createShaderModule({ code })
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const sums = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC })
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [{ binding: 0, resource: { buffer: sums } }]
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(sums, 0, staging, 0, size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const added = [...new Float32Array(staging.getMappedRange())]
  for (const buffer of [sums, staging]) buffer.destroy()
  return added
}
