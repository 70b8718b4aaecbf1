import { InfernetError } from '../../errors/infernet-error.ts'
import { tensorType, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-messages.ts'

/** The few TensorProto.DataType that a rewrite makes or reads. */
export const DATA_TYPE = { float: 1, uint8: 2, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const

/** Bits of one element by TensorProto.DataType (onnx.proto), for those that weights are made of. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  16: 16,
  21: 4,
  22: 4,
}

/** Constants that decide a graph's shape hold one number or a few. */
const MAX_CONSTANT = 64

/** What a tensor takes in memory; undefined for an unknown element type. */
export function tensorBytes(tensor: OnnxTensor): number | undefined {
  const bits = ELEMENT_BITS[tensor.dataType ?? 0]
  if (bits === undefined) return undefined
  const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1)
  if (!(count >= 0) || count > Number.MAX_SAFE_INTEGER) throw new InfernetError('models.corrupt')
  return Math.ceil((count * bits) / 8)
}

/** The values of a small integer tensor that lies in the model file; undefined for any other. */
function integersOf(tensor: OnnxTensor): readonly number[] | undefined {
  const { dataType, int64Data, rawData } = tensor
  const size = dataType === DATA_TYPE.int64 ? 8 : dataType === DATA_TYPE.int32 ? 4 : 0
  if (size === 0) return undefined
  if (int64Data.length > 0) return int64Data.length > MAX_CONSTANT ? undefined : int64Data.map(Number)
  if (!rawData || rawData.length % size !== 0 || rawData.length > MAX_CONSTANT * size) return undefined
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength)
  return Array.from({ length: rawData.length / size }, (_, i) =>
    size === 8 ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  )
}

/** What makes each value of a graph. */
export interface GraphIndex {
  /** The node that puts out a value. */
  readonly producer: ReadonlyMap<string, OnnxNode>
  readonly initializers: ReadonlyMap<string, OnnxTensor>
  /** True for an initializer and for what a Constant node puts out. */
  isConstant(value: string): boolean
  /** The numbers of a small integer constant; undefined for anything else. */
  integers(value: string): readonly number[] | undefined
}

export function indexGraph(graph: OnnxGraph): GraphIndex {
  const producer = new Map<string, OnnxNode>()
  for (const node of graph.nodes) for (const output of node.outputs) if (output) producer.set(output, node)
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor]))
  const isConstant = (value: string): boolean =>
    initializers.has(value) || producer.get(value)?.operator === 'Constant'
  return {
    producer,
    initializers,
    isConstant,
    integers(value) {
      const initializer = initializers.get(value)
      if (initializer) return integersOf(initializer)
      const node = producer.get(value)
      return node?.operator === 'Constant' ? constantIntegers(node) : undefined
    },
  }
}

function constantIntegers(node: OnnxNode): readonly number[] | undefined {
  const tensor = attributeOf(node, 'value')?.tensor
  if (tensor) return integersOf(tensorType.decode(tensor))
  const int = attributeOf(node, 'value_int')?.int
  return int === undefined ? attributeOf(node, 'value_ints')?.ints.map(Number) : [Number(int)]
}

export function attributeOf(node: OnnxNode, name: string): OnnxNode['attributes'][number] | undefined {
  return node.attributes.find((attribute) => attribute.name === name)
}

/** An integer attribute, or what it is when it is not written down. */
export function integerAttribute(node: OnnxNode, name: string, otherwise: number): number {
  const value = attributeOf(node, name)?.int
  return value === undefined ? otherwise : Number(value)
}

/** `domain:Operator`, or only `Operator` in the standard domain (which has two names). */
export function operatorName({ domain, operator = '' }: OnnxNode): string {
  return domain && domain !== 'ai.onnx' ? `${domain}:${operator}` : operator
}
