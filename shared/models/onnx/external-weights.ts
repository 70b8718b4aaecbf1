import { InfernetError } from '../../errors/infernet-error.ts'
import type { OnnxGraph, OnnxTensor } from './onnx-messages.ts'
import { tensorBytes } from './tensor-values.ts'

/** The name under which the tensors that left the graph find the file that they came in. */
export const WEIGHTS_FILE = 'weights-of-the-model'

const EXTERNAL = 1

/**
 * Makes large initializers refer to the place in `file` where their bytes lie already, so that a graph can be written
 * anew and given to ORT without copying its weights.
 */
export function withExternalWeights(graph: OnnxGraph, file: Uint8Array, minBytes: number): OnnxGraph {
  return {
    ...graph,
    initializers: graph.initializers.map((tensor) => {
      const { rawData } = tensor
      return rawData && rawData.length >= minBytes && rawData.buffer === file.buffer
        ? pointingAt(tensor, WEIGHTS_FILE, rawData.byteOffset - file.byteOffset, rawData.length)
        : tensor
    }),
  }
}

/** The tensor without its bytes, which lie in a file. */
export function pointingAt(tensor: OnnxTensor, file: string, offset: number, length: number): OnnxTensor {
  const entry = (key: string, value: string | number) => ({ key, value: String(value), unknown: [] })
  return {
    ...tensor,
    rawData: undefined,
    dataLocation: EXTERNAL,
    externalData: [entry('location', file), entry('offset', offset), entry('length', length)],
  }
}

/** A file beside the model, under the name that its tensors give it: what ORT takes as `externalData`. */
export interface ExternalFile {
  readonly path: string
  readonly data: Uint8Array<ArrayBuffer>
}

/** Shapes, axes and places in them; the rest of a model is larger. */
export const SMALL_BYTES = 1024

/** Where in which file beside the model a tensor lies. */
export interface TensorPlace {
  readonly file: string
  readonly start: number
  /** Undefined is all the rest of the file. */
  readonly length: number | undefined
}

/**
 * Brings small tensors back into the graph: onnxruntime-genai writes even single numbers beside it
 * (`size_threshold_bytes=0`), and a rewrite has to read them.
 *
 * @throws InfernetError `models.corrupt` when a tensor points outside its file
 */
export function withSmallTensorsInside(graph: OnnxGraph, files: readonly ExternalFile[]): OnnxGraph {
  if (files.length === 0) return graph
  const byName = new Map(files.map(({ path, data }) => [path, data]))
  return withTensorsInside(graph, ({ file, start, length }) => {
    const data = byName.get(file)
    if (!data) return undefined
    const end = start + (length ?? data.length - start)
    if (!(start >= 0 && end >= start && end <= data.length)) throw new InfernetError('models.corrupt')
    return data.subarray(start, end)
  })
}

/** As {@link withSmallTensorsInside}, with the bytes of each from `read`; a tensor that it does not have stays. */
export function withTensorsInside(
  graph: OnnxGraph,
  read: (place: TensorPlace) => Uint8Array | undefined,
): OnnxGraph {
  return {
    ...graph,
    initializers: graph.initializers.map((tensor) => {
      const place = smallPlaceOf(tensor)
      const rawData = place && read(place)
      return rawData ? { ...tensor, rawData, dataLocation: undefined, externalData: [] } : tensor
    }),
  }
}

/** Where the small tensors lie that a rewrite reads from files beside the model. */
export function smallPlaces(graph: OnnxGraph): readonly TensorPlace[] {
  return graph.initializers.map(smallPlaceOf).filter((place) => place !== undefined)
}

function smallPlaceOf(tensor: OnnxTensor): TensorPlace | undefined {
  if (tensor.dataLocation !== EXTERNAL || (tensorBytes(tensor) ?? Infinity) > SMALL_BYTES) return undefined
  const entry = (wanted: string) => tensor.externalData.find(({ key }) => key === wanted)?.value
  const length = entry('length')
  return {
    file: entry('location') ?? '',
    start: Number(entry('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  }
}

/** Files beside the model in which tensors lie. */
export function externalFiles(graph: OnnxGraph): readonly string[] {
  const files = new Set<string>()
  for (const { externalData, dataLocation } of graph.initializers)
    if (dataLocation === EXTERNAL)
      files.add(plainName(externalData.find(({ key }) => key === 'location')?.value ?? ''))
  return [...files]
}

/** The bytes of the largest tensor that lies beside the model; 0 where none tells its size. */
export function largestExternalBytes(graph: OnnxGraph): number {
  const outside = graph.initializers.filter(({ dataLocation }) => dataLocation === EXTERNAL)
  return outside.reduce((largest, tensor) => Math.max(largest, tensorBytes(tensor) ?? 0), 0)
}

/** Some exporters write `./model.onnx_data`: the same file, under a name that nobody finds. */
export function withPlainNames(graph: OnnxGraph): OnnxGraph {
  const isOdd = ({ key, value }: ExternalEntry): boolean => key === 'location' && value !== plainName(value)
  if (!graph.initializers.some(({ externalData }) => externalData.some(isOdd))) return graph
  const plain = (entry: ExternalEntry): ExternalEntry =>
    isOdd(entry) ? { ...entry, value: plainName(entry.value) } : entry
  return {
    ...graph,
    initializers: graph.initializers.map((tensor) => ({
      ...tensor,
      externalData: tensor.externalData.map(plain),
    })),
  }
}

type ExternalEntry = OnnxTensor['externalData'][number]

function plainName(name: string): string
function plainName(name: string | undefined): string | undefined
function plainName(name: string | undefined): string | undefined {
  return name?.replace(/^(?:\.\/)+/, '')
}
