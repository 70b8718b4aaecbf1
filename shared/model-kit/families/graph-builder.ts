import type { Dtype } from '../../models/manifest.ts'
import { makeNode, makeTensor, makeValueInfo, type AttributeValue } from '../../models/onnx/make-parts.ts'
import { modelType, type OnnxNode, type OnnxTensor } from '../../models/onnx/onnx-messages.ts'
import { DATA_TYPE } from '../../models/onnx/tensor-values.ts'
import { toHalf } from './half.ts'

const MICROSOFT = 'com.microsoft'
/** The operators that are no standard ones. SimplifiedLayerNormalization is, to ORT, of the standard domain. */
const CONTRIBUTED = new Set([
  'GroupQueryAttention',
  'MatMulNBits',
  'GatherBlockQuantized',
  'RotaryEmbedding',
  'SkipSimplifiedLayerNormalization',
])

type Dims = readonly (number | string)[]
type Attributes = Readonly<Record<string, AttributeValue>>

/** What the exporters' quantizer does by default (MatMulNBitsQuantizer: RTN, blocks of 32, symmetric). */
const BLOCK = 32

/**
 * Writes a graph node by node, with random weights. What a node puts out is named after the node, as exporters do it.
 *
 * The activations are half floats for fp16 and q4f16; weights of products are in 4 bits for q4 and q4f16.
 */
export class GraphBuilder {
  readonly dtype: Dtype
  /** TensorProto.DataType of the activations. */
  readonly floatType: number
  readonly #nodes: OnnxNode[] = []
  readonly #initializers = new Map<string, OnnxTensor>()
  readonly #inputs: ReturnType<typeof makeValueInfo>[] = []
  readonly #outputs: ReturnType<typeof makeValueInfo>[] = []
  #seed: number

  constructor(dtype: Dtype, seed = 1) {
    this.dtype = dtype
    this.floatType = dtype === 'fp16' || dtype === 'q4f16' ? DATA_TYPE.float16 : DATA_TYPE.float
    this.#seed = seed
  }

  input(name: string, type: number, dims: Dims): string {
    this.#inputs.push(makeValueInfo(name, type, dims))
    return name
  }

  output(name: string, type: number, dims: Dims): void {
    this.#outputs.push(makeValueInfo(name, type, dims))
  }

  /** Adds a node and gives the name of its first output. `outputs` defaults to one, named after the node. */
  node(
    operator: string,
    name: string,
    inputs: readonly string[],
    options: { attributes?: Attributes; outputs?: readonly string[] } = {},
  ): string {
    const { attributes = {}, outputs = [`${name}/output_0`] } = options
    const domain = CONTRIBUTED.has(operator) ? { domain: MICROSOFT } : {}
    this.#nodes.push(makeNode(operator, inputs, outputs, { ...domain, attributes }))
    return outputs[0] ?? ''
  }

  /** A constant of the activations' type, or of 32 bits. */
  floats(name: string, dims: readonly number[], values: Float32Array, type = this.floatType): string {
    return this.#initializer(name, () => floatTensor(name, type, dims, values))
  }

  /** An int64 constant, shared by all that use the same numbers. An empty `dims` makes a scalar. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = `/model/constants/INT64/${dims.length === 0 ? values.join() : `[${values.join(', ')}]`}`
    return this.#initializer(name, () => {
      const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      return makeTensor(name, DATA_TYPE.int64, dims, data)
    })
  }

  /** A scalar of the activations' type. */
  scalar(value: number): string {
    return this.floats(`/model/constants/FLOAT/${value}`, [], Float32Array.of(value))
  }

  random(count: number, deviation: number, mean = 0): Float32Array {
    return Float32Array.from({ length: count }, () => mean + deviation * this.#normal())
  }

  /** `input` times a random matrix. `scale` multiplies the usual deviation of 1/sqrt(inner). */
  linear(
    name: string,
    input: string,
    inner: number,
    outer: number,
    options: { scale?: number; output?: string } = {},
  ): string {
    const { scale = 1, output = `${name}/output_0` } = options
    const weight = this.random(inner * outer, scale / Math.sqrt(inner))
    const isQuantized = this.dtype === 'q4' || this.dtype === 'q4f16'
    if (!isQuantized) {
      const matrix = this.floats(`${name}.weight`, [inner, outer], weight)
      return this.node('MatMul', name, [input, matrix], { outputs: [output] })
    }
    const blocks = inner / BLOCK
    const { packed, scales } = quantize(weight)
    return this.node(
      'MatMulNBits',
      name,
      [
        input,
        this.#initializer(`${name}.weight_Q4`, (tensor) =>
          makeTensor(tensor, DATA_TYPE.uint8, [outer, blocks, BLOCK / 2], packed),
        ),
        this.floats(`${name}.weight_scales`, [outer * blocks], scales),
      ],
      {
        outputs: [output],
        attributes: {
          K: BigInt(inner),
          N: BigInt(outer),
          bits: 4n,
          block_size: BigInt(BLOCK),
          accuracy_level: 0n,
        },
      },
    )
  }

