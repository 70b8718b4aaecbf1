import {
  tensorType,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type ValueInfo,
} from './onnx-messages.ts'

/** A tensor with its bytes in the file. `data` is little-endian. */
export function makeTensor(
  name: string,
  dataType: number,
  dims: readonly number[],
  data: Uint8Array,
): OnnxTensor {
  return {
    name,
    dataType,
    dims: dims.map(BigInt),
    rawData: data,
    int64Data: [],
    externalData: [],
    dataLocation: undefined,
    unknown: [],
  }
}

/** A node; its attributes by their plain values. */
export function makeNode(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options: {
    domain?: string
    attributes?: Readonly<Record<string, AttributeValue>>
  } = {},
): OnnxNode {
  return {
    operator,
    inputs,
    outputs,
    name: `${operator}/${outputs[0] ?? ''}`,
    domain: options.domain,
    attributes: Object.entries(options.attributes ?? {}).map(([name, value]) => makeAttribute(name, value)),
    unknown: [],
  }
}

/** AttributeProto.AttributeType. */
const FLOAT = 1
const INT = 2
const STRING = 3
const TENSOR = 4
const GRAPH = 5
const INTS = 7

/** A `bigint` is an integer attribute, a `number` a float one: the two are different types to ONNX. */
export type AttributeValue =
  | number
  | bigint
  | string
  | readonly number[]
  | { readonly tensor: OnnxTensor }
  /** Encoded. */
  | { readonly graph: Uint8Array }

function makeAttribute(name: string, value: AttributeValue): OnnxAttribute {
  const nothing: OnnxAttribute = {
    name,
    float: undefined,
    int: undefined,
    string: undefined,
    tensor: undefined,
    graph: undefined,
    ints: [],
    graphs: [],
    type: undefined,
    unknown: [],
  }
  if (typeof value === 'number') return { ...nothing, float: value, type: FLOAT }
  if (typeof value === 'bigint') return { ...nothing, int: value, type: INT }
  if (typeof value === 'string') return { ...nothing, string: new TextEncoder().encode(value), type: STRING }
  if ('tensor' in value) return { ...nothing, tensor: tensorType.encode(value.tensor), type: TENSOR }
  if ('graph' in value) return { ...nothing, graph: value.graph, type: GRAPH }
  return { ...nothing, ints: value.map(BigInt), type: INTS }
}

/** Declares a tensor; a dimension is a size or a name. */
export function makeValueInfo(
  name: string,
  elementType: number,
  dims: readonly (number | string)[],
): ValueInfo {
  const shape = {
    dims: dims.map((dim) => ({
      value: typeof dim === 'number' ? BigInt(dim) : undefined,
      name: typeof dim === 'string' ? dim : undefined,
      unknown: [],
    })),
    unknown: [],
  }
  return { name, type: { tensor: { elementType, shape, unknown: [] }, unknown: [] }, unknown: [] }
}
