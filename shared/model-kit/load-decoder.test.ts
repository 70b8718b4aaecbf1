import { describe, expect, it } from 'vitest'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { modelType, type OnnxTensor } from '../models/onnx/onnx-messages.ts'
import { DATA_TYPE } from '../models/onnx/tensor-values.ts'
import type { OrtRuntime, OrtSessionOptions } from '../engine/ort-runtime.ts'
import { loadDecoder } from '../engine/decoder/load-decoder.ts'

const EDGE = 2 ** 31
/** Where two tensors of the model are moved to. */
const [SMALL_AT, LARGE_AT] = [EDGE + 4096, EDGE + 65_536]

describe('loadDecoder', () => {
  it('hands over external data beyond 2 GB as it lies, with every place as the graph names it', async () => {
    const { manifest, files, small, large } = await makeLarge()
    const { ort, given } = createRuntime()
    await expect(loadDecoder({ ort, files, gpu: undefined }, manifest)).rejects.toMatchObject({
      code: 'engine.load-failed',
    })
    const [graph, options] = given()
    const beside = options.externalData as { path: string; data: Uint8Array }[]
    const second = beside.find(({ path }) => path === 'model.onnx_data_1')
    expect(beside.map(({ path }) => path)).toContain('model.onnx_data')
    expect(second?.data.length).toBeGreaterThan(EDGE)
    // No copy was made of it.
    expect(second?.data.buffer).toBe((await files.read('onnx/model.onnx_data_1')).buffer)
    const tensors = modelType.decode(graph).graph?.initializers ?? []
    const named = (name: string | undefined) => tensors.find((tensor) => tensor.name === name)
    // The small one was read into the graph from behind the edge, the large one stays where it is.
    expect(named(small.tensor.name)?.rawData).toEqual(small.bytes)
    expect(placeOf(named(large.tensor.name))).toEqual({ location: 'model.onnx_data_1', offset: LARGE_AT })
  })

  it('refuses a graph that points behind the end of such a file', async () => {
    const { manifest, files } = await makeLarge({ cut: SMALL_AT + 1 })
    const { ort } = createRuntime()
    await expect(loadDecoder({ ort, files, gpu: undefined }, manifest)).rejects.toMatchObject({
      code: 'models.corrupt',
    })
  })
})

/**
 * A model whose second data file is longer than 2 GB, two of its tensors behind that edge. Of memory that nobody wrote
 * to the machine gives nothing, so it costs what those tensors do.
 */
async function makeLarge({ cut = LARGE_AT + 65_536 }: { cut?: number } = {}) {
  const family = FAMILIES.find((each) => each.family.dataFiles === 2)
  if (!family) throw new Error('no family with two data files')
  const { manifest, files } = makeFamilyModel(family, 'fp32')
  const model = modelType.decode(await files.read(manifest.weights))
  if (!model.graph) throw new Error('no graph')
  const data = new Uint8Array(cut)
  data.set(await files.read(`${manifest.weights}_data_1`))
  const moved: { tensor: OnnxTensor; bytes: Uint8Array }[] = []
  const move = (fits: (bytes: number) => boolean, to: number): void => {
    const tensor = model.graph?.initializers.find(
      (each) =>
        placeOf(each)?.location === 'model.onnx_data_1' &&
        each.dataType === DATA_TYPE.float &&
        fits(lengthOf(each)),
    )
    if (!tensor) throw new Error('no such tensor')
    const from = placeOf(tensor)?.offset ?? 0
    const bytes = data.slice(from, from + lengthOf(tensor))
    moved.push({ tensor, bytes })
    if (to + bytes.length <= data.length) data.set(bytes, to)
    data.fill(0xff, from, from + bytes.length)
    for (const entry of tensor.externalData)
      if (entry.key === 'offset') Object.assign(entry, { value: String(to) })
  }
  move((bytes) => bytes <= 1024, SMALL_AT)
  move((bytes) => bytes > 1024, LARGE_AT)
  const [small, large] = moved
  if (!small || !large) throw new Error('nothing moved')
  const own = modelType.encode(model)
  const read: ModelFiles['read'] = async (path) => {
    if (path === manifest.weights) return own
    return path === `${manifest.weights}_data_1` ? data : files.read(path)
  }
  return { manifest, files: { ...files, read }, small, large }
}

function placeOf(tensor: OnnxTensor | undefined) {
  const entry = (wanted: string) => tensor?.externalData.find(({ key }) => key === wanted)?.value
  return entry('location') ? { location: entry('location'), offset: Number(entry('offset') ?? 0) } : undefined
}

function lengthOf({ externalData }: OnnxTensor): number {
  return Number(externalData.find(({ key }) => key === 'length')?.value ?? 0)
}

/** Keeps what it is asked to load, and loads nothing. */
function createRuntime() {
  let asked: readonly [Uint8Array, OrtSessionOptions] | undefined
  const create = async (graph: Uint8Array, options: OrtSessionOptions) => {
    asked = [graph, options]
    throw new Error('nothing is loaded here')
  }
  return {
    ort: { InferenceSession: { create } } as unknown as OrtRuntime,
    given: () => {
      if (!asked) throw new Error('nothing was asked for')
      return asked
    },
  }
}