  /** What the name stands for already, or a new tensor. */
  #initializer(name: string, make: (name: string) => OnnxTensor): string {
    if (!this.#initializers.has(name)) this.#initializers.set(name, make(name))
    return name
  }

  /** Turns a float initializer of the same name into a Transpose of it and tells its output. */
  transposed(name: string, initializer: string): string {
    return this.node('Transpose', name, [initializer], { attributes: { perm: [1, 0] } })
  }

  /**
   * The model file, and the files that hold its tensors, the small ones too: `<model>_data`, `<model>_data_1`, as the
   * hub has them.
   */
  finish(modelName: string, dataFiles = 0): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    const parts = Array.from({ length: dataFiles }, (_, i) => ({
      name: `${modelName}_data${i === 0 ? '' : `_${i}`}`,
      chunks: [] as Uint8Array[],
      length: 0,
    }))
    const initializers = [...this.#initializers.values()].map((tensor, i) => {
      const part = parts[i % Math.max(1, dataFiles)]
      const { rawData } = tensor
      if (!part || !rawData) return tensor
      const entry = (key: string, value: string | number) => ({ key, value: String(value), unknown: [] })
      const place = [
        entry('location', part.name),
        entry('offset', part.length),
        entry('length', rawData.length),
      ]
      part.chunks.push(rawData)
      part.length += rawData.length
      return { ...tensor, rawData: undefined, dataLocation: 1, externalData: place }
    })
    const graph = {
      name: 'main_graph',
      nodes: this.#nodes,
      initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
      valueInfos: [],
      unknown: [],
    }
    const operatorSet = (domain: string, version: bigint) => ({ domain, version, unknown: [] })
    const model = modelType.encode({
      irVersion: 10n,
      producer: 'infernet-kit',
      graph,
      operatorSets: [operatorSet('', 21n), operatorSet(MICROSOFT, 1n)],
      functions: [],
      unknown: [],
    })
    files.set(modelName, model)
    for (const { name, chunks, length } of parts) files.set(name, joined(chunks, length))
    return files
  }

  /** Box and Muller over a small linear generator: the same weights on every machine. */
  #normal(): number {
    const u = this.#uniform()
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.#uniform())
  }

  #uniform(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0
    return (this.#seed + 1) / 2 ** 32
  }
}

/** A tensor of floats, or of half floats where `type` says so. */
export function floatTensor(
  name: string,
  type: number,
  dims: readonly number[],
  values: Float32Array,
): OnnxTensor {
  const data = type === DATA_TYPE.float ? values.slice() : Uint16Array.from(values, toHalf)
  return makeTensor(name, type, dims, new Uint8Array(data.buffer))
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

/**
 * 4 bits in blocks of 32 around the middle 8: two weights a byte, the first in the lower half, as MatMulNBits reads
 * them (onnxruntime/contrib_ops/cpu/quantization/matmul_nbits.cc). `weight` is [outer, inner] row by row.
 */
function quantize(weight: Float32Array): { packed: Uint8Array; scales: Float32Array } {
  const packed = new Uint8Array(weight.length / 2)
  const scales = new Float32Array(weight.length / BLOCK)
  for (let block = 0; block < scales.length; block++) {
    const values = weight.subarray(block * BLOCK, (block + 1) * BLOCK)
    const extreme = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0)
    const scale = extreme / -8
    scales[block] = scale
    for (const [i, value] of values.entries()) {
      const level = scale === 0 ? 8 : Math.min(15, Math.max(0, Math.round(value / scale) + 8))
      const at = (block * BLOCK + i) >> 1
      packed[at] = (packed[at] ?? 0) | (level << (i % 2 === 0 ? 0 : 4))
    }
  }
  return { packed, scales }
}
